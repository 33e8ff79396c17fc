/** When upkeep is to look at the keys again, beyond its look about once an hour. Pure. */
import { type DkimKey, goes } from '#dkim';
import type { Rotated } from './dkim-rotate.ts';

/** What was pushed is at all servers soon; what is not there after a day is looked for every hour, as what somebody publishes by hand. */
const SOON_MS = 300_000;
const DAY_MS = 86_400_000;

export interface Sight {
  readonly now: Date;
  /** Some name server takes changes of ours. */
  readonly pushed: boolean;
  readonly retireAfterSeconds: number;
}

const isFresh = ({ state, since }: DkimKey, now: Date): boolean =>
  state === 'pending' && since !== null && Math.abs(now.getTime() - new Date(since).getTime()) < DAY_MS;

export const wishes = (
  rotated: readonly Pick<Rotated, 'domain' | 'waiting'>[],
  keys: readonly DkimKey[],
  { now, pushed, retireAfterSeconds }: Sight,
): readonly Date[] => {
  const waiting = rotated.flatMap(({ domain, waiting: some }) => some.map((each) => ({ domain, ...each })));
  const isWaiting = (key: DkimKey): boolean => waiting.some(({ domain, selector }) => domain === key.domain && selector === key.selector);
  return [
    ...waiting.flatMap(({ until }) => (until === null ? [] : [new Date(until)])),
    ...(pushed && keys.some((key) => isFresh(key, now) && isWaiting(key)) ? [new Date(now.getTime() + SOON_MS)] : []),
    ...keys.flatMap((key) => (key.state === 'retiring' ? [goes(key, retireAfterSeconds)] : [])).filter((at) => at !== null),
  ]
    .filter((at) => at > now)
    .toSorted((a, b) => a.getTime() - b.getTime());
};
