#!/bin/sh
# Switches a machine on: runs in the holder's mount namespace, in new mount and pid namespaces, so that killing it is a power cut.
# systemd-nspawn gets a /run of its own and sees one cgroup2 tree, in which the machine has a group: current systemd refuses cgroup v1,
# and a host without systemd has no place prepared.
# Arguments: the holder's directory, the control group's name, then systemd-nspawn's.
set -eu
mnt=$1 group=$2
shift 2
mount -t tmpfs -o mode=755 run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$group"
echo $$ > "/sys/fs/cgroup/$group/cgroup.procs"
exec systemd-nspawn --quiet --register=no --keep-unit --directory="$mnt/root" --network-namespace-path="$mnt/netns" \
  --console=pipe --link-journal=no --resolv-conf=off --timezone=off --setenv=LANG=C.UTF-8 "$@"
