/** Which generation another one followed: what it is compared with, and what a rollback goes back to. */
import type { Meta } from './records.ts';

/** The one that was in place when that one was made; where nobody wrote it down, or it is gone, the newest of those that are older. Never generation 0. */
export const before = <M extends Pick<Meta, 'number' | 'after'>>(known: readonly M[], { number, after }: M): M | undefined =>
  known.find((each) => each.number > 0 && each.number === after) ?? known.findLast((each) => each.number > 0 && each.number < number);
