#!/bin/sh
# A machine's disk: ext4 in a file in memory, with the machine's changes. Runs in the mount namespace of its holder (holder.sh), with which it goes.
# Arguments: what to do, the holder's directory, and for `on` the lower directories (overlay syntax).
#   on   mounts it, after a power cut as its journal has it, and the machine's root over it
#   cut  the kernel writes nothing to it any more, neither data nor journal (EXT4_IOC_SHUTDOWN without flush, fs/ext4/ioctl.c): what was not synced is lost
#   off  unmounts both, once no process of the machine is left
set -eu
cd "$2"
case $1 in
  on)
    mkdir -p disk
    mount -o loop disk.img disk
    mkdir -p disk/up disk/work
    : > disk/plug
    mount -t overlay -o "lowerdir=$3,upperdir=disk/up,workdir=disk/work,redirect_dir=off,index=off,metacopy=off" overlay root
    ;;
  cut)
    exec perl -e 'open my $plug, "<", "disk/plug" or die "$!\n"; my $how = pack "L", 2; ioctl $plug, 0x8004587d, $how or die "$!\n"'
    ;;
  off)
    umount root disk
    # The namespaces of the machine's processes may keep it mounted a little longer than these live.
    for _ in $(seq 1200); do
      [ -n "$(losetup --associated disk.img)" ] || exit 0
      sleep 0.05
    done
    echo "the disk is still mounted elsewhere" >&2
    exit 1
    ;;
esac
