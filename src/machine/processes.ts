/** What /proc tells about processes (proc(5)): family, memory, start, and who listens. */
import { path } from '#base';
import type { Machine } from './machine.ts';

interface Entry {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks (100 a second on Linux for user space) since boot. */
  readonly started: number;
}

const entry = async (machine: Machine, pid: number): Promise<Entry | undefined> => {
  const stat = (await machine.read(path(`/proc/${pid}/stat`)).catch(() => undefined))?.toString(); // ESRCH: it ended meanwhile
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), started: Number(fields[19]) };
};

const allProcesses = async (machine: Machine): Promise<readonly Entry[]> => {
  const pids = (await machine.list(path('/proc'))).filter((name) => /^[0-9]+$/.test(name)).map(Number);
  return (await Promise.all(pids.map((pid) => entry(machine, pid)))).flatMap((found) => found ?? []);
};

/** The process and all its descendants. */
const family = (all: readonly Entry[], root: number): readonly number[] => {
  const children = all.filter((process) => process.parent === root).map((process) => process.pid);
  return [root, ...children.flatMap((child) => family(all, child))];
};

/** The one of `pids` whose parent is none of them; 0 when there is none. */
export const rootOf = async (machine: Machine, pids: readonly number[]): Promise<number> => {
  const entries = (await Promise.all(pids.map((pid) => entry(machine, pid)))).flatMap((found) => found ?? []);
  return entries.find((process) => !pids.includes(process.parent))?.pid ?? 0;
};

/** Proportional set size in kB of one process (`Pss:` of smaps_rollup). */
const pssOf = async (machine: Machine, pid: number): Promise<number> => {
  const rollup = await machine.read(path(`/proc/${pid}/smaps_rollup`)).catch(() => undefined); // ESRCH: it ended meanwhile
  return Number(/^Pss:\s+([0-9]+) kB/m.exec(rollup?.toString() ?? '')?.[1] ?? 0);
};

/** A line of /proc/net/{tcp,udp}; both ends are `ADDRESS:PORT` in hexadecimal. */
interface Line {
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly inode: string;
}

const linesOf = async (machine: Machine, file: 'tcp' | 'tcp6' | 'udp' | 'udp6'): Promise<readonly Line[]> => {
  const table = (await machine.read(path(`/proc/net/${file}`)))?.toString() ?? '';
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [local = '', remote = '', state = '', inode] = [fields[1], fields[2], fields[3], fields[9]];
      return inode === undefined ? [] : [{ local, remote, state, inode }];
    });
};

const portOf = (end: string): number => Number.parseInt(end.slice(end.lastIndexOf(':') + 1), 16);

/** TCP state 0A; UDP any unconnected socket. */
const isListening = ({ state, remote }: Line, transport: 'tcp' | 'udp'): boolean => (transport === 'tcp' ? state === '0A' : portOf(remote) === 0);

/** Addresses in /proc/net are hexadecimal words in the machine's (little-endian) order. */
const addressOf = (end: string): string => {
  const hex = end.slice(0, end.lastIndexOf(':'));
  const octets = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed().map((octet) => Number.parseInt(octet, 16)));
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((octets[index * 2] ?? 0) << 8) | (octets[index * 2 + 1] ?? 0)).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
};

