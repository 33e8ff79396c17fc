import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortened } from './diff.ts';

test('short lines stay as they are, whatever they are', () => {
  const lines = ['@@ -1,3 +1,3 @@', ' kept', '-gone', '+come', '+more', ' kept', '+end'];
  assert.deepEqual(shortened(lines), lines);
});

test('of a long line that changed, what is around the difference is shown', () => {
  const [head, tail] = ['h'.repeat(500), 't'.repeat(500)];
  assert.deepEqual(shortened([' before', `-query = ${head} old ${tail}`, `+query = ${head} newer ${tail}`, ' after']), [
    ' before',
    `-…${'h'.repeat(39)} old ${'t'.repeat(39)}…`,
    `+…${'h'.repeat(39)} newer ${'t'.repeat(39)}…`,
    ' after',
  ]);
});

test('several that changed are shown by pairs; a difference at the very beginning or end keeps that', () => {
  const long = 'x'.repeat(300);
  assert.deepEqual(shortened([`-a${long}`, `-${long}1`, `+b${long}`, `+${long}2`]), [
    `-a${'x'.repeat(40)}…`,
    `-…${'x'.repeat(40)}1`,
    `+b${'x'.repeat(40)}…`,
    `+…${'x'.repeat(40)}2`,
  ]);
});

test('a long line that only comes, goes or stays ends early', () => {
  const long = 'y'.repeat(1000);
  for (const sign of ['+', '-', ' ']) {
    const [line = ''] = shortened([`${sign}${long}`]);
    assert.equal(line, `${sign}${'y'.repeat(159)}…`);
  }
});

test('a long difference is cut, too', () => {
  for (const line of shortened([`-${'a'.repeat(1000)}`, `+${'b'.repeat(2000)}`])) assert.ok(line.length <= 163, String(line.length));
});
