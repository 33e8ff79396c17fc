/** Private keys of others: what is taken, and why the rest is not. As root, with real files, written by OpenSSL as well. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { path } from '#base';
import { thisMachine } from '#machine';
import { readPrivateKey } from './index.ts';

const folder = mkdtempSync('/tmp/hauspost-key-');
after(() => rmSync(folder, { recursive: true }));

const file = (text: string, mode = 0o600, owner = 0) => {
  const name = path(`${folder}/key`);
  writeFileSync(name, text);
  chownSync(name, owner, owner);
  chmodSync(name, mode);
  return name;
};

const read = (name: ReturnType<typeof file>) => readPrivateKey(thisMachine(), name);
const pem = (bits: number, type: 'pkcs1' | 'pkcs8' = 'pkcs8'): string =>
  generateKeyPairSync('rsa', { modulusLength: bits }).privateKey.export({ type, format: 'pem' }).toString();
const other = (kind: 'ed25519' | 'ed448'): string =>
  (kind === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ed448')).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

test('RSA of 1024 bits and more in both forms, and Ed25519', async () => {
  for (const [text, algorithm, bits] of [
    [pem(1024), 'rsa', 1024],
    [pem(2048, 'pkcs1'), 'rsa', 2048],
    [other('ed25519'), 'ed25519', null],
  ] as const) {
    const key = await read(file(text));
    assert.deepEqual([key.algorithm, key.bits], [algorithm, bits]);
    assert.match(key.privatePem, /^-----BEGIN PRIVATE KEY-----\n/);
  }
});

test('refused, each with its reason', async () => {
  const encrypted = generateKeyPairSync('rsa', { modulusLength: 1024 })
    .privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'word' })
    .toString();
  const publicKey = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  for (const [text, reason] of [
    [pem(768), / holds an RSA key of 768 bits$/],
    [other('ed448'), / holds a key of type ed448$/],
    [publicKey, / holds no private key$/],
    ['', / holds no private key$/],
    [encrypted, / is protected by a passphrase$/],
  ] as const)
    await assert.rejects(read(file(text)), { code: 'dkim.key-file', message: reason });
  for (const name of [file(pem(1024), 0o640), file(pem(1024), 0o600, 65_534)])
    await assert.rejects(read(name), { code: 'dkim.key-file', message: / can be read by others than root$/ });
  await assert.rejects(read(path(`${folder}/none`)), { message: / does not exist$/ });
  await assert.rejects(read(path(folder)), { message: / is no file$/ });
});
