#!/bin/sh
# Holds what of a machine outlives a power cut: its network namespace and, in a mount namespace of its own, its file system with all
# changes in memory. It ends when its standard input ends, and everything with it. Says its process id when ready.
# Arguments: an empty directory to mount on, the lower directories (overlay syntax), and for changes on disk instead of in memory the
# upper and the work directory, or `disk` and its size (see disk.sh); none for a network namespace alone.
set -eu
ip link set lo up
if [ $# -gt 0 ]; then
  mount -t tmpfs -o mode=755,size=12g lab "$1"
  cd "$1"
  mkdir root
  if [ "${3:-}" = disk ]; then
    truncate -s "${4}M" disk.img
    mkfs.ext4 -q disk.img
    sh "$(dirname "$0")/disk.sh" on "$1" "$2"
  else
    mkdir up work
    # What overlayfs would write only for itself (redirects, index) must not get into a directory that becomes a lower layer.
    mount -t overlay -o "lowerdir=$2,upperdir=${3:-up},workdir=${4:-work},redirect_dir=off,index=off,metacopy=off" overlay root
  fi
  : > netns
  mount --bind /proc/self/ns/net netns
fi
echo $$
exec cat >/dev/null
