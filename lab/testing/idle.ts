/** How busy the processors are. */
import { cpus } from 'node:os';

/** Of all processors, in milliseconds since the start of the machine. */
export interface ProcessorTimes {
  readonly idle: number;
  readonly all: number;
}

export const processorTimes = (): ProcessorTimes => {
  const times = cpus().map(({ times: { user, nice, sys, idle, irq } }) => ({ idle, all: user + nice + sys + idle + irq }));
  return times.reduce((sum, one) => ({ idle: sum.idle + one.idle, all: sum.all + one.all }));
};

/** The share, 0 to 1, that nobody used. */
export const idleBetween = (before: ProcessorTimes, after: ProcessorTimes): number =>
  after.all === before.all ? 0 : (after.idle - before.idle) / (after.all - before.all);
