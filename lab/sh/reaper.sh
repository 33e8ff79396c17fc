#!/bin/sh
# Undoes what the kernel does not undo by itself when a lab process dies: directories, control groups, packet filter tables.
# It reads "KIND NAME" lines; when its standard input ends, the process that wrote them is gone, and everything named is removed.
# At its start it removes what dead owners left (their reaper was killed, too). Runs in a mount namespace of its own.
# Arguments: an empty directory to mount cgroup2 on, the directory with unfinished layers.
# Every name ends in ".PID-STARTTIME" of its owner (tables: "_PID_STARTTIME").
set -u
mnt=$1 building=$2
mount -t cgroup2 cgroup2 "$mnt"

alive() { # PID-STARTTIME: field 22 of proc(5) stat, counted after the command's name, which may hold spaces
  stat=$(cat "/proc/${1%-*}/stat" 2>/dev/null) || return 1
  set -- "$1" ${stat##*) }
  shift 20
  [ "$1" = "${owner#*-}" ]
}

undo() {
  case $1 in
    directory) rm -rf "$2" ;;
    table) # the last table with the note that forwarding was off puts it off again, while nobody switches it on (uplink.ts)
      locks=${building%/*}/locks
      mkdir -p "$locks"
      (
        flock 9
        note=$(nft list chain inet "$2" forwarding_was_off 2>/dev/null)
        nft delete table inet "$2" 2>/dev/null
        if [ -n "$note" ] && ! nft list chains inet | grep -q forwarding_was_off; then echo 0 > /proc/sys/net/ipv4/ip_forward; fi
      ) 9>>"$locks/uplink"
      ;;
    cgroup) # the processes in it are about to die; up to ten seconds
      for _ in $(seq 100); do
        [ -d "$mnt/$2" ] || break
        find "$mnt/$2" -depth -type d -exec rmdir {} + 2>/dev/null
        sleep 0.1
      done ;;
    group) # of version 1, where the host has it mounted
      for _ in $(seq 100); do
        [ -d "$2" ] || break
        find "$2" -depth -type d -exec rmdir {} + 2>/dev/null
        sleep 0.1
      done ;;
  esac
}

first=$(awk '$3 == "cgroup" && "," $4 "," ~ /,(memory|name=systemd),/ { print $2 "/hauspost-lab.*" }' /proc/self/mounts)
for path in "$building"/*.* "$mnt"/hauspost-lab.* $first; do
  [ -e "$path" ] || continue
  owner=${path##*.}
  alive "$owner" && continue
  case $path in "$mnt"/*) undo cgroup "${path#"$mnt"/}" ;; "$building"/*) undo directory "$path" ;; *) undo group "$path" ;; esac
done
nft list tables inet 2>/dev/null | while read -r _ _ table; do
  case $table in hauspost_lab_*_*) owner=${table#hauspost_lab_}; owner=${owner%_*}-${owner#*_}; alive "$owner" || undo table "$table" ;; esac
done

set --
while read -r kind name; do set -- "$@" "$kind $name"; done
for entry in "$@"; do undo "${entry%% *}" "${entry#* }"; done
