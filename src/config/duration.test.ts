import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { meantDuration, parseDuration } from './duration.ts';

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

test('what somebody meant is told in his own value; where it is not clear nothing is guessed', () => {
  for (const [input, meant] of [
    ['5 days', '5d'],
    ['5days', '5d'],
    ['5 d', '5d'],
    ['5D', '5d'],
    [' 36 hours ', '36h'],
    ['1 day 12 hours', '1d12h'],
    ['1 day, and 12 hours', '1d12h'],
    ['90 min.', '90m'],
    ['1.5h', '1h30m'],
    ['0,5 days', '12h'],
    ['5', '5d'],
    ['five days', undefined],
    ['5 months', undefined],
    ['-5d', undefined],
    ['', undefined],
    ['5d; rm', undefined],
  ] as const)
    assert.equal(meantDuration(input, '3d'), meant, JSON.stringify(input));
});
