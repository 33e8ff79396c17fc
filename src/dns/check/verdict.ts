/** What is made of what stands at a name, by whoever reads such records. */
import type { RecordData } from '#formats';
import type { Evaluated } from './check-host.ts';

/**
 * `right`: as it is printed, or as good to whoever reads it. `differs`: something else, which does as well. `alias`: the name is a CNAME where other
 * records are needed (RFC 2181 section 10). `in-the-way`: ours is there, and something beside it that spoils it. `left-over`: of use no more.
 * `unevaluated`: SPF whose text alone does not say what it lets this server do, and of which that could not be found out.
 */
export type Judged = 'right' | 'differs' | 'missing' | 'wrong' | 'in-the-way' | 'alias' | 'left-over' | 'unevaluated';

export interface Verdict {
  readonly state: Judged;
  /** What is lacking; empty where it is there. */
  readonly expected: readonly RecordData[];
  /** What is there instead, or beside it. */
  readonly found: readonly RecordData[];
  /** Of SPF that was evaluated: the addresses that it does not let send, or of which that could not be found out. */
  readonly evaluated?: readonly Evaluated[];
}

export const RIGHT: Verdict = { state: 'right', expected: [], found: [] };

export const missing = (expected: readonly RecordData[]): Verdict => ({ state: 'missing', expected, found: [] });

/** Nothing of ours is there: something else, or nothing. */
export const absent = (expected: readonly RecordData[], found: readonly RecordData[]): Verdict =>
  found.length === 0 ? missing(expected) : { state: 'wrong', expected, found };

export const inTheWay = (found: readonly RecordData[]): Verdict => ({ state: 'in-the-way', expected: [], found });

export const differs = (expected: readonly RecordData[], found: readonly RecordData[]): Verdict => ({ state: 'differs', expected, found });
