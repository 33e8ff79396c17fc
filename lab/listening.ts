/**
 * Sockets of the internet families on which a machine waits for others, from the kernel's own tables (proc_pid_net(5)), each with the
 * program that opened it (the links in /proc/PID/fd). Read from outside the machine: nothing in it is asked to tell the truth.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Machine } from './machine.ts';
import { until } from './process.ts';

/** Processes end while we read. */
export const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');

export const unlessGone = <T>(read: () => T, gone: T): T => {
  try {
    return read();
  } catch (error) {
    if (isGone(error)) return gone;
    throw error;
  }
};

interface Holder {
  readonly pid: string;
  readonly parent: string;
  readonly program: string;
}

/** By the number of the socket, all processes that have it open. */
const holders = (proc: string): ReadonlyMap<string, readonly Holder[]> => {
  const found = new Map<string, Holder[]>();
  for (const pid of readdirSync(proc).filter((name) => /^[0-9]+$/.test(name))) {
    const status = unlessGone(() => readFileSync(`${proc}/${pid}/status`, 'utf8'), '');
    const holder = { pid, parent: /^PPid:\s+([0-9]+)$/m.exec(status)?.[1] ?? '', program: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '' };
    for (const fd of unlessGone(() => readdirSync(`${proc}/${pid}/fd`), [])) {
      const socket = /^socket:\[([0-9]+)\]$/.exec(unlessGone(() => readlinkSync(`${proc}/${pid}/fd/${fd}`), ''))?.[1];
      if (socket !== undefined) found.set(socket, [...(found.get(socket) ?? []), holder]);
    }
  }
  return found;
};

/** The program that opened it: the one of its holders whose parent does not hold it. */
const opener = (all: readonly Holder[]): string => {
  const pids = new Set(all.map(({ pid }) => pid));
  const names = all.filter(({ parent }) => !pids.has(parent)).map(({ program }) => program);
  return [...new Set(names)].toSorted().join('+') || 'nobody';
};

/** Words of 32 bits in the order of a little-endian machine, as an address. */
const address = (hex: string): string => {
  const octets = Buffer.concat((hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, 'hex').reverse()));
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2).toString(16));
  const text = groups.join(':');
  return text === '0:0:0:0:0:0:0:0' ? '[::]' : text === '0:0:0:0:0:0:0:1' ? '[::1]' : `[${text}]`;
};

const LISTEN = '0A';
const NOBODY = /^0+:0000$/;

interface Entry {
  readonly socket: string;
  /** `tcp 127.0.0.1:25`. */
  readonly where: string;
  /** A TCP socket that listens, or one of another protocol that takes datagrams from anybody. */
  readonly open: boolean;
}

const entries = (proc: string, protocol: string, family: '' | '6'): readonly Entry[] =>
  unlessGone(() => readFileSync(`${proc}/1/net/${protocol}${family}`, 'utf8'), '')
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const [, local = '', remote = '', state, , , , , , socket = ''] = line.trim().split(/\s+/);
      const [host = '', port = ''] = local.split(':');
      return {
        socket,
        where: `${protocol} ${address(host)}:${Number.parseInt(port, 16)}`,
        open: protocol === 'tcp' ? state === LISTEN : NOBODY.test(remote),
      };
    });

const all = (machine: Machine): readonly (Entry & { readonly program: string })[] => {
  const proc = `${machine.root}/proc`;
  const tables = ['tcp', 'udp', 'udplite', 'raw'].flatMap((protocol) => [...entries(proc, protocol, ''), ...entries(proc, protocol, '6')]);
  const held = holders(proc);
  return tables.map((entry) => ({ ...entry, program: opener(held.get(entry.socket) ?? []) }));
};

/** TCP ports on which anybody listens, at whatever address; asks nobody in the machine. The kernel walks through a large table for it, some ten milliseconds. */
export const openPorts = (machine: Machine): ReadonlySet<number> => {
  const proc = `${machine.root}/proc`;
  const found = [...entries(proc, 'tcp', ''), ...entries(proc, 'tcp', '6')].filter(({ open }) => open);
  return new Set(found.map(({ where }) => Number(where.slice(where.lastIndexOf(':') + 1))));
};

const ACCEPTS = '00010000'; // SO_ACCEPTCON in the column of flags (linux/net.h)

/** Local sockets on which anybody waits for others, by their paths (proc_pid_net(5), unix). */
export const openPaths = (machine: Machine): ReadonlySet<string> => {
  const lines = unlessGone(() => readFileSync(`${machine.root}/proc/1/net/unix`, 'utf8'), '').split('\n');
  const columns = lines.map((line) => line.split(/\s+/));
  return new Set(columns.flatMap(([, , , flags, , , , at]) => (flags === ACCEPTS && at !== undefined ? [at] : [])));
};

/** `tcp 127.0.0.1:25 master`, sorted; a port that several processes share appears once. */
export const listening = (machine: Machine): readonly string[] =>
  [...new Set(all(machine).flatMap(({ open, where, program }) => (open ? [`${where} ${program}`] : [])))].toSorted();

/** Ports of the contract that are on both loopback addresses in profile `local`, by the program that opens them. */
const PORTS: Readonly<Record<string, readonly number[]>> = {
  master: [25, 465, 587],
  dovecot: [143, 993, 4190],
  nginx: [80, 443],
  unbound: [53],
};

/** M23, as `listening` tells them. */
export const LOCAL_LISTENERS: readonly string[] = [
  ...Object.entries(PORTS).flatMap(([program, ports]) =>
    ports.flatMap((port) => [`tcp 127.0.0.1:${port} ${program}`, `tcp [::1]:${port} ${program}`]),
  ),
  'tcp 127.0.0.1:11334 rspamd',
  'udp 127.0.0.1:53 unbound',
  'udp [::1]:53 unbound',
].toSorted();

/** Unbound may be asking somebody at this moment, from a port that is open for as long as that takes: waits until no more than so many are left; all that are there where they stay. */
export const lastingListeners = async (machine: Machine, most = LOCAL_LISTENERS.length): Promise<readonly string[]> => {
  let found: readonly string[] = [];
  const few = (): true | undefined => {
    found = listening(machine);
    return found.length <= most || undefined;
  };
  await until('only lasting sockets are left', few, 30_000).catch(() => undefined);
  return found;
};

/** Every socket of the internet families that a program has open, connections included. */
export const internetSocketsOf = (machine: Machine, program: string): readonly string[] =>
  all(machine)
    .filter((entry) => entry.program.split('+').includes(program))
    .map(({ where }) => where);
