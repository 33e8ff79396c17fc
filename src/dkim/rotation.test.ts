/** What comes next for the keys of a domain, by the clock and by what DNS shows. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { path } from '#base';
import type { DkimKey } from './keys.ts';
import { due, next, type Seen, UNASKED } from './rotation.ts';
import { nextSelector, parseSelector } from './selectors.ts';
import type { DkimState, Entries, Entry } from './states.ts';

const spki = { type: 'spki', format: 'der' } as const;
const KEYS = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export(spki).toString('base64'),
  ed25519: generateKeyPairSync('ed25519').publicKey.export(spki).toString('base64'),
};
const DAY = 86_400;
const time = (text: string): Date => new Date(`2026-11-${text}:00Z`);

const entry = (state: DkimState, since: string, more: Partial<Entry> = {}): Entry => ({
  algorithm: 'rsa',
  state,
  since: time(since).toISOString(),
  ...more,
});

/** Those that lie on the machine; without an entry they are active. */
const keysOf = (entries: Entries, ...without: readonly string[]): readonly DkimKey[] =>
  [...without, ...Object.keys(entries)].flatMap((selector): readonly DkimKey[] => {
    const { algorithm = 'rsa', state = 'active', since = null } = entries[selector] ?? {};
    if (state === 'retired') return [];
    return [{ domain: 'example.org', selector, publicKey: KEYS[algorithm], path: path('/k'), state, since }];
  });

const everywhere = (negativeTtl: number): Seen => ({ everywhere: true, why: '', negativeTtl });
const missing: Seen = { everywhere: false, why: 'ns2.example.org does not show it', negativeTtl: 300 };

const turn = (entries: Entries, now: string, seen: Seen | undefined, ...without: readonly string[]) =>
  next(entries, keysOf(entries, ...without), { now: time(now), seen: () => seen, retireAfterSeconds: 7 * DAY });

test('a pending key that a server does not show stays pending, and the reason is told', () => {
  const entries = { new: entry('pending', '20T10:00') };
  const { entries: after, steps, waiting } = turn(entries, '20T11:00', missing, 'old');
  assert.deepEqual(after, { new: { ...entries.new, denied: 300 } });
  assert.equal(turn(after, '20T12:00', missing, 'old').entries, after);
  assert.deepEqual([steps, waiting], [[], [{ selector: 'new', why: 'ns2.example.org does not show it', until: null }]]);
  assert.deepEqual(turn(entries, '20T11:00', undefined, 'old').waiting, [{ selector: 'new', why: UNASKED, until: null }]);
});

test('shown everywhere it waits for as long as some may remember that it was not there; then it signs, and the old one retires', () => {
  const first = turn({ new: entry('pending', '20T10:00') }, '20T11:00', everywhere(3600), 'old');
  assert.deepEqual(first.steps, []);
  assert.deepEqual(first.entries['new']?.shown, time('20T11:00').toISOString());
  assert.deepEqual(
    first.waiting.map(({ until }) => until),
    [time('20T12:00')],
  );
  assert.equal(turn(first.entries, '20T11:59', everywhere(3600), 'old').entries, first.entries, 'not a minute before');
  const second = turn(first.entries, '20T12:00', everywhere(3600), 'old');
  assert.deepEqual(second.steps, [
    { selector: 'new', state: 'active' },
    { selector: 'old', state: 'retiring' },
  ]);
  assert.deepEqual(second.entries, { new: entry('active', '20T12:00'), old: entry('retiring', '20T12:00') });
});

test('the longest that somebody was told to remember counts, also where servers tell less by now', () => {
  const { entries: told } = turn({ new: entry('pending', '20T10:00') }, '20T11:00', { ...missing, negativeTtl: 7200 }, 'old');
  const { entries: shown } = turn(told, '20T12:00', everywhere(300), 'old');
  assert.deepEqual(turn(shown, '20T13:59', everywhere(300), 'old').steps, []);
  assert.equal(turn(shown, '20T14:00', everywhere(300), 'old').steps.length, 2);
});

test('shown while the clock was ahead: it waits no longer than it would from now on', () => {
  const ahead = { new: entry('pending', '20T10:00', { shown: '2036-01-01T00:00:00.000Z', denied: 3600 }) };
  const { entries: now, steps } = turn(ahead, '20T11:00', everywhere(3600), 'old');
  assert.deepEqual([now['new']?.shown, steps], [time('20T11:00').toISOString(), []]);
  assert.equal(turn(now, '20T12:00', everywhere(3600), 'old').steps.length, 2);
});

