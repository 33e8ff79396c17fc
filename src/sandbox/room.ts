/**
 * A private view of this machine in which staged files stand at their final paths. Programs run in it as on the machine,
 * and see no processes but their own; what they write is thrown away.
 *
 * Each file system of the machine becomes the lower layer of an overlay whose upper layer is a tmpfs, so a separate /var is
 * seen as well; one below the root that cannot be had (it has just gone, or is a user's own) stays empty. Unix sockets do not connect through an overlay: live daemons cannot be reached from here.
 * Needs CAP_SYS_ADMIN.
 */
import { type AbsPath, environmentError, path } from '#base';
import type { Machine } from '#machine';
import type { CheckRoom } from '#model';

/** Kernel interfaces: not copied but bound, or mounted anew. */
const KERNEL = new Set([
  'proc',
  'sysfs',
  'devtmpfs',
  'devpts',
  'cgroup',
  'cgroup2',
  'mqueue',
  'debugfs',
  'tracefs',
  'securityfs',
  'bpf',
  'pstore',
  'configfs',
  'hugetlbfs',
  'fusectl',
  'efivarfs',
  'autofs',
  'binfmt_misc',
  'rpc_pipefs',
  'nsfs',
  'selinuxfs',
]);

const WORK = path('/run/hauspost/sandbox');

/**
 * Constant; everything variable comes as arguments: WORK STAGE, then `root|dir|file PATH` for each mount, `absent PATH` for each path, and `--`.
 * It says that it is ready from within: whoever entered by its first process before that has the new root would look at the machine itself.
 * Then it waits for the end of its input. What is of another kind than what is staged is cleared: cp(1) would write into a FIFO and wait.
 */
const SCRIPT = `set -eu
work=$1; stage=$2; shift 2
mount -t tmpfs -o mode=0700 tmpfs "$work"
mkdir "$work/root"
n=0
lay() {
  n=$((n + 1)); mkdir "$work/u$n" "$work/w$n"
  chmod --reference="$1" "$work/u$n" && chown --reference="$1" "$work/u$n" &&
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$work/u$n,workdir=$work/w$n" "$work/root$1"
}
while [ "$1" != -- ] && [ "$1" != absent ]; do
  case $1 in
    root) lay / ;;
    dir) lay "$2" || true ;;
    file) mount --bind "$2" "$work/root$2" || true ;;
  esac
  shift 2
done
mount -t proc proc "$work/root/proc"
mount --rbind /dev "$work/root/dev"
clear() { (cd "$stage" && find . ! -path . -type "$1" -exec sh -c 'for p; do [ -'"$1"' "$0/$p" ] && [ ! -L "$0/$p" ] || rm -rf "$0/$p"; done' "$work/root" {} +); }
clear d; clear f
cp -a "$stage/." "$work/root/"
while [ "$1" = absent ]; do rm -rf "$work/root$2"; shift 2; done
shift
exec chroot "$work/root" sh -c 'echo ready; exec cat'
`;

interface Mount {
  readonly point: string;
  readonly type: string;
}

/** proc_pid_mountinfo(5); paths with characters that an overlay option cannot hold are left out. */
const mounts = async (machine: Machine): Promise<readonly Mount[]> => {
  const text = (await machine.read(path('/proc/self/mountinfo')))?.toString() ?? '';
  const all = text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const point = before.split(' ')[4];
    const type = after.split(' ')[0];
    return point === undefined || type === undefined ? [] : [{ point, type }];
  });
  const last = new Map(all.map((mount) => [mount.point, mount])); // the uppermost of several on one point
  const shadowed = (mount: Mount): boolean =>
    [...last.values()].some((other) => KERNEL.has(other.type) && (mount.point === other.point || mount.point.startsWith(`${other.point}/`)));
  return [...last.values()]
    .filter((mount) => !shadowed(mount) && !/[,:\\ ]/.test(mount.point) && !mount.point.startsWith(WORK))
    .toSorted((a, b) => (a.point < b.point ? -1 : 1));
};

const arrangement = async (machine: Machine): Promise<readonly string[]> => {
  const parts: string[] = [];
  for (const mount of await mounts(machine)) {
    const look = machine.state(path(mount.point));
    const state = await (mount.point === '/' ? look : look.catch(() => undefined));
    if (state !== undefined) parts.push(state.kind !== 'dir' ? 'file' : mount.point === '/' ? 'root' : 'dir', mount.point);
  }
  return parts;
};

const refused = (cause: unknown): Error =>
  environmentError({
    code: 'sandbox.no-mounts',
    message: `a private view of this machine cannot be made: ${(cause instanceof Error ? cause.message : String(cause)).split('\n').at(-1) ?? ''}`,
    remedy: 'Run as root with CAP_SYS_ADMIN (a container needs --cap-add SYS_ADMIN) and overlayfs in the kernel.',
    cause,
  });

/** `unshare --fork` waits; its child is the first process of the view (proc_pid_task(5), `children`). */
const childOf = async (machine: Machine, pid: number): Promise<number> =>
  Number((await machine.read(path(`/proc/${pid}/task/${pid}/children`)))?.toString().trim());

/** `stage` holds staged files below their final paths; `absent` paths are hidden. The view lasts until it is disposed of, or we end. */
export const openRoom = async (machine: Machine, stage: AbsPath, absent: readonly AbsPath[]): Promise<CheckRoom & AsyncDisposable> => {
  await machine.makeDir(WORK, { owner: 'root:root', mode: 0o700 });
  const unshare = ['unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];
  const places = [...(await arrangement(machine)), ...absent.flatMap((target) => ['absent', target])];
  const held = await machine.hold([...unshare, 'sh', '-c', SCRIPT, 'sandbox', WORK, stage, ...places, '--']).catch((cause: unknown) => {
    throw refused(cause);
  });
  const first = String(await childOf(machine, held.pid));
  const enter = ['nsenter', '--target', first, '--mount', '--pid', '--root', '--wd', '--'];
  return { run: (argv, options) => machine.run([...enter, ...argv], options), [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
};
