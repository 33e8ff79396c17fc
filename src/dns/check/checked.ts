/** What all name servers of a zone together make of one expectation. */
import type { RecordData } from '#formats';
import type { NameServer, Zone } from '../delegation.ts';
import type { Expectation } from './expectation.ts';
import type { Judged, Verdict } from './verdict.ts';

/**
 * Beyond what one server makes of it: `not-everywhere`: some show it, others do not, or give no answer. `stale`: all show it, but who has asked before
 * still goes by what was there then. `unknown`: nobody could be asked.
 */
export type State = Judged | 'not-everywhere' | 'stale' | 'unknown';

/** What one of them says; undefined where no answer came. */
export interface Voice {
  readonly server: Pick<NameServer, 'name' | 'address' | 'serial'>;
  readonly verdict: Verdict | undefined;
  /** All of that name and type that it shows. */
  readonly shows: readonly RecordData[];
  /** Where the name leads, if it is an alias. */
  readonly alias: string | undefined;
}

export interface Checked {
  readonly expectation: Expectation;
  readonly zone: Zone;
  readonly state: State;
  /** What is lacking. */
  readonly expected: readonly RecordData[];
  /** What is there instead, or beside it. */
  readonly found: readonly RecordData[];
  /** Of SPF that was evaluated: the addresses that it does not let send, or of which that could not be found out. */
  readonly evaluated?: Verdict['evaluated'];
  readonly voices: readonly Voice[];
  /** What the machine's resolver still shows, and for how many seconds. */
  readonly stale: { readonly shows: readonly RecordData[]; readonly seconds: number } | undefined;
  /** Of an address with another name than ours: whether that leads back to it, as who is brought mail wants to see. */
  readonly leadsBack: boolean | undefined;
  /** The resolver refuses it: its signatures are wrong, though its zone's are right. */
  readonly bogus: boolean;
}

export const isGood = ({ state }: Verdict): boolean => state === 'right' || state === 'differs';

/** Of what is wrong in different ways at different servers the worst is told. */
const WORST: readonly Judged[] = ['alias', 'wrong', 'in-the-way', 'missing', 'left-over', 'unevaluated', 'differs', 'right'];

const worst = (verdicts: readonly Verdict[]): Verdict | undefined => verdicts.toSorted((a, b) => WORST.indexOf(a.state) - WORST.indexOf(b.state))[0];

/** Of the others that is not known, or nobody minds. */
const isBad = (verdict: Verdict): boolean => !isGood(verdict) && verdict.state !== 'left-over' && verdict.state !== 'unevaluated';

export const together = (voices: readonly Voice[]): Pick<Checked, 'state' | 'expected' | 'found' | 'evaluated'> => {
  const verdicts = voices.flatMap(({ verdict }) => verdict ?? []);
  const told = worst(verdicts);
  if (told === undefined) return { state: 'unknown', expected: [], found: [] };
  const bad = verdicts.filter(isBad);
  const divided = verdicts.length < voices.length ? bad.length === 0 : bad.length > 0 && bad.length < verdicts.length;
  return divided ? { ...told, state: 'not-everywhere' } : told;
};
