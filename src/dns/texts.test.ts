/** The same records in the words of other programs; each text is written down here as they want it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { parseDomain } from '#base';
import { dnscontrolText } from './dnscontrol.ts';
import { facts, RSA } from './facts.lab.ts';
import { octodnsText } from './octodns.ts';
import { plainText } from './plain.ts';
import { recordsOf } from './records.ts';
import { zoneText } from './zone-file.ts';

const signer = { by: 'authority', name: "Let's Encrypt", issue: 'letsencrypt.org' } as const;
const given = facts({ signer, certified: ['imap.example.net'], reached: { v4: ['192.0.2.25', '192.0.2.26'], v6: ['2001:db8::25'] } });
const KEY = `v=DKIM1; k=rsa; p=${RSA}`;
const DIGEST = 'ab'.repeat(32);

const ZONE_NET = `
; Zone example.net.
; mail for this domain is brought to this server
example.net. 3600 IN MX 10 mail.example.org.
; SPF: mail of this domain is sent by mail.example.org
example.net. 3600 IN TXT "v=spf1 include:mail.example.org ~all"
; DKIM: the key by which others verify the signature of what this domain sends
h20261124._domainkey.example.net. 3600 IN TXT "${KEY.slice(0, 255)}" "${KEY.slice(255)}"
`;

test('a zone file: reasons as comments, long keys as two strings, addresses of others as a comment', () => {
  const text = zoneText(recordsOf(given));
  assert.ok(text.includes(ZONE_NET), text);
  assert.ok(text.includes('\n; Zone example.org.\n; where the server is reached by IPv4\nmail.example.org. 3600 IN A 192.0.2.25\n'), text);
  const asked = `
; Not in these zones; ask the provider of each address for its name:
; 192.0.2.25: 25.2.0.192.in-addr.arpa. PTR mail.example.org.
; 192.0.2.26: 26.2.0.192.in-addr.arpa. PTR mail.example.org.
; 2001:db8::25: 5.2.${'0.'.repeat(22)}8.b.d.0.1.0.0.2.ip6.arpa. PTR mail.example.org.
`;
  assert.ok(text.endsWith(asked), text);
  for (const line of text.split('\n')) assert.match(line, /^(;.*|\S+\. 3600 IN (A|AAAA|MX|TXT|CNAME|SRV|TLSA|CAA) .+|)$/);
});

test('lines for a form: host, type and value with tabs; short texts bare, long ones in strings', () => {
  const text = plainText(recordsOf(given, 'example.net'));
  assert.equal(
    text,
    [
      'Zone example.net',
      '@\tMX\t10 mail.example.org.',
      '@\tTXT\tv=spf1 include:mail.example.org ~all',
      `h20261124._domainkey\tTXT\t"${KEY.slice(0, 255)}" "${KEY.slice(255)}"`,
      '_dmarc\tTXT\tv=DMARC1; p=none; np=reject; rua=mailto:postmaster@example.net',
      'imap\tCNAME\tmail.example.org.',
      '_submissions._tcp\tSRV\t0 1 465 mail.example.org.',
      '_submission._tcp\tSRV\t10 1 587 mail.example.org.',
      '_imaps._tcp\tSRV\t0 1 993 mail.example.org.',
      '_imap._tcp\tSRV\t10 1 143 mail.example.org.',
      '_pop3s._tcp\tSRV\t0 0 0 .',
      '_pop3._tcp\tSRV\t0 0 0 .',
      '',
    ].join('\n'),
  );
  const whole = plainText(recordsOf(given));
  assert.ok(whole.includes('\nTo ask the provider of the address for\n192.0.2.25\tPTR\tmail.example.org.\n'), whole);
});

/** Of the functions of its language, before the modifiers (its reference, "Domain Modifiers"). */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  A: ['string', 'string'],
  AAAA: ['string', 'string'],
  CNAME: ['string', 'string'],
  TXT: ['string', 'string'],
  MX: ['string', 'number', 'string'],
  SRV: ['string', 'number', 'number', 'number', 'string'],
  TLSA: ['string', 'number', 'number', 'number', 'string'],
  CAA: ['string', 'string', 'string'],
};

