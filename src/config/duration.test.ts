import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { parseDuration } from './duration.ts';

test('durations are numbers with a unit, and sums of them', () => {
  assert.equal(parseDuration('5d'), 432_000);
  assert.equal(parseDuration('4h'), 14_400);
  assert.equal(parseDuration('1d12h'), 129_600);
  assert.equal(parseDuration('2w'), 1_209_600);
  assert.equal(parseDuration('0s'), 0);
});

test('anything else is refused', () => {
  for (const input of ['', '5', 'd', '5 d', '5D', '-5d', '1.5h', '5d\n', '5d;', '9999999d', '٥d', 'unlimited']) {
    assert.throws(
      () => parseDuration(input),
      (error) => error instanceof HauspostError && error.code === 'input.duration',
      JSON.stringify(input),
    );
  }
});
