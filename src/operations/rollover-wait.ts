/** Whether the next key may be used: everybody who asks is told of it, and nobody remembers a time when it was not so. Pure: what the name servers show, and when. */
import type { Published, Shown } from '#dns';
import type { Progress } from './rollover-progress.ts';
import { isRemembered, type TlsaChange } from './tlsa-change.ts';

export interface Seen {
  readonly now: Date;
  /** Of the next key. */
  readonly record: Published;
  /** Of the present key and the next one, as far as a zone is found for them. */
  readonly shown: readonly Shown[];
  /** Seconds that our own records live. */
  readonly ttl: number;
  /** Our last one. */
  readonly change: TlsaChange | undefined;
}

const digestIn = (record: Published): string | undefined => (record.type === 'TLSA' ? record.data.digest : undefined);

const unseen = ({ servers }: Shown): string =>
  servers
    .filter(({ state }) => state !== 'shown')
    .map(({ name, address, state }) => `${name}${address === undefined ? '' : ` (${address})`}: ${state}`)
    .join(', ');

/** No server shows a record of one of the two keys as we publish it. */
const showsNone = (shown: readonly Shown[]): boolean =>
  shown.length > 0 && shown.every(({ servers }) => servers.length > 0 && servers.every(({ state }) => state === 'absent'));

/** When all is over that was remembered before; undefined while not all show it. */
export const overAt = ({ seen, ttl }: Pick<Progress, 'seen' | 'ttl'>): Date | undefined =>
  seen === null ? undefined : new Date(Date.parse(seen) + ttl * 1000);

/** What is known now, with what is waited for; undefined: nothing any more. */
export const waitsFor = ({ now, record, shown, ttl: own, change }: Seen, known: Progress): Progress | undefined => {
  const there = [...new Set(showsNone(shown) ? shown.flatMap(({ others }) => others) : [])];
  // Nobody goes by the key where no server shows any; one of another form may well be of the present key, or of who signed for it.
  if (showsNone(shown) && there.length === 0) return undefined;
  const ttl = Math.max(known.ttl, own, change !== undefined && isRemembered(change, now) ? change.ttl : 0, ...shown.map((each) => each.ttl));
  const before = { ...known, ttl, change: change?.at ?? null };
  const name = `${record.name} TLSA 3 1 1 ${digestIn(record)}`;
  const instead = there.length === 0 ? '' : `; what they show is ${there.join(', ')}`;
  const next = shown.find((each) => digestIn(each.record) === digestIn(record));
  if (next === undefined) return { ...before, seen: null, waits: `no zone is found that holds ${name}` };
  if (!next.everywhere) return { ...before, seen: null, waits: `not every name server shows ${name}: ${unseen(next)}${instead}` };
  // Not later than now, also where the clock was set back; and not before we changed it ourselves, unseen by whoever looked.
  const since = known.seen === null || before.change !== known.change ? Number.POSITIVE_INFINITY : Date.parse(known.seen);
  const seen = new Date(Math.min(now.getTime(), since)).toISOString();
  const over = new Date(Date.parse(seen) + ttl * 1000);
  if (over <= now) return undefined;
  const until = over.toISOString().slice(0, 16).replace('T', ' ');
  return { ...before, seen, waits: `others may remember what was published before until ${until} (UTC)` };
};
