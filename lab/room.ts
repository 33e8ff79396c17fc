/**
 * A room: the file system of some layers, in namespaces of its own, without an init. Programs of that Debian release run in it at the
 * speed of a process start; nothing they do reaches the host or the layers. It dies with the process that opened it.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Inside, type InsideOptions, inside } from './enter.ts';
import { mountPoint, script } from './owner.ts';
import { type Argv, type Child, collect, doNotWaitFor, ended, must, type Output, start, succeeded } from './process.ts';

/** Contents by absolute path. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Room extends Inside, AsyncDisposable {
  /** Process 1 of the room, as the host counts. */
  readonly pid: number;
  /** The room's file system as the host sees it. Follow no absolute symbolic link through it: it would lead into the host. */
  readonly root: string;
  /** `files` are put in place before the program starts. */
  run(argv: Argv, options?: InsideOptions & { readonly files?: Files }): Promise<Output>;
  /** Writes files (root, 0644) and the directories above them; links to directories are followed inside the room. */
  put(files: Files): Promise<void>;
  close(): Promise<void>;
}

/** Two empty directories on one file system of the disk, for overlayfs. */
export interface Changes {
  readonly upper: string;
  readonly work: string;
}

export interface RoomOptions {
  /** Directories of the layers, top first. */
  readonly lower: readonly string[];
  /** Where changes go; in memory if left out. */
  readonly changes?: Changes;
  /** `host` gives the room the host's network, to install packages. */
  readonly network?: 'private' | 'host';
}

/** The first line that a child says, or an error with what it said on standard error. */
export const firstLine = async (child: Child, what: string): Promise<string> => {
  const complaints = collect(child.stderr);
  const line = once(child.stdout, 'data').then(([chunk]: Buffer[]) => String(chunk).trim());
  const end = once(child, 'close').then(() => Promise.reject(new Error(`${what} did not start: ${complaints.text()}`)));
  return Promise.race([line, end]);
};

const putFiles = async (room: Inside, root: string, files: Files): Promise<void> => {
  // Staged in the room's own /tmp, so that nothing stays on the host if we are killed here.
  const stage = await mkdtemp(join(root, 'tmp', 'lab-'));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(stage, path)), { recursive: true });
      await writeFile(join(stage, path), content);
    }
    const archive = await must(['tar', '-C', stage, '--owner=0', '--group=0', '--mode=u=rwX,go=rX', '-cf', '-', '.'], { encoding: 'latin1' });
    const unpack = ['tar', '-C', '/', '--keep-directory-symlink', '--no-overwrite-dir', '-xf', '-'];
    succeeded(unpack, await room.run(unpack, { input: Buffer.from(archive.stdout, 'latin1') }));
  } finally {
    await rm(stage, { recursive: true });
  }
};

export const openRoom = async (options: RoomOptions): Promise<Room> => {
  const network = options.network ?? 'private';
  const child = start([
    ...['unshare', '--mount', '--pid', '--ipc', '--uts', ...(network === 'private' ? ['--net'] : []), '--fork', '--kill-child=KILL', '--'],
    ...['sh', script('room.sh'), mountPoint(), options.lower.join(':'), options.changes?.upper ?? '', options.changes?.work ?? '', network],
  ]);
  const pid = Number(await firstLine(child, 'the room'));
  doNotWaitFor(child);
  const { leave: _, ...into } = inside(() => pid);
  const root = `/proc/${pid}/root`;
  const put = (files: Files): Promise<void> => putFiles(into, root, files);
  const close = async (): Promise<void> => {
    child.ref();
    // unshare(1) ends after its child, and that, being process 1, after everything in the room.
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, 'SIGKILL');
    await ended(child);
  };
  return {
    ...into,
    pid,
    root,
    put,
    close,
    run: async (argv, { files, ...rest } = {}) => {
      if (files !== undefined) await put(files);
      return into.run(argv, rest);
    },
    [Symbol.asyncDispose]: close,
  };
};
