/**
 * What comes next for the keys of one domain. Pure: states, what DNS shows and the time are given. Receivers may have asked for a name before its
 * record was there, or hold a signed denial that covers it (RFC 8198); they remember that for the zone's negative time to live (RFC 2308), so a key
 * signs only when all its servers have shown its record for that long.
 */
import { isDeepStrictEqual } from 'node:util';
import { algorithmOf, type DkimKey } from './keys.ts';
import type { Entries, Entry } from './states.ts';

/** Of the record of a pending key. */
export interface Seen {
  /** Every authoritative server of the zone shows it, and nothing else. */
  readonly everywhere: boolean;
  /** What is missing where, in words. */
  readonly why: string;
  /** Seconds for which it may be remembered that there is no such name. */
  readonly negativeTtl: number;
}

export interface Step {
  readonly selector: string;
  /** That it goes into. */
  readonly state: 'active' | 'retiring' | 'retired';
}

/** A key whose time has not come: why, and when it comes, if that is known. */
export interface Waiting {
  readonly selector: string;
  readonly why: string;
  readonly until: Date | null;
}

export interface Next {
  /** All of the domain; the same object where nothing changes. */
  readonly entries: Entries;
  readonly steps: readonly Step[];
  readonly waiting: readonly Waiting[];
}

export interface Circumstances {
  readonly now: Date;
  /** Of a pending key, by its selector; undefined where nobody looked. */
  readonly seen: (selector: string) => Seen | undefined;
  readonly retireAfterSeconds: number;
}

/** Why a key waits where nobody looked. */
export const UNASKED = 'DNS cannot be asked at this moment, so whether its record is there is not known';

const later = (since: string | Date, seconds: number): Date => new Date(new Date(since).getTime() + seconds * 1000);

/** Of a pending key: what is noted of it now, and since when it may sign. */
const pending = (
  entry: Entry,
  { now, seen }: Circumstances,
  selector: string,
): { readonly entry: Entry; readonly ready: boolean; readonly wait: Waiting } => {
  const { shown, ...rest } = entry;
  const look = seen(selector);
  if (look === undefined) return { entry, ready: false, wait: { selector, why: UNASKED, until: null } };
  const denied = Math.max(entry.denied ?? 0, look.negativeTtl);
  const noted = denied === 0 ? rest : { ...rest, denied };
  if (!look.everywhere) return { entry: noted, ready: false, wait: { selector, why: look.why, until: null } };
  // Not later than now, also where the clock was ahead when that was noted.
  const from = shown === undefined || new Date(shown) > now ? now.toISOString() : shown;
  const until = later(from, denied);
  const why = 'every server shows it; some may still remember that it was not there';
  return { entry: { ...noted, shown: from }, ready: until <= now, wait: { selector, why, until } };
};

/** A clock that was ahead for a moment must not take a key away that mail under way is verified with: nothing brings it back. */
const AGAIN_SECONDS = 3600;

/** Of a retiring key: what is noted of it now. It is retired by the second look that finds its time over. */
const retiring = (entry: Entry, { now, retireAfterSeconds }: Circumstances): Entry => {
  const { over, ...rest } = entry;
  if (later(entry.since, retireAfterSeconds) > now) return rest;
  if (over === undefined || new Date(over) > now) return { ...rest, over: now.toISOString() };
  if (later(over, Math.min(AGAIN_SECONDS, retireAfterSeconds)) > now) return entry;
  return { ...rest, state: 'retired', since: now.toISOString() };
};

/** The key signs, and all others of its algorithm no longer. */
const activated = (
  entries: Entries,
  keys: readonly DkimKey[],
  selector: string,
  now: Date,
): { readonly entries: Entries; readonly retiring: readonly string[] } => {
  const since = now.toISOString();
  const mine = keys.find((key) => key.selector === selector);
  if (mine === undefined) return { entries, retiring: [] };
  const algorithm = algorithmOf(mine);
  const state = (key: string): Entry['state'] => entries[key]?.state ?? 'active';
  const retiring = keys
    .filter((key) => key !== mine && state(key.selector) === 'active' && algorithmOf(key) === algorithm)
    .map((key) => key.selector);
  return {
    entries: {
      ...entries,
      ...Object.fromEntries(retiring.map((name) => [name, { algorithm, state: 'retiring' as const, since }])),
      [selector]: { algorithm, state: 'active', since },
    },
    retiring,
  };
};

/** The same object where nothing is new. */
const withEntry = (entries: Entries, selector: string, entry: Entry): Entries =>
  isDeepStrictEqual(entries[selector], entry) ? entries : { ...entries, [selector]: entry };

/** `keys`: those of the domain that lie on the machine. */
export const next = (entries: Entries, keys: readonly DkimKey[], circumstances: Circumstances): Next => {
  const { now } = circumstances;
  const steps: Step[] = [];
  const waiting: Waiting[] = [];
  let after = entries;
  for (const { selector } of keys) {
    const entry = entries[selector];
    if (entry?.state === 'retiring') {
      const noted = retiring(entry, circumstances);
      after = withEntry(after, selector, noted);
      if (noted.state === 'retired') steps.push({ selector, state: 'retired' });
    } else if (entry?.state === 'pending') {
      const { entry: noted, ready, wait } = pending(entry, circumstances, selector);
      after = withEntry(after, selector, noted);
      if (!ready) {
        waiting.push(wait);
        continue;
      }
      const done = activated(after, keys, selector, now);
      after = done.entries;
      steps.push({ selector, state: 'active' }, ...done.retiring.map((name) => ({ selector: name, state: 'retiring' as const })));
    }
  }
  return { entries: after, steps, waiting };
};

/** When a retiring key goes. */
export const goes = ({ since }: DkimKey, retireAfterSeconds: number): Date | null => (since === null ? null : later(since, retireAfterSeconds));

/** Of a key without a state: the day in its name, on which it was made and signed at once; null where it has another name. */
export const dayIn = (selector: string): Date | null => {
  const [, year, month, day] = /^h(\d{4})(\d{2})(\d{2})/.exec(selector) ?? [];
  return year === undefined ? null : new Date(`${year}-${month}-${day}T00:00:00Z`);
};

/** When a key that signs is to be followed by another one; one of unknown age at once. */
export const due = ({ since, selector }: DkimKey, rotateSeconds: number, now: Date): Date => {
  const from = since ?? dayIn(selector);
  return from === null ? now : later(from, rotateSeconds);
};
