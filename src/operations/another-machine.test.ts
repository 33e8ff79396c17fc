/** Who counts as the one that published: whoever was agreed to, or is the first that is known; a copy never by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCopy, publisherAfter } from './another-machine.ts';

const [ONE, OTHER] = [
  { machine: 'one', product: 'board' },
  { machine: 'other', product: 'board' },
];

test('a copy becomes it once somebody has agreed, and not before', () => {
  const copy = { by: ONE, here: OTHER };
  assert.ok(isCopy(copy));
  assert.deepEqual([publisherAfter(copy, false), publisherAfter(copy, true)], [ONE, OTHER]);
});

test('a file of an earlier version takes the machine that it is found on, and one mark more is added', () => {
  for (const by of [{}, { machine: 'one' }, ONE]) {
    assert.ok(!isCopy({ by, here: ONE }));
    assert.deepEqual(publisherAfter({ by, here: ONE }, false), ONE);
  }
});

test('what is not known at this moment is kept', () => {
  assert.deepEqual(publisherAfter({ by: ONE, here: {} }, false), ONE);
  assert.deepEqual(publisherAfter({ by: ONE, here: { machine: 'one' } }, false), ONE);
});
