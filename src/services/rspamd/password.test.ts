/** Expectations are what `rspamadm pw -e -t pbkdf2` of 3.4 and 3.12.1 answered, and test vectors made elsewhere. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { blake2b512 } from './blake2b.ts';
import { rspamdPasswordHash } from './password.ts';

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex');

test('BLAKE2b without a key is what OpenSSL computes, at and around the size of a block', () => {
  for (const length of [0, 1, 64, 127, 128, 129, 256, 300]) {
    const message = Buffer.alloc(length, 'abc');
    assert.equal(hex(blake2b512()(message)), createHash('blake2b512').update(message).digest('hex'), `${length} octets`);
  }
});

test("BLAKE2b with a key: Python's hashlib", () => {
  assert.equal(
    hex(blake2b512(Uint8Array.of(0, 1, 2))(Buffer.from('abc'))),
    '5befb890c3b59e3872992b1295ba80fa073f70224ee96c03df4499c3323f14165bf7059a9503f456de3505dea936632e8f5215e1c0aa3df05a5d1e2f53304ed6',
  );
});

test('hashes are those of rspamadm, of passwords shorter and longer than a key of BLAKE2b', () => {
  const hashes: readonly (readonly [string, string, string])[] = [
    ['hello', 'a4f731f667231406fe91148825db6b50e5644e0e', '$1$r77dd59cdbfcy981wynm1pxpok3jg83b$j3duwwjcgo7j1bkd3shwfj5gcnixexw3jf5xmsbtqmfern63cgsb'],
    [
      'x'.repeat(70),
      '46facaafb725ddc2f33a2204758bd169d5e4f125',
      '$1$g16ihz6sfjzfh3m8nbbkzfg4jmij6azr$qw5bg9tnmjke5k63nnyxgpenhiyzc938otudup3fnd66yqfd8fib',
    ],
    [
      'x'.repeat(70),
      '74c65bed77173e9dd5ddef01fb28a12be74542db',
      '$1$wutzis9qzox43kz5xxysxwrwm33mrbp5$dmxh6rpa1zcem668ihgjjpjxf84wspjzf1zbwujc64dcf8d4qb4y',
    ],
  ];
  for (const [password, salt, wanted] of hashes) assert.equal(rspamdPasswordHash(password, Buffer.from(salt, 'hex')), wanted);
});

test('a salt of another length and an empty password are refused', () => {
  assert.throws(() => rspamdPasswordHash('hello', new Uint8Array(19)), { code: 'bug' });
  assert.throws(() => rspamdPasswordHash('', new Uint8Array(20)), { code: 'bug' });
});
