import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comment, header, joined } from './text.ts';

test('the header is one comment line that names the file to change', () => {
  assert.equal(header(), '# Written by Hauspost and overwritten by it: changes belong in /etc/hauspost/hauspost.toml.\n');
});

test('a comment stays a comment, whatever it holds', () => {
  assert.equal(comment('one\ntwo\r\nthree\u2028four\u0000'), '# one\n# two\n# three\n# four\n');
  assert.equal(comment('ends in \\', '  '), '  # ends in \\.\n');
  assert.equal(comment('a\n\nb'), '# a\n#\n# b\n');
  assert.equal(comment(undefined), '');
});

test('neighbouring strings are joined, secrets stay apart', () => {
  assert.deepEqual(joined('a', ['b', { secret: 's' }], '', 'c'), ['ab', { secret: 's' }, 'c']);
});
