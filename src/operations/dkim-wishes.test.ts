/** When keys are looked at again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import type { DkimKey } from '#dkim';
import { wishes } from './dkim-wishes.ts';

const at = (text: string): Date => new Date(`2026-11-${text}:00Z`);
const now = at('20T12:00');
const key = (selector: string, state: DkimKey['state'], since: string): DkimKey => ({
  ...{ domain: 'example.org', selector, publicKey: '', path: path('/k'), state, since: at(since).toISOString() },
});
const waits = (selector: string, until: Date | null = null) => [
  { domain: 'example.org', waiting: [{ selector, why: '', until: until?.toISOString() ?? null }] },
];
const sight = { now, pushed: true, retireAfterSeconds: 86_400 };

test('what was pushed is looked for every five minutes for a day, and no longer; what is published by hand about once an hour', () => {
  assert.deepEqual(wishes(waits('new'), [key('new', 'pending', '20T11:00')], sight), [at('20T12:05')]);
  assert.deepEqual(wishes(waits('new'), [key('new', 'pending', '19T11:00')], sight), []);
  assert.deepEqual(wishes(waits('new'), [key('new', 'pending', '20T11:00')], { ...sight, pushed: false }), []);
  assert.deepEqual(wishes([], [key('new', 'pending', '20T11:00')], sight), [], 'of a domain that is not served');
});

test('when the waiting is over, and when a key goes; what should have been by now is no reason to hurry', () => {
  const keys = [key('new', 'pending', '18T11:00'), key('old', 'retiring', '19T13:00'), key('older', 'retiring', '18T13:00')];
  assert.deepEqual(wishes(waits('new', at('20T12:30')), keys, sight), [at('20T12:30'), at('20T13:00')]);
});
