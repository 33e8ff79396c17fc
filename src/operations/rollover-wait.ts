/** Whether the next key may be used: everybody who asks is told of it, and nobody remembers a time when it was not so. Pure: what the name servers show, and when. */
import type { Published, Shown } from '#dns';
import type { Progress } from './rollover-progress.ts';

export interface Seen {
  readonly now: Date;
  /** Of the next key. */
  readonly record: Published;
  /** Of the present key and the next one, as far as a zone is found for them. */
  readonly shown: readonly Shown[];
  /** Seconds that our own records live. */
  readonly ttl: number;
}

const digestIn = (record: Published): string | undefined => (record.type === 'TLSA' ? record.data.digest : undefined);

const unseen = ({ servers }: Shown): string =>
  servers
    .filter(({ state }) => state !== 'shown')
    .map(({ name, address, state }) => `${name}${address === undefined ? '' : ` (${address})`}: ${state}`)
    .join(', ');

/** Nobody goes by the key where no server shows a record of it, present or next. */
const nobodyAsks = (shown: readonly Shown[]): boolean =>
  shown.length > 0 && shown.every(({ servers }) => servers.length > 0 && servers.every(({ state }) => state === 'absent'));

/** When all is over that was remembered before; undefined while not all show it. */
export const overAt = ({ seen, ttl }: Pick<Progress, 'seen' | 'ttl'>): Date | undefined =>
  seen === null ? undefined : new Date(Date.parse(seen) + ttl * 1000);

/** What is known now, with what is waited for; undefined: nothing any more. */
export const waitsFor = ({ now, record, shown, ttl: own }: Seen, before: Progress): Progress | undefined => {
  if (nobodyAsks(shown)) return undefined;
  const ttl = Math.max(before.ttl, own, ...shown.map((each) => each.ttl));
  const name = `${record.name} TLSA 3 1 1 ${digestIn(record)}`;
  const next = shown.find((each) => digestIn(each.record) === digestIn(record));
  if (next === undefined) return { ...before, ttl, seen: null, waits: `no zone is found that holds ${name}` };
  if (!next.everywhere) return { ...before, ttl, seen: null, waits: `not every name server shows ${name}: ${unseen(next)}` };
  // Not later than now, also where the clock was set back.
  const seen = new Date(Math.min(now.getTime(), before.seen === null ? Number.POSITIVE_INFINITY : Date.parse(before.seen))).toISOString();
  const over = new Date(Date.parse(seen) + ttl * 1000);
  if (over <= now) return undefined;
  const until = over.toISOString().slice(0, 16).replace('T', ' ');
  return { ...before, ttl, seen, waits: `others may remember what was published before until ${until} (UTC)` };
};
