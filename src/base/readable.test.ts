import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readable } from './readable.ts';

test('domain names in a sentence are shown as U-labels, wherever they stand', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['domain xn--bcher-kva.test exists already', 'domain bücher.test exists already'],
    ['user@xn--bcher-kva.test', 'user@bücher.test'],
    ['user+tag@mail.xn--bcher-kva.test.', 'user+tag@mail.bücher.test.'],
    ["'hauspost domain add xn--bcher-kva.test' adds it", "'hauspost domain add bücher.test' adds it"],
    ['`hauspost alias remove @xn--bcher-kva.test`', '`hauspost alias remove @bücher.test`'],
    ['(a@xn--bcher-kva.test -> b@XN--BCHER-KVA.test, ...)', '(a@bücher.test -> b@bücher.test, ...)'],
    ['xn--r8jz45g.xn--zckzah', '例え.テスト'],
  ];
  for (const [stored, shown] of rows) assert.equal(readable(stored), shown);
});

test('what is no domain name stays', () => {
  const same = [
    'domain example.test exists already',
    'domain "xn--xample-2of.org" holds look-alikes',
    '/var/vmail/removed/@xn--bcher-kva.test.2026-01-01T00-00-00-000Z',
    'https://mail.xn--bcher-kva.test/rspamd/',
    'xn--bcher-kva.x@example.test',
    'xn--bcher-kva_x@example.test',
    'by=xn--bcher-kva@example.test',
    'wxn--bcher-kva.test',
    'xn--.test',
    'xn--a.test',
  ];
  for (const text of same) assert.equal(readable(text), text);
});
