/** Records of DKIM keys: what is written is read back, and what is none is not taken for one. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { dkimAlgorithm, dkimRecordText, parseDkimRecord } from './dkim-record.ts';

const base64 = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64');
const RSA = base64(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey);
/** RFC 8463, appendix A.2. */
const ED25519 = 'MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';
const ED25519_RECORD = 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=';

test('RSA stands there whole, Ed25519 bare', () => {
  assert.equal(dkimRecordText(RSA), `v=DKIM1; k=rsa; p=${RSA}`);
  assert.equal(dkimRecordText(ED25519), ED25519_RECORD);
  assert.deepEqual([RSA, ED25519].map(dkimAlgorithm), ['rsa', 'ed25519']);
});

test('both are read back, however they are spaced, also without v= and k=', () => {
  for (const key of [RSA, ED25519]) assert.equal(parseDkimRecord(dkimRecordText(key)), key);
  assert.equal(parseDkimRecord(`p=${RSA}`), RSA);
  assert.equal(parseDkimRecord(` v = DKIM1 ;k=rsa ; n=a note; p = ${RSA.slice(0, 80)} ${RSA.slice(80)} ; `), RSA);
  assert.equal(parseDkimRecord('v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='), ED25519);
});

test('no key: another version, revoked, twice the same tag, another kind than it says, no base64 of a key, no record', () => {
  const bare = ED25519_RECORD.slice(ED25519_RECORD.indexOf('p='));
  for (const text of [
    `v=DKIM2; p=${RSA}`,
    'v=DKIM1; p=',
    `v=DKIM1; p=${RSA}; p=${RSA}`,
    `v=DKIM1; k=ed25519; p=${RSA}`,
    `v=DKIM1; k=rsa; ${bare}`,
    `v=DKIM1; k=dsa; p=${RSA}`,
    `v=DKIM1; p=${RSA.slice(0, 40)}`,
    'v=spf1 -all',
    '',
  ])
    assert.equal(parseDkimRecord(text), undefined, text);
});
