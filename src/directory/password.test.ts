import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { generatePassword, hashPassword, parsePasswordHash } from './password.ts';

test('a hash is Argon2id in PHC form behind the scheme, with a salt of its own', async () => {
  const [one, two] = [await hashPassword('pässword'), await hashPassword('pässword')];
  for (const hash of [one, two]) assert.match(hash, /^\{ARGON2ID\}\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
});

test('passwords that no protocol carries, or that anybody finds, are refused, without being repeated', async () => {
  for (const password of ['', 'x', 'seven77', 'ä'.repeat(7), 'two\nlines', 'ends with nul\0', 'ends with del\u007f', 'ä'.repeat(128)])
    await assert.rejects(
      hashPassword(password),
      (error) => error instanceof HauspostError && error.exitCode === 3 && !error.message.includes('lines'),
    );
  for (const password of ['eight888', 'ä'.repeat(8), "' OR 1=1 --", 'ä'.repeat(127), ' spaces ']) assert.ok(await hashPassword(password));
});

/** By `doveadm pw` of Dovecot 2.4.1; that of 2.3.19 writes the same forms. */
const MADE = [
  '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$Ag0OuaIIv2ExdfiUcgcfDQ$zlc9QR+WN/Qbo3tbDXAo/3AR97Lp2bTR8i+XpIGfZ8s',
  '{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$Nw9F+PondFiCugDBROUVtA$cVy6KJazxJsG31HcPXXQOOfSueiTpFJJ60UKIFD9gUs',
  '{BLF-CRYPT}$2y$05$maMPKEn2egFP6awzk11yi.jun5R55d2zBULw7a/PHxk2DtEBsRUwK',
  '{SHA512-CRYPT}$6$DWUHrPBXRYeADSHe$X4S.Z0qhwv0WgcyrwvqbnJDvESYL9t0n4OMlVBN9zzvb4fLMTnj9XHSCgYlpB/h1nIQfYaWOsIzxN8Uu2Gc3Z/',
  '{SHA256-CRYPT}$5$vhFiRBqBs83xDqTe$uB5H3yKuIwkTKdCVcpT5fMPj0xZDGpokKMU0/VwkG82',
  '{PBKDF2}$1$pDksuquua4IVYCh4$5000$08ac0335bfc65a0e0209f5b7fb11dbaa26d43700',
  '{SSHA512}uskyKDzFiNOmVmFpxY3wU9OqaZ37JiE+OUy4/0qrp9prFxNRYfFaMF5C2TOjcCJl2Mg+yvsH0Ti3C2Y+R/xKtG33jXI=',
  '{SSHA256}xVbeO1rMT7k5GDrLADQ7vRnwGMyFjm8Jmzzvt8HyT5HbE+2E',
  '{SCRAM-SHA-256}4096,Ma5XRarUj/O08hCfKZBstA==,dWlreqkFIIFB6RaX8b/KCdjqSzdC6SXRETgqOkvGhl4=,lfc2CDlJAgmzJk3lGvVS6JbB8bI0KBBYRjcd2tH+R5w=',
];

test('hashes made elsewhere', () => {
  for (const hash of [...MADE, ...MADE.map((each) => each.replace(/^\{.*\}/, (scheme) => scheme.toLowerCase()))])
    assert.equal(parsePasswordHash(hash), hash);
  // Cut off, or with something behind it: nobody could log in.
  for (const hash of MADE.flatMap((each) => [each.slice(0, -6), `${each} `, `${each}!`]))
    assert.throws(
      () => parsePasswordHash(hash),
      (error) => error instanceof HauspostError && error.code === 'input.password-hash',
      hash,
    );
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
