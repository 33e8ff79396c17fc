/**
 * A way out for a machine: a pair of interfaces to the host and a masquerade in a packet filter table of this process. Meant for
 * package sources; a scenario goes offline before it sends anything. While somebody is online the host forwards IPv4.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Inside } from './enter.ts';
import { type Holder, inNetwork } from './namespace.ts';
import { OWNER, undoAtEnd } from './owner.ts';
import { must, run } from './process.ts';
import { locked } from './store.ts';

const TABLE = `hauspost_lab_${OWNER.replace('-', '_')}`;
const FORWARD = '/proc/sys/net/ipv4/ip_forward';
/** Shared address space (RFC 6598): nobody's own network. */
const POOL = '100.64.0.0/10';
/** Below that of any tunnel that the host may sit behind. */
const MTU = '1280';

/** The addresses of both ends, a /30 of the pool by the holder's process id. */
const ends = (pid: number): { readonly near: string; readonly far: string } => {
  const at = (offset: number): string => {
    const number = ((pid % 2 ** 20) << 2) + offset;
    return `100.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  };
  return { near: at(1), far: at(2) };
};

/**
 * The chain `forwarding_was_off` notes, in the kernel beside the table itself, that forwarding was off before the lab came,
 * so that whoever removes the last such table (see sh/reaper.sh) switches it off again.
 */
const prepareHost = async (): Promise<void> => {
  const chains = (await must(['nft', 'list', 'chains', 'inet'])).stdout;
  const wasOff = readFileSync(FORWARD, 'utf8').trim() === '0' || chains.includes('forwarding_was_off');
  undoAtEnd('table', TABLE);
  const note = wasOff ? `add chain inet ${TABLE} forwarding_was_off\n` : '';
  const rules = `chain out { type nat hook postrouting priority srcnat; ip saddr ${POOL} masquerade; }`;
  await must(['nft', '-f', '-'], { input: `add table inet ${TABLE}\ndelete table inet ${TABLE}\ntable inet ${TABLE} { ${rules}; }\n${note}` });
  writeFileSync(FORWARD, '1');
};

/** Resolvers of the host that a machine can reach, too. */
const resolvers = (): string => {
  const lines = readFileSync('/etc/resolv.conf', 'utf8')
    .split('\n')
    .filter((line) => /^nameserver\s+(?!127\.|::1)/.test(line));
  if (lines.length === 0) throw new Error('the host has no resolver that a machine could reach (/etc/resolv.conf names loopback only)');
  return `${lines.join('\n')}\n`;
};

export interface Uplink {
  /** Gives the machine a default route to the host's network, and the host's resolvers. */
  online(): Promise<void>;
  /** Takes both away; /etc/resolv.conf is what it was. */
  offline(): Promise<void>;
}

export const uplinkOf = (holder: Holder, machine: Inside): Uplink => {
  const link = `hpl${holder.pid.toString(36)}`;
  let before: string | undefined;
  const online = async (): Promise<void> => {
    if (before !== undefined) return;
    const { near, far } = ends(holder.pid);
    const names = resolvers();
    await locked('uplink', prepareHost);
    await must(['ip', 'link', 'add', link, 'mtu', MTU, 'type', 'veth', 'peer', 'name', 'wan0', 'mtu', MTU, 'netns', String(holder.pid)]);
    await must(['ip', 'address', 'add', `${near}/30`, 'dev', link]);
    await must(['ip', 'link', 'set', link, 'up']);
    await inNetwork(holder.netns, ['ip', 'address', 'add', `${far}/30`, 'dev', 'wan0']);
    await inNetwork(holder.netns, ['ip', 'link', 'set', 'wan0', 'up']);
    await inNetwork(holder.netns, ['ip', 'route', 'replace', 'default', 'via', near]);
    before = (await machine.run(['cat', '/etc/resolv.conf'])).stdout;
    await machine.run(['tee', '/etc/resolv.conf'], { input: names });
  };
  const offline = async (): Promise<void> => {
    if (before === undefined) return;
    await run(['ip', 'link', 'delete', link]);
    await machine.run(['tee', '/etc/resolv.conf'], { input: before });
    before = undefined;
  };
  return { online, offline };
};
