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

/** Proportional set size in kB of one process (`Pss:` of smaps_rollup). */
const pssOf = async (machine: Machine, pid: number): Promise<number> => {
  const rollup = await machine.read(path(`/proc/${pid}/smaps_rollup`)).catch(() => undefined); // ESRCH: it ended meanwhile
  return Number(/^Pss:\s+([0-9]+) kB/m.exec(rollup?.toString() ?? '')?.[1] ?? 0);
};

/** Memory of a daemon with its children, in MB: PSS, so that shared pages count once. */
export const memoryMb = async (machine: Machine, pid: number): Promise<number> => {
  const kb = await Promise.all(family(await allProcesses(machine), pid).map((member) => pssOf(machine, member)));
  return Math.round(kb.reduce((sum, value) => sum + value, 0) / 1024);
};

export const startedAt = async (machine: Machine, pid: number): Promise<Date | undefined> => {
  const process = await entry(machine, pid);
  const boot = /^btime ([0-9]+)$/m.exec((await machine.read(path('/proc/stat')))?.toString() ?? '')?.[1];
  return process === undefined || boot === undefined ? undefined : new Date((Number(boot) + process.started / 100) * 1000);
};
