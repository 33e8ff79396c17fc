/** A host of the private internet: a file system of its own, with foreign programs, on the common network. */
import { type Argv, type Child, collect, doNotWaitFor, ended, type Output, succeeded } from '../process.ts';
import { inNetwork } from '../namespace.ts';
import type { Addresses, Network } from '../network.ts';
import { type Files, openRoom, type Room } from '../room.ts';
import { hangUp, type Sockets, socketsOf } from '../sockets.ts';
import type { Layer } from '../store.ts';

export interface ForeignHost extends Sockets, AsyncDisposable {
  /** Its full name, without a dot at the end. */
  readonly name: string;
  readonly addresses: Addresses;
  readonly room: Room;
  /** Runs a program there; anything but success is an exception. */
  must(argv: Argv, options?: { readonly input?: string; readonly files?: Files; readonly ms?: number }): Promise<Output>;
  /** Gives it further addresses, so that it can be many senders. */
  also(...addresses: readonly Addresses[]): Promise<void>;
  /** Starts a program that stays; `stop` of it waits for its end. */
  daemon(argv: Argv): Daemon;
  /** All that its daemons have said on standard output and error. */
  said(): string;
}

export interface Daemon {
  readonly child: Child;
  stop(): Promise<void>;
}

export const foreignHost = async (lan: Network, layer: Layer, name: string, addresses: Addresses): Promise<ForeignHost> => {
  const room = await openRoom({ lower: layer.lower });
  const netns = `/proc/${room.pid}/ns/net`;
  await lan.join({ holder: { pid: room.pid, netns, close: room.close } }, addresses);
  await room.run(['hostname', name]);
  const sayings: { text(): string }[] = [];
  return {
    ...socketsOf(netns),
    name,
    addresses,
    room,
    must: async (argv, options) => succeeded(argv, await room.run(argv, options)),
    also: async (...more) => {
      const lines = more.flatMap(({ v4, v6 }) => [`address add ${v4}/16 dev host0`, `address add ${v6}/64 dev host0 nodad`]);
      await inNetwork(netns, ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
    },
    daemon: (argv) => {
      const child = room.spawn(argv);
      doNotWaitFor(child);
      // A pipe that nobody reads is full one day, and whoever writes to it stands still.
      sayings.push(collect(child.stdout), collect(child.stderr));
      return {
        child,
        stop: async () => {
          child.ref();
          child.kill('SIGTERM');
          await ended(child);
        },
      };
    },
    said: () => sayings.map((one) => one.text()).join(''),
    [Symbol.asyncDispose]: async () => {
      await room.close();
      hangUp(netns);
    },
  };
};
