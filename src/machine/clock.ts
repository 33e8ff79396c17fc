/** The wall clock, which anybody may set, against the time since boot, which nobody can (clock_gettime(2): CLOCK_BOOTTIME). */
import { startedBeforeUs } from './processes.ts';
import type { Machine } from './machine.ts';

/**
 * Seconds by which the wall clock was set forward (or back: negative) since the process began; `noted` is what it said then. Undefined when
 * there is no such process.
 */
export const clockSetBy = async (machine: Machine, pid: number, noted: Date): Promise<number | undefined> => {
  const before = await startedBeforeUs(machine, pid);
  if (before === undefined) return undefined;
  return (machine.now().getTime() - noted.getTime()) / 1000 - before - process.uptime();
};
