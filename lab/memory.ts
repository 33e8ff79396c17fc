/**
 * A machine with little memory: a control group of version 1 holds all its processes, so that the kernel itself keeps them within the limit, page cache
 * and its own structures included (cgroup-v1/memory.rst); systemd in the machine limits its units below that; /proc/meminfo tells of no more than there is, as
 * LXCFS has it; and what the machine writes lies on disk, since in the lab's usual overlay it would be memory. Not so on a real machine of that size: what asks
 * sysinfo(2) hears of the host's memory, and programs that another machine of the lab reads, too, are in memory once and on that one's account.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { buildingDirectory, OWNER, script, undoAtEnd } from './owner.ts';
import { type Argv, run, until } from './process.ts';
import type { Changes } from './room.ts';

const MB = 2 ** 20;

/** In MB, or counted since the machine was switched on. */
export interface MemoryFigures {
  /** What cannot be dropped: processes' own pages, files in memory (tmpfs), the kernel's structures. */
  readonly held: number;
  /** Pages of files on disk, which the kernel drops when it needs room. */
  readonly cache: number;
  /** How often the limit was met. Reading a large file is enough: then the kernel makes room. */
  readonly met: number;
  /** Reads from disk of what was in memory before, or was not yet: many of them, and the machine thrashes. */
  readonly majorFaults: number;
  /** Processes that the kernel killed. */
  readonly killed: number;
}

export interface Memory extends AsyncDisposable {
  /** The name of its control groups; systemd-nspawn wants the same in all hierarchies. */
  readonly group: string;
  /** Prefix of a command that shall be in it. */
  readonly joining: Argv;
  readonly changes: Changes;
  /** The text of /proc/meminfo. */
  meminfo(): string;
  /** At once: the machine has been shrunk or grown. Above what the host has, only /proc/meminfo tells of it. */
  resize(mb: number): void;
  figures(): MemoryFigures;
  /** What each unit of systemd in the machine holds, in MB; the most first. */
  units(): readonly (readonly [string, number])[];
  /** Looks ten times a second; the function that it answers with ends that, and answers with the most that was held. */
  watch(): () => number;
}

/** Where the host has mounted the hierarchy. */
const mounted = (hierarchy: 'memory' | 'name=systemd'): string | undefined =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes(hierarchy))?.[1];

/** Why this host cannot limit a machine's memory; undefined where it can. */
export const memoryObstacle = (): string | undefined =>
  mounted('memory') === undefined || mounted('name=systemd') === undefined
    ? 'the host has no memory controller of version 1 (cgroups(7)) that a machine could be put into'
    : undefined;

const PREFIX = 'hauspost-lab.';

/** Those that are there, of all machines. */
export const memoryGroups = (): readonly string[] =>
  [mounted('memory'), mounted('name=systemd')]
    .flatMap((root) => (root === undefined ? [] : readdirSync(root).map((name) => `${root}/${name}`)))
    .filter((path) => path.includes(`/${PREFIX}`));

let made = 0;

/** Of a whole tree of groups, in octets or times. */
const statistics = (group: string): ReadonlyMap<string, number> =>
  new Map(
    readFileSync(join(group, 'memory.stat'), 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', value]) => [name.replace(/^total_/, ''), Number(value)] as const),
  );

/** Undefined where the group is gone: systemd removes that of a unit as soon as it has ended, also between two of our looks. */
const ofGroup = <T>(look: () => T): T | undefined => {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
};

const groupsIn = (group: string): readonly string[] =>
  (ofGroup(() => readdirSync(group, { withFileTypes: true })) ?? []).filter((entry) => entry.isDirectory()).map(({ name }) => join(group, name));

/** Each group counts its own (`oom_kill` of memory.oom_control). */
const killedIn = (group: string): number => {
  const own = ofGroup(() => readFileSync(join(group, 'memory.oom_control'), 'utf8')) ?? 'oom_kill 0';
  return groupsIn(group).reduce((sum, each) => sum + killedIn(each), Number(/^oom_kill (\d+)$/m.exec(own)?.[1]));
};

const numberIn = (group: string, file: string): number => Number(readFileSync(join(group, file), 'utf8'));

const heldIn = (group: string, stat = statistics(group)): number =>
  Math.round(((stat.get('rss') ?? 0) + (stat.get('shmem') ?? 0) + numberIn(group, 'memory.kmem.usage_in_bytes')) / MB);

const unitsIn = (group: string): readonly (readonly [string, number])[] =>
  groupsIn(join(group, 'system.slice'))
    .map((unit) => [basename(unit).replace(/^system-|\.(service|slice)$/g, ''), ofGroup(() => heldIn(unit)) ?? 0] as const)
    .toSorted(([, a], [, b]) => b - a);

const figuresOf = (group: string): MemoryFigures => {
  const stat = statistics(group);
  const of = (name: string): number => stat.get(name) ?? 0;
  return {
    held: heldIn(group, stat),
    cache: Math.round((of('cache') - of('shmem')) / MB),
    met: numberIn(group, 'memory.failcnt'),
    majorFaults: of('pgmajfault'),
    killed: killedIn(group),
  };
};

/** free(1) reads nothing else, Node's os.totalmem() the first line. */
const meminfoOf = (mb: number): string =>
  [`MemTotal: ${mb * 1024} kB`, `MemFree: ${mb * 512} kB`, `MemAvailable: ${mb * 768} kB`]
    .concat(['Buffers: 0 kB', `Cached: ${mb * 256} kB`, 'SwapCached: 0 kB', 'SwapTotal: 0 kB', 'SwapFree: 0 kB', 'Shmem: 0 kB', 'SReclaimable: 0 kB'])
    .map((line) => `${line}\n`)
    .join('');

/** With the groups that systemd made in it. Processes that were killed may take a moment to be gone. */
const removed = (group: string): Promise<true> =>
  until(
    `${group} is empty`,
    async () => {
      await run(['find', group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']);
      return !existsSync(group) || undefined;
    },
    10_000,
  );

/** With its own disk; to be disposed of when the machine is gone. */
export const limitedMemory = async (mb: number): Promise<Memory> => {
  const [root, named] = [mounted('memory'), mounted('name=systemd')];
  if (root === undefined || named === undefined) throw new Error(memoryObstacle());
  const name = `memory-${++made}.${OWNER}`;
  const groups = [join(root, PREFIX + name), join(named, PREFIX + name)] as const;
  const [group] = groups;
  const disk = join(buildingDirectory(), name);
  const changes = { upper: join(disk, 'upper'), work: join(disk, 'work') };
  undoAtEnd('directory', disk);
  for (const each of groups) undoAtEnd('group', each);
  await mkdir(changes.upper, { recursive: true });
  await mkdir(changes.work);
  for (const each of groups) await mkdir(each);
  let size = mb;
  const resize = (to: number): void => {
    size = to;
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(to * MB));
  };
  resize(mb);
  const figures = (): MemoryFigures => figuresOf(group);
  return {
    group: PREFIX + name,
    joining: ['sh', script('join.sh'), ...groups],
    changes,
    meminfo: () => meminfoOf(size),
    resize,
    figures,
    units: () => unitsIn(group),
    watch: () => {
      let most = 0;
      const look = (): void => {
        most = Math.max(most, heldIn(group));
      };
      const timer = setInterval(look, 100);
      return () => {
        clearInterval(timer);
        look();
        return most;
      };
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of groups) await removed(each);
      await rm(disk, { recursive: true });
    },
  };
};
