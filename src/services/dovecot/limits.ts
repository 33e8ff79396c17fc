/** How many processes of which kind a machine of this size carries: processes that stay are cheap, a thrashing machine is not. */
import { within } from '#base';
import type { Facts } from '#machine';

export interface Limits {
  /** Password checks and look-ups at once, in 2.3. Each check of an ARGON2ID hash takes a core for 0.1 s and 64 MB. */
  readonly authWorkers: number;
  /** IMAP sessions at once: a quarter of the memory where each has 2 MB (1 MB in 2.3, 3 MB in 2.4 were seen, with the index of a small mailbox). */
  readonly sessions: number;
  /** Login processes kept ready; each carries the TLS of up to 1000 sessions. */
  readonly loginProcesses: number;
  /** LMTP processes kept ready. */
  readonly deliveries: number;
  /** Recipients that Postfix asks about at once: as many as port 25 has sessions there. A question takes 1 MB, and only while it lasts. */
  readonly questions: number;
}

export const limits = ({ cores, memoryMb }: Pick<Facts, 'cores' | 'memoryMb'>): Limits => ({
  authWorkers: within(memoryMb / 512, 2, Math.max(4, cores * 2)),
  sessions: within(memoryMb / 8, 64, 4096),
  loginProcesses: within(cores, 1, 4),
  deliveries: within(cores, 1, 4),
  questions: within(memoryMb / 16, 100, 500),
});
