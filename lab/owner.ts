/**
 * Who owns what the lab leaves on the host, and who removes it. Processes, mounts and network namespaces die with this process by the
 * kernel's doing; for the rest a small reaper in a session of its own (Ctrl-C does not reach it) reads what to undo and does it when this
 * process is gone, however it ended. Names carry the owner's process id and start time, so that leftovers of the dead can be told.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/** Where layers, locks and unfinished layers lie: `HAUSPOST_LAB_CACHE`, or below /var/cache. */
export const cacheDirectory = (): string => process.env['HAUSPOST_LAB_CACHE'] ?? '/var/cache/hauspost-lab';

export const script = (name: string): string => join(import.meta.dirname, 'sh', name);

/** Field 22 of proc(5) stat, counted after the command's name, which may hold spaces. */
const startTime = (): string => {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[19] ?? '0';
};

/** `PID-STARTTIME` of this process. */
export const OWNER = `${process.pid}-${startTime()}`;

/** An empty directory for private mounts to stand on; nothing is ever written to it. */
export const mountPoint = (): string => {
  const directory = join(cacheDirectory(), 'mnt');
  mkdirSync(directory, { recursive: true });
  return directory;
};

export const buildingDirectory = (): string => {
  const directory = join(cacheDirectory(), 'building');
  mkdirSync(directory, { recursive: true });
  return directory;
};

let reaper: Socket | undefined;

const startReaper = (): Socket => {
  const child = spawn('unshare', ['--mount', 'sh', script('reaper.sh'), mountPoint(), buildingDirectory()], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  if (!(child.stdin instanceof Socket)) throw new Error('a pipe to a child is a socket');
  child.unref();
  child.stdin.unref();
  return child.stdin;
};

/** Promises that `name` will be gone soon after this process, at the latest. Undoing what is gone already is no error. */
export const undoAtEnd = (kind: 'directory' | 'cgroup' | 'group' | 'table', name: string): void => {
  reaper ??= startReaper();
  reaper.write(`${kind} ${name}\n`);
};
