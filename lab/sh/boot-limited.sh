#!/bin/sh
# As boot.sh, for a machine with little memory (memory.ts): it sees control groups of version 1, and its systemd may write those of memory, so that the
# MemoryMax of its units counts. systemd 252 and, when told so, 257 still know them. systemd-nspawn leaves all but name=systemd read-only: process 1 changes
# that before it becomes systemd. Arguments: the holder's directory, the control group's name, then systemd-nspawn's.
set -eu
mnt=$1 group=$2
shift 2
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
cd /sys/fs/cgroup
mkdir unified systemd memory
mount -t cgroup2 cgroup2 unified
mount -t cgroup -o none,name=systemd cgroup systemd
mount -t cgroup -o memory cgroup memory
mkdir -p "unified/$group"
echo $$ > "unified/$group/cgroup.procs"
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=0
exec systemd-nspawn --quiet --register=no --keep-unit --directory="$mnt/root" --network-namespace-path="$mnt/netns" \
  --console=pipe --link-journal=no --resolv-conf=off --timezone=off --setenv=LANG=C.UTF-8 "$@" -- /bin/sh -c \
  'mount -o remount,bind,rw /sys/fs/cgroup/memory &&
  exec /lib/systemd/systemd systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'