export interface Listening {
  readonly transport: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

/** Every listening socket of this network namespace. */
const allListening = async (machine: Machine): Promise<readonly Listening[]> => {
  const found: Listening[] = [];
  for (const [file, transport] of [
    ['tcp', 'tcp'],
    ['tcp6', 'tcp'],
    ['udp', 'udp'],
    ['udp6', 'udp'],
  ] as const) {
    const lines = (await linesOf(machine, file)).filter((line) => isListening(line, transport));
    found.push(...lines.map(({ local, inode }) => ({ transport, address: addressOf(local), port: portOf(local), inode })));
  }
  return found;
};

const socketsOf = async (machine: Machine, pid: number): Promise<ReadonlySet<string>> => {
  const fds = await machine.list(path(`/proc/${pid}/fd`)).catch(() => []); // it ended meanwhile
  const targets = await Promise.all(fds.map((fd) => machine.readLink(path(`/proc/${pid}/fd/${fd}`)).catch(() => undefined))); // closed meanwhile
  return new Set(targets.flatMap((target) => /^socket:\[([0-9]+)\]$/.exec(target ?? '')?.[1] ?? []));
};

const named = ({ transport, address: host, port }: Listening): string => `${transport} ${host.includes(':') ? `[${host}]` : host}:${port}`;

/** A daemon with all its descendants. */
export interface Family {
  /** As `tcp 127.0.0.1:25`, sorted. */
  readonly listeners: readonly string[];
  /** PSS, so that shared pages count once. */
  readonly memoryMb: number;
}

/** Of each of the processes, from one look at all: the kernel searches a table of hundreds of thousands of places for who listens. */
export const familiesOf = async (machine: Machine, roots: readonly number[]): Promise<ReadonlyMap<number, Family>> => {
  const [all, open] = [await allProcesses(machine), await allListening(machine)];
  const families = roots.map(async (root): Promise<readonly [number, Family]> => {
    const members = family(all, root);
    const inodes = new Set((await Promise.all(members.map(async (member) => [...(await socketsOf(machine, member))]))).flat());
    const kb = await Promise.all(members.map((member) => pssOf(machine, member)));
    const listeners = [...new Set(open.filter(({ inode }) => inodes.has(inode)).map(named))].toSorted();
    return [root, { listeners, memoryMb: Math.ceil(kb.reduce((sum, value) => sum + value, 0) / 1024) }];
  });
  return new Map(await Promise.all(families));
};

export interface Holder extends Listening {
  readonly pid: number;
  /** The program's name (`comm`, proc(5)). */
  readonly program: string;
  /** Its file (`exe`). */
  readonly file: string | undefined;
}

/** Who listens on any of the TCP ports: of the processes that share a socket the one that opened it, whose parent does not hold it. */
export const holdersOf = async (machine: Machine, ports: ReadonlySet<number>): Promise<readonly Holder[]> => {
  const taken = (await allListening(machine)).filter((entry) => entry.transport === 'tcp' && ports.has(entry.port));
  if (taken.length === 0) return [];
  const processes = await allProcesses(machine);
  const held = new Map<number, ReadonlySet<string>>();
  for (const { pid } of processes) held.set(pid, await socketsOf(machine, pid));
  const opened = processes.map(({ pid, parent }) => ({
    pid,
    sockets: taken.filter(({ inode }) => held.get(pid)?.has(inode) === true && held.get(parent)?.has(inode) !== true),
  }));
  const holders: Holder[] = [];
  for (const { pid, sockets } of opened.filter((each) => each.sockets.length > 0)) {
    const program = (await machine.read(path(`/proc/${pid}/comm`)).catch(() => undefined))?.toString().trim() ?? '?'; // it ended meanwhile
    const file = await machine.readLink(path(`/proc/${pid}/exe`)).catch(() => undefined); // likewise
    holders.push(...sockets.map((entry) => ({ ...entry, pid, program, file })));
  }
  return holders;
};

export interface Connection {
  /** The address at the other end. */
  readonly client: string;
  readonly inode: string;
}

/** TCP connections to any of the ports of this machine that a process still holds. */
export const connectionsTo = async (machine: Machine, ports: ReadonlySet<number>): Promise<readonly Connection[]> => {
  const lines = [...(await linesOf(machine, 'tcp')), ...(await linesOf(machine, 'tcp6'))];
  const held = lines.filter((line) => !isListening(line, 'tcp') && line.inode !== '0' && ports.has(portOf(line.local)));
  return held.map(({ remote, inode }) => ({ client: addressOf(remote), inode }));
};

/** Processes of the program (`comm`, proc(5)) that hold any of the sockets. */
export const holding = async (machine: Machine, program: string, inodes: ReadonlySet<string>): Promise<readonly number[]> => {
  const found: number[] = [];
  for (const { pid } of await allProcesses(machine)) {
    const name = (await machine.read(path(`/proc/${pid}/comm`)).catch(() => undefined))?.toString().trim(); // ESRCH: it ended meanwhile
    if (name === program && [...(await socketsOf(machine, pid))].some((inode) => inodes.has(inode))) found.push(pid);
  }
  return found;
};

/** Seconds; undefined when there is no such process. */
export const startedBeforeUs = async (machine: Machine, pid: number): Promise<number | undefined> => {
  const [it, we] = await Promise.all([entry(machine, pid), entry(machine, process.pid)]);
  return it === undefined || we === undefined ? undefined : (we.started - it.started) / 100;
};
