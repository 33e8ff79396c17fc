/**
 * A machine with little memory: a version 1 control group holds all its processes, so that the kernel itself keeps them within the limit, page cache
 * and its own structures included (cgroup-v1/memory.rst); /proc/meminfo tells of no more than that, as LXCFS has it; and what the machine writes lies
 * on disk, since in the lab's usual overlay it would be memory. Not so on a real machine of that size: what asks sysinfo(2) hears of the host's
 * memory, and programs that another machine of the lab reads, too, are in memory once and on that one's account.
 */
import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildingDirectory, OWNER, script, undoAtEnd } from './owner.ts';
import { type Argv, until } from './process.ts';
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
  /** Prefix of a command that shall be in it. */
  readonly joining: Argv;
  readonly changes: Changes;
  /** The text of /proc/meminfo. */
  meminfo(): string;
  /** At once: the machine has been shrunk or grown. Above what the host has, only /proc/meminfo tells of it. */
  resize(mb: number): void;
  figures(): MemoryFigures;
  /** Looks ten times a second; the function that it answers with ends that, and answers with the most that was held. */
  watch(): () => number;
}

const mounted = (): string | undefined =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type, options = '']) => type === 'cgroup' && options.split(',').includes('memory'))?.[1];

/** Why this host cannot limit a machine's memory; undefined where it can. */
export const memoryObstacle = (): string | undefined =>
  mounted() === undefined ? 'the host has no memory controller of version 1 (see cgroups(7)) that a machine could be put into' : undefined;

/** Names of the control groups that are there. */
export const memoryGroups = (): readonly string[] => {
  const root = mounted();
  return root === undefined ? [] : readdirSync(root);
};

let made = 0;

/** Of a whole tree of groups, in octets or times. */
const statistics = (group: string): ReadonlyMap<string, number> =>
  new Map(
    readFileSync(join(group, 'memory.stat'), 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .map(([name = '', value]) => [name.replace(/^total_/, ''), Number(value)] as const),
  );

const figuresOf = (group: string): MemoryFigures => {
  const number = (file: string): number => Number(readFileSync(join(group, file), 'utf8'));
  const stat = statistics(group);
  const of = (name: string): number => stat.get(name) ?? 0;
  return {
    held: Math.round((of('rss') + of('shmem') + number('memory.kmem.usage_in_bytes')) / MB),
    cache: Math.round((of('cache') - of('shmem')) / MB),
    met: number('memory.failcnt'),
    majorFaults: of('pgmajfault'),
    killed: Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(group, 'memory.oom_control'), 'utf8'))?.[1]),
  };
};

/** free(1) reads nothing else, Node's os.totalmem() the first line. */
const meminfoOf = (mb: number): string =>
  [`MemTotal: ${mb * 1024} kB`, `MemFree: ${mb * 512} kB`, `MemAvailable: ${mb * 768} kB`]
    .concat(['Buffers: 0 kB', `Cached: ${mb * 256} kB`, 'SwapCached: 0 kB', 'SwapTotal: 0 kB', 'SwapFree: 0 kB', 'Shmem: 0 kB', 'SReclaimable: 0 kB'])
    .map((line) => `${line}\n`)
    .join('');

/** With its own disk; to be disposed of when the machine is gone. */
export const limitedMemory = async (mb: number): Promise<Memory> => {
  const root = mounted();
  if (root === undefined) throw new Error(memoryObstacle());
  const name = `memory-${++made}.${OWNER}`;
  const [group, disk] = [join(root, `hauspost-lab.${name}`), join(buildingDirectory(), name)];
  const changes = { upper: join(disk, 'upper'), work: join(disk, 'work') };
  undoAtEnd('directory', disk);
  undoAtEnd('group', group);
  await mkdir(changes.upper, { recursive: true });
  await mkdir(changes.work);
  await mkdir(group);
  let size = mb;
  const resize = (to: number): void => {
    size = to;
    writeFileSync(join(group, 'memory.limit_in_bytes'), String(to * MB));
  };
  resize(mb);
  const figures = (): MemoryFigures => figuresOf(group);
  return {
    joining: ['sh', script('join.sh'), group],
    changes,
    meminfo: () => meminfoOf(size),
    resize,
    figures,
    watch: () => {
      let most = 0;
      const look = (): void => {
        most = Math.max(most, figures().held);
      };
      const timer = setInterval(look, 100);
      return () => {
        clearInterval(timer);
        look();
        return most;
      };
    },
    [Symbol.asyncDispose]: async () => {
      const left = (): boolean => {
        try {
          rmdirSync(group);
          return false;
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'EBUSY') return true;
          throw error;
        }
      };
      await until('the control group is empty', () => !left() || undefined, 10_000);
      await rm(disk, { recursive: true });
    },
  };
};
