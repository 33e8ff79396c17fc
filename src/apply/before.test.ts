import assert from 'node:assert/strict';
import { test } from 'node:test';
import { before } from './before.ts';

/** 4 was made after a rollback to 2; a version that did not write down what a generation followed made 1 to 3. */
const [ZERO, ONE, TWO, THREE, FOUR, FIVE] = [
  { number: 0 },
  { number: 1 },
  { number: 2 },
  { number: 3 },
  { number: 4, after: 2 },
  { number: 5, after: 4 },
] as const;
const ALL = [ZERO, ONE, TWO, THREE, FOUR, FIVE];

test('the one that was in place counts, and not the one that is next in the list', () => {
  assert.equal(before(ALL, FOUR), TWO);
  assert.equal(before(ALL, FIVE), FOUR);
});

test('where it is not written down, or gone, the newest older one; what was there before the first is none', () => {
  assert.equal(before(ALL, THREE), TWO);
  assert.equal(before(ALL, ONE), undefined);
  assert.equal(before(ALL, ZERO), undefined);
  assert.equal(before([ZERO, ONE, THREE, FOUR], FOUR), THREE);
  assert.equal(before([ZERO, { number: 1, after: null }], { number: 1, after: null }), undefined);
  assert.equal(before([ZERO, ONE, { number: 2, after: 0 }], { number: 2, after: 0 }), ONE);
});