test('a server that shows it no longer begins the waiting anew', () => {
  const seen = entry('pending', '20T10:00', { shown: time('20T11:00').toISOString() });
  const { entries: after } = turn({ new: seen }, '20T11:30', missing, 'old');
  assert.deepEqual(after, { new: entry('pending', '20T10:00', { denied: 300 }) });
  assert.deepEqual(turn({ new: seen }, '20T11:30', undefined, 'old').entries, { new: seen }, 'where nobody looked nothing is known');
});

test('one that retires goes when two looks an hour apart have found its time over, and not before', () => {
  const entries = { new: entry('active', '20T12:00'), old: entry('retiring', '20T12:00') };
  assert.equal(turn(entries, '27T11:59', undefined).entries, entries);
  const first = turn(entries, '27T12:00', undefined);
  assert.deepEqual([first.steps, first.entries['old']], [[], entry('retiring', '20T12:00', { over: time('27T12:00').toISOString() })]);
  assert.equal(turn(first.entries, '27T12:59', undefined).entries, first.entries);
  const { entries: after, steps } = turn(first.entries, '27T13:00', undefined);
  assert.deepEqual(steps, [{ selector: 'old', state: 'retired' }]);
  assert.deepEqual(after['old'], entry('retired', '27T13:00'));
  assert.equal(turn(after, '28T12:00', undefined).entries, after);
});

test('one look with a clock that is weeks ahead takes no key away', () => {
  const entries = { new: entry('active', '01T12:00'), old: entry('retiring', '01T12:00') };
  const { entries: ahead, steps } = turn(entries, '28T12:00', undefined);
  assert.deepEqual([steps, ahead['old']?.state], [[], 'retiring']);
  assert.deepEqual(turn(ahead, '02T12:00', undefined).entries, entries, 'as if nothing had been');
  const early = turn({ ...entries, old: entry('retiring', '01T12:00', { over: time('28T12:00').toISOString() }) }, '08T12:00', undefined);
  assert.deepEqual(early.entries['old']?.over, time('08T12:00').toISOString(), 'nor is what it found then believed later');
});

test('algorithms go each its own way: the first Ed25519 key follows nobody', () => {
  const entries = { new: entry('pending', '20T10:00', { algorithm: 'ed25519' }) };
  assert.deepEqual(turn(entries, '20T11:00', everywhere(0), 'old').steps, [{ selector: 'new', state: 'active' }]);
});

test('an entry whose key was never written counts for nothing', () => {
  const entries = { lost: entry('pending', '20T10:00') };
  const { steps, waiting } = next(entries, keysOf({}, 'old'), { now: time('21T10:00'), seen: () => everywhere(0), retireAfterSeconds: DAY });
  assert.deepEqual([steps, waiting], [[], []]);
});

test('the age of a key: since it signs, or the day in its name; of any other name it is old enough', () => {
  const [key] = keysOf({}, 'h20261120');
  assert.ok(key !== undefined);
  const now = time('24T10:00');
  assert.deepEqual(due(key, 30 * DAY, now), new Date('2026-12-20T00:00:00Z'));
  assert.deepEqual(due({ ...key, since: time('22T10:00').toISOString() }, DAY, now), time('23T10:00'));
  assert.deepEqual(due({ ...key, selector: '2017' }, DAY, now), now);
});

test('selectors: day, algorithm, and a number where the day had one before', () => {
  const day = time('28T23:59');
  assert.deepEqual([nextSelector(day, 'rsa', []), nextSelector(day, 'ed25519', [])], ['h20261128', 'h20261128-ed25519']);
  assert.equal(nextSelector(day, 'rsa', ['h20261128', 'h20261128-2']), 'h20261128-3');
  assert.equal(nextSelector(day, 'ed25519', ['h20261128', 'h20261128-ed25519']), 'h20261128-2-ed25519');
});

test('selectors of others: words of letters, digits and hyphens, with dots between', () => {
  assert.deepEqual(['2017', 'Mail', 'a.b-c', 'x'].map(parseSelector), ['2017', 'mail', 'a.b-c', 'x']);
  for (const wrong of ['', '.', 'a.', '-a', 'a_b', 'a b', '../x', 'ä', 'a/b', 'x'.repeat(64), '2017._domainkey'])
    assert.throws(() => parseSelector(wrong), { code: 'dkim.selector' }, wrong);
});
