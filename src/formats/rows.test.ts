import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, rowsFor } from './rows.ts';

test('versions are compared number by number', () => {
  assert.ok(compareVersions('3.10', '3.9') > 0);
  assert.ok(compareVersions('3.7.11', '3.7') > 0);
  assert.equal(compareVersions('2.4', '2.4.0'), 0);
  assert.throws(() => compareVersions('2:3.4-1', '3'), { code: 'bug' });
});

test('from is inclusive and until is exclusive, in blocks too', () => {
  const nodes = [
    { set: 'a', to: 1, from: '3.8' },
    { set: 'b', to: 1, until: '3.8' },
    { block: 'c', rows: [{ set: 'd', to: 1, until: '3.7.11' }] },
  ];
  assert.deepEqual(rowsFor('3.7.11', nodes), [
    { set: 'b', to: 1, until: '3.8' },
    { block: 'c', rows: [] },
  ]);
  assert.deepEqual(rowsFor('3.8', nodes), [
    { set: 'a', to: 1, from: '3.8' },
    { block: 'c', rows: [] },
  ]);
});

test('a key twice in one scope is a bug; in two scopes, or for two versions, it is not', () => {
  assert.throws(
    () =>
      rowsFor('1', [
        { set: 'a', to: 1 },
        { set: 'a', to: 2 },
      ]),
    /a is set twice/,
  );
  assert.throws(
    () =>
      rowsFor('1', [
        { block: 's', name: 'x', rows: [] },
        { block: 's', name: 'x', rows: [] },
      ]),
    /s "x" \{\} is set twice/,
  );
  assert.throws(
    () =>
      rowsFor('1', [
        {
          block: 's',
          rows: [
            { set: 'a', to: 1 },
            { set: 'a', to: 2 },
          ],
        },
      ]),
    /s > a is set twice/,
  );
  assert.equal(
    rowsFor('1', [
      { set: 'a', to: 1, until: '1' },
      { set: 'a', to: 2, from: '1' },
      { block: 's', rows: [{ set: 'a', to: 1 }] },
    ]).length,
    2,
  );
});
