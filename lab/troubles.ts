/** What may come between while a machine is being changed, as the machine's own root makes it; and how it ends. */

export interface Trouble {
  /** The number of the effect that it comes before, or how the effect's name begins. */
  readonly before: number | string;
  /** The how-manieth of that name; the first if left out. */
  readonly nth?: number;
  /**
   * `killed`: the process ends as the kernel ends it (SIGKILL). `full`, `read-only`: see below.
   * `stopped`: it waits, says so, and whoever looks on may pull the plug.
   */
  readonly by: 'killed' | 'full' | 'read-only' | 'stopped';
}

export interface Lasting {
  readonly begin: string;
  readonly end: string;
}

/** For sh(1). */
export const LASTING: Readonly<Record<'full' | 'read-only', Lasting>> = {
  /** No block of the file system is free, for root neither. What is written is given room before it is on the disk, and not all of it is needed then: so again and again. */
  full: {
    begin: `set -- $(stat -f -c '%a %S' /root)
fallocate -l $(($1 * $2 - 4194304)) /root/filler.0 || true
n=0 size=1
while [ $size -gt 0 ]; do
  n=$((n + 1))
  dd if=/dev/zero of=/root/filler.$n bs=4k 2>/dev/null || sync --file-system /root
  size=$(stat -c %s /root/filler.$n || echo 0)
done`,
    end: 'rm -f /root/filler.*',
  },
  /** /etc, as with a file system of its own. */
  'read-only': {
    begin: 'mount --bind /etc /etc && mount -o remount,bind,ro /etc',
    end: `mountpoint -q /etc || exit 0
mount -o remount,bind,rw /etc
umount /etc && exit 0
ls -l /proc/[0-9]*/fd /proc/[0-9]*/cwd 2>/dev/null | grep ' /etc' >&2
exit 1`,
  },
};
