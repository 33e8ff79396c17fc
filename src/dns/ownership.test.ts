/** Of which domain, or host, a record is one: all names that ours have; and which addresses are claimed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesIn, concernOf } from './ownership.ts';

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

test('addresses are those of the very name', () => {
  const records = ['mail.example.org A 192.0.2.25', 'mail.example.org AAAA 2001:db8::25', 'mail.example.org TXT [["text","v=spf1 a -all"]]'];
  const published = new Set([...records, 'other.mail.example.org A 192.0.2.26']);
  assert.deepEqual(addressesIn({ published, by: {} }, 'mail.example.org'), new Set(['192.0.2.25', '2001:db8::25']));
});
