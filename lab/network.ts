/**
 * A private network: a switch in a namespace of its own, to which machines and plain hosts (strangers) are joined with fixed addresses,
 * IPv4 and IPv6. Nothing of it is reachable from the real network, nor the other way round.
 */
import { needLab } from './host.ts';
import { type Holder, holdNetwork, inNetwork } from './namespace.ts';
import { type Output, type RunOptions, run } from './process.ts';
import { type Sockets, socketsOf } from './sockets.ts';

export interface Addresses {
  /** Without prefix length; the network is a /16. */
  readonly v4: string;
  /** Without prefix length; the network is a /64. */
  readonly v6: string;
}

/** A namespace that has an address and nothing else. Its programs are the host's. */
export interface Host extends Sockets, AsyncDisposable {
  readonly name: string;
  readonly addresses: Addresses;
  readonly holder: Holder;
  /** Runs a program of the host in the namespace's network. */
  run(argv: readonly string[], options?: RunOptions): Promise<Output>;
}

export interface Network extends AsyncDisposable {
  /** Joins a machine (interface `host0`). Without `addresses` it gets the next free ones, with the default route into the network. */
  join(machine: { readonly holder: Holder }, addresses?: Addresses): Promise<Addresses>;
  host(name: string, addresses?: Addresses): Promise<Host>;
}

/** One `ip` batch (ip(8), -batch) inside a namespace. */
const ip = (netns: string, lines: readonly string[]): Promise<Output> => inNetwork(netns, ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });

const plug = async (hub: Holder, port: string, holder: Holder, { v4, v6 }: Addresses): Promise<void> => {
  await ip(hub.netns, [`link add ${port} type veth peer name host0 netns ${holder.pid}`, `link set ${port} master lan up`]);
  await ip(holder.netns, [
    'link set host0 up',
    `address add ${v4}/16 dev host0`,
    `address add ${v6}/64 dev host0 nodad`,
    'route replace default dev host0',
    'route replace ::/0 dev host0',
  ]);
};

/** `hub`: every frame goes to everybody, so that one can listen. */
export const network = async ({ hub: toEverybody = false }: { readonly hub?: boolean } = {}): Promise<Network> => {
  await needLab();
  const hub = await holdNetwork();
  const hosts: Holder[] = [];
  let last = 0;
  await ip(hub.netns, [`link add lan type bridge forward_delay 0${toEverybody ? ' ageing_time 0' : ''}`, 'link set lan up']);
  const join = async ({ holder }: { readonly holder: Holder }, addresses?: Addresses): Promise<Addresses> => {
    const number = ++last;
    const given = addresses ?? { v4: `10.99.0.${number}`, v6: `fd99::${number.toString(16)}` };
    await plug(hub, `port${number}`, holder, given);
    return given;
  };
  const host = async (name: string, addresses?: Addresses): Promise<Host> => {
    const holder = await holdNetwork();
    hosts.push(holder);
    const given = await join({ holder }, addresses);
    return {
      ...socketsOf(holder.netns),
      name,
      addresses: given,
      holder,
      run: (argv, options) => run(['nsenter', `--net=${holder.netns}`, '--', ...argv], options),
      [Symbol.asyncDispose]: holder.close,
    };
  };
  const close = async (): Promise<void> => {
    for (const holder of [...hosts, hub]) await holder.close();
  };
  return { join, host, [Symbol.asyncDispose]: close };
};
