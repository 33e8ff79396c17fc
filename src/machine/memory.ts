/**
 * How much memory the machine's daemons may plan with. In a container that is the limit of its control group, not what the host has. Given in steps,
 * so that a kernel update, after which the machine has some megabytes more or less, changes no configuration and restarts nothing.
 */

const MEBIBYTE = 2 ** 20;
/** Of this many MB at least; a quarter of the next lower power of two from 1 GB on: what is sold as 4 GB and tells 3900 MB counts as 4096. */
const LEAST_STEP = 256;

const inSteps = (mb: number): number => {
  const step = Math.max(LEAST_STEP, 2 ** Math.floor(Math.log2(mb)) / 4);
  return Math.max(LEAST_STEP, Math.round(mb / step) * step);
};

/** Of `os.totalmem()` and `process.constrainedMemory()`, in octets. Without a limit the latter is 0 (no control group) or more than any machine has. */
export const plannedMemoryMb = (total: number, limit: number): number => inSteps((limit > 0 ? Math.min(total, limit) : total) / MEBIBYTE);
