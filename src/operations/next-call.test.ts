/** When upkeep is called again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextCall } from './next-call.ts';

const at = (clock: string): Date => new Date(`2026-11-28T${clock}Z`);
const [begun, now] = [at('10:00:00'), at('10:00:20')];

test('the first wish counts, within a minute and an hour', () => {
  assert.deepEqual(nextCall(begun, now, []), at('11:00:20'));
  assert.deepEqual(nextCall(begun, now, [at('10:30:00'), at('10:10:00')]), at('10:10:00'));
  assert.deepEqual(nextCall(begun, now, [at('23:00:00')]), at('11:00:20'));
  assert.deepEqual(nextCall(begun, now, [now]), at('10:01:20'), 'as soon as may be');
  assert.deepEqual(nextCall(begun, now, [at('10:00:10')]), at('10:01:20'), 'what became due meanwhile');
});

test('what was due before this call is not asked for again a minute later', () => {
  assert.deepEqual(nextCall(begun, now, [at('09:59:59'), new Date(0)]), at('11:00:20'));
  assert.deepEqual(nextCall(begun, now, [at('09:00:00'), at('10:20:00')]), at('10:20:00'));
});
