/** Of which domain, or host, a record is one: all names that ours have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concernOf } from './ownership.ts';

test('each record of ours is for the domain or the host at the end of its name', () => {
  const concern = (name: string, type: string): string => concernOf({ name, type });
  for (const [name, type] of [
    ['example.org', 'MX'],
    ['example.org', 'TXT'],
    ['_dmarc.example.org', 'TXT'],
    ['h20261128-ed25519._domainkey.example.org', 'TXT'],
    ['a.b-c._domainkey.example.org', 'TXT'],
    ['_imaps._tcp.example.org', 'SRV'],
    ['imap.example.org', 'CNAME'],
    ['smtp.example.org', 'CNAME'],
  ] as const)
    assert.equal(concern(name, type), 'example.org', `${name} ${type}`);
  assert.equal(concern('_25._tcp.mail.example.org', 'TLSA'), 'mail.example.org');
  assert.equal(concern('mail.example.org', 'AAAA'), 'mail.example.org');
  assert.equal(concern('imap.example.org', 'MX'), 'imap.example.org', 'a domain that is called so');
});
