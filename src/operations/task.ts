/** A task of `upkeep`: looks whether it has something to do, and does it. It takes the lock of changes only where it changes what daemons read. */
import type { Finding } from '#model';
import type { Context } from './operation.ts';

/** What came of it. */
export interface Kept {
  /** One sentence for each thing that was done, for the log. */
  readonly done: readonly string[];
  readonly findings?: readonly Finding[];
  /** When it wants to be asked again, if that is within the hour. */
  readonly next?: Date;
}

export type Task = (context: Context) => Promise<Kept>;
