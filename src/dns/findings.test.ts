import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFqdn } from '#base';
import { signerOf } from './authority.ts';
import { facts } from './facts.lab.ts';
import type { DnsFacts } from './facts.ts';
import { dnsFindings } from './findings.ts';

const codes = (given: DnsFacts, profile: 'local' | 'public' = 'public'): readonly string[] => dnsFindings({ profile }, given).map(({ code }) => code);

test('a server with addresses and domains: nothing to say', () => {
  assert.deepEqual(codes(facts()), []);
  assert.deepEqual(codes(facts({ reached: { v4: ['192.0.2.25'], v6: [] } })), []);
});

test('what is missing or open is said, each with a remedy', () => {
  assert.deepEqual(codes(facts({ reached: { v4: [], v6: [] } })), ['dns.no-address']);
  assert.deepEqual(codes(facts({ reached: { v4: [], v6: ['2001:db8::25'] } })), ['dns.no-ipv4']);
  assert.deepEqual(codes(facts({ relay: parseFqdn('smtp.example.com') })), ['dns.relay']);
  assert.deepEqual(codes(facts({ certificateRead: false })), ['dns.certificate-unread']);
  assert.deepEqual(codes(facts({ certificateRead: false, keys: [] })), []);
  assert.deepEqual(codes(facts({ domains: [] })), ['dns.no-domain']);
  assert.deepEqual(codes(facts({ reached: { v4: [], v6: [] } }), 'local'), ['dns.local']);
  for (const { message, remedy } of dnsFindings({ profile: 'local' }, facts({ domains: [] })))
    assert.match(`${message}|${remedy}`, /^[^\n]+\|[A-Z][^\n]+\.$/);
});

test('only an authority whose name in CAA records is known has one', () => {
  assert.deepEqual(signerOf("C=US\nO=Let's Encrypt\nCN=E7"), { by: 'authority', name: "Let's Encrypt", issue: 'letsencrypt.org' });
  for (const issuer of ['C=US\nO=Some Authority\nCN=R1', 'CN=own', '', 'O=constructor', "O=Let's Encrypt Fan Club"])
    assert.deepEqual(signerOf(issuer), { by: 'unknown' }, issuer);
});
