/** Holders of namespaces: small processes that keep a network namespace (and a machine's file system) alive while this process lives. */
import { mountPoint, script } from './owner.ts';
import { type Argv, ended, must, type Output, type RunOptions, start } from './process.ts';
import { type Changes, doNotWaitFor, firstLine } from './room.ts';

export interface Holder {
  readonly pid: number;
  /** The network namespace, for nsenter(1). */
  readonly netns: string;
  close(): Promise<void>;
}

const hold = async (namespaces: Readonly<readonly string[]>, args: readonly string[]): Promise<Holder> => {
  const child = start(['unshare', ...namespaces, '--', 'sh', script('holder.sh'), ...args]);
  const pid = Number(await firstLine(child, 'the namespace'));
  doNotWaitFor(child);
  const close = async (): Promise<void> => {
    child.ref();
    child.kill('SIGKILL');
    await ended(child);
  };
  return { pid, netns: `/proc/${pid}/ns/net`, close };
};

export const holdNetwork = (): Promise<Holder> => hold(['--net'], []);

/** `changes`: directories on disk for what the machine writes; in memory if left out. */
export const holdMachine = async (lower: readonly string[], changes?: Changes): Promise<Holder & { readonly mnt: string }> => {
  const mnt = mountPoint();
  return { ...(await hold(['--net', '--mount'], [mnt, lower.join(':'), ...(changes === undefined ? [] : [changes.upper, changes.work])])), mnt };
};

/** Runs a program of the host in a network namespace; anything but success is an exception. */
export const inNetwork = (netns: string, argv: Argv, options: RunOptions = {}): Promise<Output> =>
  must(['nsenter', `--net=${netns}`, '--', ...argv], options);
