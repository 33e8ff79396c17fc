import assert from 'node:assert/strict';
import { test } from 'node:test';
import { milliseconds, mismatch, octets, sameQuantity, sameText } from './compare.ts';
import { compareDovecot, parseDoveconf } from './dovecot-dump.lab.ts';
import { parseMariadbVariables } from './mariadb-dump.ts';
import { parseNginxT } from './nginx-dump.lab.ts';
import { parsePostconf } from './postfix-dump.lab.ts';

test('amounts are equal across units, and only amounts of one kind', () => {
  assert.equal(octets('16 M'), 16_777_216);
  assert.equal(octets('16M '), undefined);
  assert.equal(milliseconds('5 mins'), 300_000);
  assert.equal(milliseconds('5'), undefined);
  assert.ok(sameQuantity('90d', '90 days'));
  assert.ok(sameQuantity('1024', '1k'));
  assert.ok(!sameQuantity('5m', '6 mins'));
  assert.ok(!sameQuantity('yes', 'no'));
});

test('a secret matches any plain value, and is never shown', () => {
  assert.ok(sameText(['a=', { secret: 's' }], 'a=x$y'));
  assert.ok(!sameText(['a=', { secret: 's' }], 'a='));
  assert.ok(!sameText(['a=', { secret: 's' }], 'b=x'));
  assert.deepEqual(mismatch('k', [{ secret: 's' }], 'hunter2'), { key: 'k', expected: '<secret:s>', actual: '<hidden>' });
});

test('doveconf: blocks, quoted names, empty values, values that look like blocks', () => {
  const dump = parseDoveconf('# 2.4.1\na = \nb = x {\n"k k" = v\nquota "User quota" {\n  driver = count\n  warning w {\n    q = 1\n  }\n}\nc = }\n');
  assert.deepEqual(
    [...dump.values],
    [
      ['a', ''],
      ['b', 'x {'],
      ['k k', 'v'],
      ['c', '}'],
    ],
  );
  assert.deepEqual([dump.blocks[0]?.kind, dump.blocks[0]?.name, dump.blocks[0]?.body.values.get('driver')], ['quota', 'User quota', 'count']);
  assert.equal(dump.blocks[0]?.body.blocks[0]?.body.values.get('q'), '1');
});

test('doveconf: a hidden value proves a secret, and nothing else', () => {
  const dump = 'password = # hidden, use -P to show it\n';
  assert.deepEqual(compareDovecot([{ set: 'password', to: { secret: 'db' } }], '2.4.1', dump), []);
  assert.deepEqual(compareDovecot([{ set: 'password', to: 'x' }], '2.4.1', dump), [
    { key: 'password', expected: 'x', actual: '# hidden, use -P to show it' },
  ]);
});

test('the other dumps', () => {
  assert.deepEqual(
    [...parsePostconf('a = b = c\nd =\ns/inet/x = y\n')],
    [
      ['a', 'b = c'],
      ['d', ''],
      ['s/inet/x', 'y'],
    ],
  );
  const help = 'text\nVariables (--variable-name=value)\nand more  Value\n------- ------\ninit-connect    SET a\nmax_connections 5\n\nTo see';
  assert.deepEqual(
    [...parseMariadbVariables(help)],
    [
      ['init-connect', 'SET a'],
      ['max-connections', '5'],
    ],
  );
  assert.deepEqual(
    [...parseNginxT('# configuration file /a:\nx;\n\n# configuration file /b:\ny;\n\n')],
    [
      ['/a', 'x;\n'],
      ['/b', 'y;\n'],
    ],
  );
});
