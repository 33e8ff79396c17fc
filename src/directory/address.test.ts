import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { parseAliasSource, parseDestination, partsOf } from './address.ts';

const refused = (error: unknown): boolean => error instanceof HauspostError && error.exitCode === 3 && !error.message.includes('\n');

test('a source is an address of ours or a whole domain', () => {
  assert.equal(parseAliasSource('Info@Example.ORG'), 'info@example.org');
  assert.equal(parseAliasSource('@Bücher.example'), '@xn--bcher-kva.example');
  assert.deepEqual(partsOf(parseAliasSource('@example.org')), { local: null, domain: 'example.org' });
  for (const input of [
    '',
    '@',
    '@@example.org',
    'info',
    'info@',
    '@example.org.',
    'a+b@example.org',
    '@exa mple.org',
    "@example.org' OR 1=1",
    'info@example.org\n',
  ])
    assert.throws(() => parseAliasSource(input), refused, JSON.stringify(input));
});

test('a destination is any address in the world, kept as it was written but for the domain', () => {
  assert.equal(parseDestination("O'Brien+List/x%y=z@Bücher.Example"), "O'Brien+List/x%y=z@xn--bcher-kva.example");
  assert.deepEqual(partsOf(parseDestination('a.b+c@example.org')), { local: 'a.b+c', domain: 'example.org' });
  assert.equal(parseDestination(`${'x'.repeat(64)}@example.org`).length, 76);
  const wrong = [
    '',
    'x',
    '@example.org',
    'x@',
    'x@localhost',
    'x@[192.0.2.1]',
    'x y@example.org',
    '"x y"@example.org',
    'x..y@example.org',
    '.x@example.org',
    'x,y@example.org',
  ];
  for (const input of [
    ...wrong,
    'jösé@example.org',
    'x\0@example.org',
    'x@example.org\n',
    `${'x'.repeat(65)}@example.org`,
    'K@example.org'.replace('K', '\u212a'),
  ])
    assert.throws(() => parseDestination(input), refused, JSON.stringify(input));
});
