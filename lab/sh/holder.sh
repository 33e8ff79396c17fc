#!/bin/sh
# Holds what of a machine outlives a power cut: its network namespace and, in a mount namespace of its own, its file system with all
# changes in memory. It ends when its standard input ends, and everything with it. Says its process id when ready.
# Arguments: an empty directory to mount on, the lower directories (overlay syntax), and for changes on disk instead of in memory the
# upper and the work directory; none for a network namespace alone.
set -eu
ip link set lo up
if [ $# -gt 0 ]; then
  mount -t tmpfs -o mode=755,size=12g lab "$1"
  cd "$1"
  mkdir root up work
  # What overlayfs would write only for itself (redirects, index) must not get into a directory that becomes a lower layer.
  mount -t overlay -o "lowerdir=$2,upperdir=${3:-up},workdir=${4:-work},redirect_dir=off,index=off,metacopy=off" overlay root
  : > netns
  mount --bind /proc/self/ns/net netns
fi
echo $$
exec cat >/dev/null
