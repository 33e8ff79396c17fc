/** Holders of namespaces: small processes that keep a network namespace (and a machine's file system) alive while this process lives. */
import { mountPoint, script } from './owner.ts';
import { type Argv, doNotWaitFor, ended, must, type Output, type RunOptions, start } from './process.ts';
import { type Changes, firstLine } from './room.ts';
import { hangUp } from './sockets.ts';

export interface Holder {
  readonly pid: number;
  /** The network namespace, for nsenter(1). */
  readonly netns: string;
  close(): Promise<void>;
}

const hold = async (namespaces: Readonly<readonly string[]>, args: readonly string[]): Promise<Holder> => {
  const child = start(['unshare', ...namespaces, '--', 'sh', script('holder.sh'), ...args]);
  const pid = Number(await firstLine(child, 'the namespace'));
  const netns = `/proc/${pid}/ns/net`;
  doNotWaitFor(child);
  const close = async (): Promise<void> => {
    child.ref();
    child.kill('SIGKILL');
    await ended(child);
    hangUp(netns);
  };
  return { pid, netns, close };
};

export const holdNetwork = (): Promise<Holder> => hold(['--net'], []);

/** Where a machine's changes go: two directories on disk, or a disk of its own of so many MB. */
export type Place = Changes | { readonly megabytes: number };

const placeArguments = (place: Place | undefined): readonly string[] => {
  if (place === undefined) return [];
  return 'megabytes' in place ? ['disk', String(place.megabytes)] : [place.upper, place.work];
};

/** See disk.sh. */
export interface Disk {
  /** The kernel writes nothing to it any more. */
  cut(): Promise<void>;
  /** Mounts it again as a power cut left it, once all processes of the machine are gone. */
  mountAgain(): Promise<void>;
}

export interface MachineHolder extends Holder {
  readonly mnt: string;
  readonly disk: Disk | undefined;
}

/** `place`: in memory if left out. */
export const holdMachine = async (lower: readonly string[], place?: Place): Promise<MachineHolder> => {
  const mnt = mountPoint();
  const holder = await hold(['--net', '--mount'], [mnt, lower.join(':'), ...placeArguments(place)]);
  const disk = async (what: 'on' | 'cut' | 'off'): Promise<void> => {
    await must(['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--', 'sh', script('disk.sh'), what, mnt, lower.join(':')]);
  };
  const mountAgain = async (): Promise<void> => {
    await disk('off');
    await disk('on');
  };
  return { ...holder, mnt, disk: place !== undefined && 'megabytes' in place ? { cut: () => disk('cut'), mountAgain } : undefined };
};

/** Runs a program of the host in a network namespace; anything but success is an exception. */
export const inNetwork = (netns: string, argv: Argv, options: RunOptions = {}): Promise<Output> =>
  must(['nsenter', `--net=${netns}`, '--', ...argv], options);