test('DNSControl: what its interpreter would be told', () => {
  const told: unknown[] = [];
  const record =
    (type: string) =>
    (...words: readonly unknown[]) => {
      assert.deepEqual(
        words.slice(0, -1).map((word) => typeof word),
        ARGUMENTS[type],
      );
      return [type, ...words];
    };
  const language = {
    ...Object.fromEntries(Object.keys(ARGUMENTS).map((type) => [type, record(type)])),
    TTL: (seconds: number) => ({ ttl: seconds }),
    D_EXTEND: (...words: readonly unknown[]) => void told.push(words),
  };
  runInNewContext(dnscontrolText(recordsOf(given)), language);
  const zones = JSON.parse(JSON.stringify(told)) as readonly (readonly [string, ...unknown[]])[];
  assert.deepEqual(
    zones.map(([zone]) => zone),
    ['example.org', 'example.net'],
  );
  const ttl = { ttl: 3600 };
  assert.deepEqual(zones[0]?.slice(1, 7), [
    ['A', 'mail', '192.0.2.25', ttl],
    ['A', 'mail', '192.0.2.26', ttl],
    ['AAAA', 'mail', '2001:db8::25', ttl],
    ['TXT', 'mail', 'v=spf1 a -all', ttl],
    ['TLSA', '_25._tcp.mail', 3, 1, 1, DIGEST, ttl],
    ['CAA', 'mail', 'issue', 'letsencrypt.org', ttl],
  ]);
  assert.deepEqual(zones[1]?.slice(1), [
    ['MX', '@', 10, 'mail.example.org.', ttl],
    ['TXT', '@', 'v=spf1 include:mail.example.org ~all', ttl],
    ['TXT', 'h20261124._domainkey', KEY, ttl],
    ['TXT', '_dmarc', 'v=DMARC1; p=none; np=reject; rua=mailto:postmaster@example.net', ttl],
    ['CNAME', 'imap', 'mail.example.org.', ttl],
    ['SRV', '_submissions._tcp', 0, 1, 465, 'mail.example.org.', ttl],
    ['SRV', '_submission._tcp', 10, 1, 587, 'mail.example.org.', ttl],
    ['SRV', '_imaps._tcp', 0, 1, 993, 'mail.example.org.', ttl],
    ['SRV', '_imap._tcp', 10, 1, 143, 'mail.example.org.', ttl],
    ['SRV', '_pop3s._tcp', 0, 0, 0, '.', ttl],
    ['SRV', '_pop3._tcp', 0, 0, 0, '.', ttl],
  ]);
});

/** Without the reasons. */
const bare = (text: string): string => text.replace(/^# (?!example).*\n/gm, '');

test('octoDNS: a document for each zone, keys in natural order, values of one type together, semicolons with a backslash', () => {
  const [org = '', net = ''] = bare(octodnsText(recordsOf(given))).split(/(?<=\n)(?=---\n)/);
  assert.ok(
    net.startsWith(`---
# example.net.yaml
"":
- ttl: 3600
  type: MX
  value: {"exchange":"mail.example.org.","preference":10}
- ttl: 3600
  type: TXT
  value: "v=spf1 include:mail.example.org ~all"
"_dmarc":
- ttl: 3600
  type: TXT
  value: "v=DMARC1\\\\; p=none\\\\; np=reject\\\\; rua=mailto:postmaster@example.net"
"_imap._tcp":
- ttl: 3600
  type: SRV
  value: {"port":143,"priority":10,"target":"mail.example.org.","weight":1}
`),
    net,
  );
  assert.ok(
    org.includes(`"mail":
- ttl: 3600
  type: A
  values:
  - "192.0.2.25"
  - "192.0.2.26"
- ttl: 3600
  type: AAAA
  value: "2001:db8::25"
- ttl: 3600
  type: TXT
  value: "v=spf1 a -all"
- ttl: 3600
  type: CAA
  value: {"flags":0,"tag":"issue","value":"letsencrypt.org"}
`),
    org,
  );
  assert.ok(
    org.includes(`"_25._tcp.mail":
- ttl: 3600
  type: TLSA
  value: {"certificate_association_data":"${DIGEST}","certificate_usage":3,"matching_type":1,"selector":1}
`),
    org,
  );
});

test('octoDNS: numbers in names are in the order of numbers', () => {
  const publicKey = RSA;
  const dkim = ['h10', 'h9', 'h', 'a', '20', '3', 'h9b'].map((selector) => ({ selector, publicKey, state: 'active' as const }));
  const text = octodnsText(recordsOf(facts({ domains: [{ domain: parseDomain('example.net'), dkim }] }), 'example.net'));
  const keys = [...text.matchAll(/^"([^"]+)\._domainkey":$/gm)].map(([, key]) => key);
  // What stands between numbers is compared as a whole: `h._domainkey` is behind `h`.
  assert.deepEqual(keys, ['3', '20', 'a', 'h9', 'h9b', 'h10', 'h']);
});
