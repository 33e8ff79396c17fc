/** The next key waits until every name server shows its record, and then for as long as anybody may remember what was shown before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Published, Shown } from '#dns';
import type { Progress } from './rollover-progress.ts';
import { overAt, waitsFor } from './rollover-wait.ts';
import type { TlsaChange } from './tlsa-change.ts';

const [OLD, NEXT] = ['a'.repeat(64), 'b'.repeat(64)];
const record = (digest: string): Published => ({
  name: '_25._tcp.mail.example.org',
  type: 'TLSA',
  data: { usage: 3, selector: 1, matching: 1, digest },
});
type State = Shown['servers'][number]['state'];
const shown = (digest: string, ttl: number, ...states: readonly State[]): Shown => ({
  record: record(digest),
  zone: 'example.org',
  everywhere: states.every((state) => state === 'shown'),
  servers: states.map((state, index) => ({ name: `ns${index + 1}.example.org`, address: `192.0.2.${index + 1}`, state })),
  ttl,
  others: [],
});
const at = (second: number): Date => new Date(Date.UTC(2027, 0, 1) + second * 1000);
const BEGUN: Progress = { begun: at(0).toISOString(), of: null, seen: null, change: null, ttl: 0, waits: '' };
const lookAfter = (change: TlsaChange | undefined, second: number, before: Progress, ...all: readonly Shown[]): Progress | undefined =>
  waitsFor({ now: at(second), record: record(NEXT), shown: all, ttl: 300, change }, before);
const look = (second: number, before: Progress, ...all: readonly Shown[]): Progress | undefined => lookAfter(undefined, second, before, ...all);

const old = (ttl = 3600): Shown => shown(OLD, ttl, 'shown', 'shown');

test('one server that lacks it, or does not answer, is named, and the wait has not begun', () => {
  for (const state of ['absent', 'silent'] as const) {
    const found = look(10, BEGUN, old(), shown(NEXT, 0, 'shown', state));
    assert.deepEqual(
      [found?.seen, found?.ttl, found?.waits],
      [null, 3600, `not every name server shows _25._tcp.mail.example.org TLSA 3 1 1 ${NEXT}: ns2.example.org (192.0.2.2): ${state}`],
    );
  }
});

test('shown everywhere: the longest time to live counts that was seen since the beginning, also where it is shorter now', () => {
  const first = look(10, BEGUN, old(7200), shown(NEXT, 0, 'absent', 'absent'));
  assert.equal(first?.ttl, 7200);
  const second = look(20, first ?? BEGUN, old(60), shown(NEXT, 60, 'shown', 'shown'));
  assert.deepEqual([second?.seen, second === undefined ? undefined : overAt(second)], [at(20).toISOString(), at(20 + 7200)]);
  const third = look(7219, second ?? BEGUN, old(60), shown(NEXT, 60, 'shown', 'shown'));
  assert.equal(third?.seen, at(20).toISOString());
  assert.equal(look(7220, third ?? BEGUN, old(60), shown(NEXT, 60, 'shown', 'shown')), undefined);
});

test('at least as long as our own records live', () => {
  const first = look(0, BEGUN, old(60), shown(NEXT, 60, 'shown', 'shown'));
  assert.deepEqual(first === undefined ? undefined : overAt(first), at(300));
});

test('a server that stops showing it begins the wait anew', () => {
  const first = look(0, BEGUN, old(), shown(NEXT, 60, 'shown', 'shown'));
  const gone = look(3000, first ?? BEGUN, old(), shown(NEXT, 60, 'absent', 'shown'));
  assert.equal(gone?.seen, null);
  const again = look(3100, gone ?? BEGUN, old(), shown(NEXT, 60, 'shown', 'shown'));
  assert.deepEqual(again === undefined ? undefined : overAt(again), at(3100 + 3600));
});

test('a clock that was set back does not make it wait for ever', () => {
  const first = look(1_000_000, BEGUN, old(), shown(NEXT, 60, 'shown', 'shown'));
  const back = look(0, first ?? BEGUN, old(), shown(NEXT, 60, 'shown', 'shown'));
  assert.deepEqual(back === undefined ? undefined : overAt(back), at(3600));
});

test('where nobody publishes a record of either key nothing is waited for; where no zone is found, something is', () => {
  assert.equal(look(0, BEGUN, shown(OLD, 0, 'absent', 'absent'), shown(NEXT, 0, 'absent', 'absent')), undefined);
  assert.match(look(0, BEGUN, shown(OLD, 0, 'absent', 'silent'), shown(NEXT, 0, 'absent', 'silent'))?.waits ?? '', /silent/);
  assert.match(look(0, BEGUN)?.waits ?? '', /^no zone is found/);
});

test('records of another form are somebody’s as well: while they stand there alone it waits, and says what they are; beside ours they change nothing', () => {
  const others = [`3 1 2 ${'c'.repeat(128)}`];
  const alone = look(0, BEGUN, { ...shown(OLD, 0, 'absent', 'absent'), others }, { ...shown(NEXT, 0, 'absent', 'absent'), others });
  assert.equal(alone?.seen, null);
  assert.match(
    alone?.waits ?? '',
    /^not every name server shows .*: ns1\.example\.org \(192\.0\.2\.1\): absent, .*: absent; what they show is 3 1 2 c{128}$/,
  );
  const beside = look(0, BEGUN, { ...shown(OLD, 60, 'absent', 'absent'), others }, { ...shown(NEXT, 60, 'shown', 'shown'), others });
  assert.equal(beside?.seen, at(0).toISOString());
});

test('what stood there before we changed it ourselves is remembered for as long as it said then, also where nobody looked at it', () => {
  const all = [old(300), shown(NEXT, 300, 'shown', 'shown')];
  const lowered = { at: at(0).toISOString(), ttl: 86_400 };
  const first = lookAfter(lowered, 600, BEGUN, ...all);
  assert.deepEqual(first === undefined ? undefined : overAt(first), at(600 + 86_400));
  assert.deepEqual(overAt(lookAfter(lowered, 86_401, BEGUN, ...all) ?? BEGUN), at(86_401 + 300), 'nobody remembers it any more');
});

test('where we published it again it was gone for a while: the wait begins anew, once', () => {
  const all = [old(300), shown(NEXT, 300, 'shown', 'shown')];
  const change = (second: number): TlsaChange => ({ at: at(second).toISOString(), ttl: 300 });
  const first = lookAfter(change(0), 10, BEGUN, ...all);
  const same = lookAfter(change(0), 200, first ?? BEGUN, ...all);
  const anew = lookAfter(change(290), 320, same ?? BEGUN, ...all);
  assert.deepEqual(
    [first, same, anew].map((each) => each?.seen),
    [10, 10, 320].map((second) => at(second).toISOString()),
  );
  assert.equal(lookAfter(change(290), 620, anew ?? BEGUN, ...all), undefined);
  // Noted by a clock that was far ahead.
  const ahead = lookAfter(change(1_000_000), 320, same ?? BEGUN, ...all);
  assert.equal(lookAfter(change(1_000_000), 620, ahead ?? BEGUN, ...all), undefined);
});
