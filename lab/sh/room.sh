#!/bin/sh
# Process 1 of a room: runs in new mount, pid, ipc, uts namespaces (and a new network namespace unless the host's is shared),
# puts an overlay at / and waits until its standard input ends. When it ends, the kernel ends everything in the room.
# Arguments: an empty directory to mount on, the lower directories (overlay syntax), upper directory or "" for memory, work directory,
# "host" or "private" for the network. Says its process id (as the host counts) when the room is ready.
set -eu
mnt=$1 lower=$2 upper=$3 work=$4 network=$5
# The redirection is the shell's own, so "self" is this shell, in the host's numbers while the host's /proc is mounted.
read -r pid _ < /proc/self/stat

mount -t tmpfs -o mode=755,size=8g lab "$mnt"
cd "$mnt"
mkdir root up work
if [ -z "$upper" ]; then upper=$mnt/up work=$mnt/work; fi
# What overlayfs would write only for itself (redirects, index) must not get into a directory that becomes a lower layer.
mount -t overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work,redirect_dir=off,index=off,metacopy=off" overlay root
cd root
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs -o mode=755 dev dev
for node in null zero full random urandom tty; do
  : > "dev/$node"
  mount --bind "/dev/$node" "dev/$node"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
if [ "$network" = host ]; then mount --bind /etc/resolv.conf etc/resolv.conf; else ip link set lo up; fi
hostname room
pivot_root . mnt
umount -l mnt
echo "$pid"
# With SIGCHLD ignored the kernel buries the orphans that daemons leave to process 1.
exec env --ignore-signal=CHLD cat >/dev/null
