/** How many processes of which kind a machine of this size carries: processes that stay are cheap, a thrashing machine is not. */
import type { Facts } from '#machine';

export interface Limits {
  /** Password checks and look-ups at once. Each check of an ARGON2ID hash takes a core for 0.1 s and 64 MB. */
  readonly authWorkers: number;
  /** IMAP sessions at once, about 4 MB each. */
  readonly sessions: number;
  /** Login processes kept ready; each carries the TLS of up to 1000 sessions. */
  readonly loginProcesses: number;
  /** LMTP processes kept ready. */
  readonly deliveries: number;
}

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, Math.floor(value)));

export const limits = ({ cores, memoryMb }: Pick<Facts, 'cores' | 'memoryMb'>): Limits => ({
  authWorkers: within(memoryMb / 256, 4, Math.max(4, cores * 2)),
  sessions: within(memoryMb / 4, 128, 4096),
  loginProcesses: within(cores, 1, 4),
  deliveries: within(cores, 1, 4),
});
