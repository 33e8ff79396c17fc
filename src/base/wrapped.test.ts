import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hanging, wrapped } from './wrapped.ts';

test('breaks at blanks, and keeps a word that is longer than a line whole', () => {
  assert.deepEqual(wrapped('one two three', 7), ['one two', 'three']);
  assert.deepEqual(wrapped('a /very/long/path b', 6), ['a', '/very/long/path', 'b']);
  assert.deepEqual(wrapped('', 7), ['']);
});

test('further lines are indented, and none is longer than 80', () => {
  const text = hanging(`first ${'word '.repeat(40).trim()}`, '      ');
  const lines = text.split('\n');
  assert.ok(lines.length > 2 && lines.every((line) => line.length <= 80), text);
  assert.ok(lines.slice(1).every((line) => /^ {6}word/.test(line)));
});
