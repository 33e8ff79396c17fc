import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { generatePassword, hashPassword, parsePasswordHash } from './password.ts';

test('a hash is Argon2id in PHC form behind the scheme, with a salt of its own', async () => {
  const [one, two] = [await hashPassword('pässword'), await hashPassword('pässword')];
  for (const hash of [one, two]) assert.match(hash, /^\{ARGON2ID\}\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
});

test('passwords that no protocol carries are refused, without being repeated', async () => {
  for (const password of ['', 'two\nlines', 'nul\0', 'del\u007f', 'ä'.repeat(128)])
    await assert.rejects(
      hashPassword(password),
      (error) => error instanceof HauspostError && error.exitCode === 3 && !error.message.includes('lines'),
    );
  for (const password of ['x', "' OR 1=1 --", 'ä'.repeat(127), ' spaces ']) assert.ok(await hashPassword(password));
});

test('hashes made elsewhere', () => {
  for (const hash of ['{SHA512-CRYPT}$6$abc$def', '{BLF-CRYPT}$2y$05$abc', '{argon2id}$argon2id$x']) assert.equal(parsePasswordHash(hash), hash);
  for (const hash of [
    '',
    'secret',
    '{PLAIN}secret',
    '{MD5}x',
    '{SHA512-CRYPT}',
    '{SHA512-CRYPT}$6$ x',
    `{BLF-CRYPT}${'x'.repeat(250)}`,
    '{SHA512-CRYPT}$6$é',
  ])
    assert.throws(
      () => parsePasswordHash(hash),
      (error) => error instanceof HauspostError && error.code === 'input.password-hash' && !error.message.includes('secret'),
    );
});

test('generated passwords: four groups of five unmistakable characters, never twice', () => {
  const made = Array.from({ length: 1000 }, generatePassword);
  for (const password of made) assert.match(password, /^([0-9a-hjkmnp-tv-z]{5}-){3}[0-9a-hjkmnp-tv-z]{5}$/);
  assert.equal(new Set(made).size, made.length);
});
