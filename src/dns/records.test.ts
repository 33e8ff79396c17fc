import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDomain, parseFqdn } from '#base';
import { recordText } from '#formats';
import type { DnsFacts } from './facts.ts';
import { ED25519, facts, RSA } from './facts.lab.ts';
import { recordsOf } from './records.ts';

/** `NAME TYPE VALUE`, a text as it is. */
const lines = (given: DnsFacts, only?: string): readonly string[] =>
  recordsOf(given, only).records.map((record) =>
    [record.name, record.type, record.type === 'TXT' ? record.data.text : recordText(record, record.name)].join(' '),
  );

const HOST = [
  'mail.example.org A 192.0.2.25',
  'mail.example.org AAAA 2001:db8::25',
  'mail.example.org TXT v=spf1 a -all',
  `_25._tcp.mail.example.org TLSA 3 1 1 ${'ab'.repeat(32)}`,
];

const ofDomain = (domain: string, spf: string): readonly string[] => [
  `${domain} MX 10 mail.example.org.`,
  `${domain} TXT v=spf1 ${spf} ~all`,
  `h20261124._domainkey.${domain} TXT v=DKIM1; k=rsa; p=${RSA}`,
  `_dmarc.${domain} TXT v=DMARC1; p=none; np=reject; rua=mailto:postmaster@${domain}`,
  `_submissions._tcp.${domain} SRV 0 1 465 mail.example.org.`,
  `_submission._tcp.${domain} SRV 10 1 587 mail.example.org.`,
  `_imaps._tcp.${domain} SRV 0 1 993 mail.example.org.`,
  `_imap._tcp.${domain} SRV 10 1 143 mail.example.org.`,
  `_pop3s._tcp.${domain} SRV 0 0 0 .`,
  `_pop3._tcp.${domain} SRV 0 0 0 .`,
];

test('of a server with two domains: exactly these', () => {
  assert.deepEqual(lines(facts()), [
    ...HOST,
    ...ofDomain('example.net', 'include:mail.example.org'),
    ...ofDomain('example.org', 'a:mail.example.org'),
  ]);
});

test('each has its reason, its zone and an hour to live', () => {
  const { records } = recordsOf(facts());
  assert.deepEqual([...new Set(recordsOf(facts({ ttl: 300 })).records.map(({ ttl }) => ttl))], [300]);
  for (const { name, why, ttl, zone } of records) {
    assert.match(why, /^[a-zA-Z]/, name);
    assert.deepEqual([ttl, zone], [3600, name.endsWith('example.net') ? 'example.net' : 'example.org'], name);
  }
});

test('what DMARC asks for is what the operator wrote', () => {
  for (const dmarc of ['quarantine', 'reject'] as const)
    assert.ok(lines(facts({ dmarc })).includes(`_dmarc.example.net TXT v=DMARC1; p=${dmarc}; np=reject; rua=mailto:postmaster@example.net`), dmarc);
});

test('of one domain: its own, with those of the host where its name lies in it', () => {
  assert.deepEqual(lines(facts(), 'example.net'), ofDomain('example.net', 'include:mail.example.org'));
  assert.deepEqual(lines(facts(), 'example.org'), [...HOST, ...ofDomain('example.org', 'a:mail.example.org')]);
  assert.deepEqual(recordsOf(facts(), 'example.net').reverse, []);
});

test('without a domain: those of the host alone', () => {
  assert.deepEqual(lines(facts({ domains: [] })), HOST);
});

test('where no address is known SPF would say that nobody sends, and is left out, saying so; with a relay it is there', () => {
  const none = { v4: [], v6: [] };
  const lost = { reached: none, sending: none };
  assert.deepEqual(
    lines(facts(lost)).filter((line) => line.includes('v=spf1')),
    [],
  );
  assert.deepEqual(
    recordsOf(facts(lost)).leftOut.flatMap(({ what }) => (what.startsWith('SPF') ? [what] : [])),
    ['SPF of mail.example.org', 'SPF of example.net', 'SPF of example.org'],
  );
  for (const more of [{ sending: { v4: ['192.0.2.25'], v6: [] } }, { relay: parseFqdn('relay.example.com') }]) {
    const found = recordsOf(facts({ ...lost, ...more }));
    assert.equal(found.records.filter(({ data }) => 'text' in data && data.text.startsWith('v=spf1')).length, 3);
    assert.ok(found.leftOut.every(({ what }) => !what.startsWith('SPF')));
  }
});

test('a port that nobody listens on is said not to be there', () => {
  const of = lines(facts({ ports: { imaps: 993, submissions: 465 } }), 'example.net').filter((line) => line.includes(' SRV '));
  assert.deepEqual(of, [
    '_submissions._tcp.example.net SRV 0 1 465 mail.example.org.',
    '_submission._tcp.example.net SRV 0 0 0 .',
    '_imaps._tcp.example.net SRV 0 1 993 mail.example.org.',
    '_imap._tcp.example.net SRV 0 0 0 .',
    '_pop3s._tcp.example.net SRV 0 0 0 .',
    '_pop3._tcp.example.net SRV 0 0 0 .',
  ]);
});

test('names that mail programs try: only where the certificate is valid for them, and nobody else has them', () => {
  const certified = ['imap.example.net', 'smtp.example.net', 'smtp.example.org'];
  const of = (given: DnsFacts): readonly string[] => lines(given).filter((line) => line.includes(' CNAME '));
  assert.deepEqual(
    of(facts({ certified })),
    certified.map((name) => `${name} CNAME mail.example.org.`),
  );
  const out = (given: DnsFacts): readonly string[] => recordsOf(given).leftOut.map(({ what }) => what);
  assert.deepEqual(out(facts({ certified })), ['CAA of mail.example.org', 'imap.example.org']);
  const hostname = parseFqdn('imap.example.net');
  assert.deepEqual(
    of(facts({ certified, hostname })),
    ['smtp.example.net', 'smtp.example.org'].map((name) => `${name} CNAME imap.example.net.`),
  );
  const domains = [...facts().domains, { domain: parseDomain('smtp.example.net'), dkim: [] }];
  assert.deepEqual(
    of(facts({ certified, domains })),
    ['imap.example.net', 'smtp.example.org'].map((name) => `${name} CNAME mail.example.org.`),
  );
});

test('DKIM: every key of the domain, each with its reason; of Ed25519 the bare key; without one it says so', () => {
  const dkim = [
    { selector: 'h20261124', publicKey: RSA, state: 'retiring' as const },
    { selector: 'e20261124', publicKey: ED25519, state: 'active' as const },
    { selector: 'h20261128', publicKey: RSA, state: 'pending' as const },
  ];
  const domain = parseDomain('example.net');
  assert.deepEqual(
    lines(facts({ domains: [{ domain, dkim }] })).filter((line) => line.includes('_domainkey')),
    [
      `h20261124._domainkey.example.net TXT v=DKIM1; k=rsa; p=${RSA}`,
      `e20261124._domainkey.example.net TXT v=DKIM1; k=ed25519; p=${Buffer.from(ED25519, 'base64').subarray(12).toString('base64')}`,
      `h20261128._domainkey.example.net TXT v=DKIM1; k=rsa; p=${RSA}`,
    ],
  );
  const reasons = recordsOf(facts({ domains: [{ domain, dkim }] })).records.filter(({ name }) => name.includes('_domainkey'));
  assert.deepEqual(
    reasons.map(({ why }) => why),
    [
      'DKIM: the last key; what it signed is still under way',
      'DKIM: the key by which others verify the signature of what this domain sends',
      'DKIM: the next key; it signs when every server of the zone has shown it for long enough',
    ],
  );
  const without = facts({ domains: [{ domain, dkim: [] }] });
  assert.ok(!lines(without).some((line) => line.includes('_domainkey')));
  assert.ok(recordsOf(without).leftOut.some(({ what, why }) => what === 'DKIM of example.net' && why.includes('hauspost dkim sync')));
});

test('TLSA: the key at hand and the next one; none before there is a certificate', () => {
  const keys = [
    { digest: 'ab'.repeat(32), state: 'current' },
    { digest: 'cd'.repeat(32), state: 'next' },
  ] as const;
  const of = (given: DnsFacts): readonly string[] => lines(given).filter((line) => line.includes(' TLSA '));
  assert.deepEqual(
    of(facts({ keys })),
    ['ab', 'cd'].map((octet) => `_25._tcp.mail.example.org TLSA 3 1 1 ${octet.repeat(32)}`),
  );
  assert.deepEqual(of(facts({ keys: [] })), []);
  assert.equal(recordsOf(facts({ keys: [] })).leftOut[0]?.what, 'TLSA of _25._tcp.mail.example.org');
});

test('CAA: of an authority whose name there is known; otherwise it says why not', () => {
  const signer = { by: 'authority', name: "Let's Encrypt", issue: 'letsencrypt.org' } as const;
  assert.ok(lines(facts({ signer })).includes('mail.example.org CAA 0 issue "letsencrypt.org"'));
  for (const [by, why] of [
    ['own-ca', /own authority/],
    ['unknown', /its documents/],
  ] as const) {
    assert.ok(!lines(facts({ signer: { by } })).some((line) => line.includes(' CAA ')));
    const left = recordsOf(facts({ signer: { by } })).leftOut[0];
    assert.equal(left?.what, 'CAA of mail.example.org');
    assert.match(left?.why ?? '', why);
  }
});

const spf = (given: DnsFacts): readonly string[] =>
  lines(given)
    .filter((line) => line.includes('v=spf1'))
    .map((line) => line.replace(' TXT v=spf1', ''));

test('SPF: further addresses that mail may leave from are named', () => {
  assert.deepEqual(spf(facts({ sending: { v4: ['192.0.2.77'], v6: ['2001:db8::77'] } })), [
    'mail.example.org a ip4:192.0.2.77 ip6:2001:db8::77 -all',
    'example.net include:mail.example.org ~all',
    'example.org a:mail.example.org ip4:192.0.2.77 ip6:2001:db8::77 ~all',
  ]);
});

test('SPF: through a relay nobody is refused', () => {
  assert.deepEqual(spf(facts({ relay: parseFqdn('smtp.example.com') })), [
    'mail.example.org a ?all',
    'example.net include:mail.example.org ?all',
    'example.org a:mail.example.org ?all',
  ]);
});

test('SPF: a domain that is the host itself has one record, and that one is of a domain', () => {
  const domains = [{ domain: parseDomain('mail.example.org'), dkim: [] }];
  assert.deepEqual(spf(facts({ domains })), ['mail.example.org a ~all']);
});

test('zones: the shortest known domain that holds the name; a host elsewhere has its own', () => {
  const domains = ['sub.example.org', 'example.org', 'example.net'].map((domain) => ({ domain: parseDomain(domain), dkim: [] }));
  const zones = (given: DnsFacts): readonly string[] => [...new Set(recordsOf(given).records.map(({ zone }) => zone))];
  assert.deepEqual(zones(facts({ domains })), ['example.org', 'example.net']);
  assert.deepEqual(zones(facts({ domains, hostname: parseFqdn('mx.elsewhere.test'), home: parseDomain('elsewhere.test') })), [
    'elsewhere.test',
    'example.org',
    'example.net',
  ]);
});

test('PTR: of all addresses, those that are only sent from as well', () => {
  const { reverse } = recordsOf(facts({ sending: { v4: ['192.0.2.77'], v6: [] } }));
  assert.deepEqual(
    reverse.map(({ address, name, data }) => [address, name, data.target]),
    [
      ['192.0.2.25', '25.2.0.192.in-addr.arpa', 'mail.example.org'],
      ['2001:db8::25', `5.2.${'0.'.repeat(22)}8.b.d.0.1.0.0.2.ip6.arpa`, 'mail.example.org'],
      ['192.0.2.77', '77.2.0.192.in-addr.arpa', 'mail.example.org'],
    ],
  );
});

test('PTR: none of loopback addresses', () => {
  const given = facts({ reached: { v4: ['127.0.0.1'], v6: ['::1'] } });
  assert.deepEqual([lines(given)[0], recordsOf(given).reverse], ['mail.example.org A 127.0.0.1', []]);
});

test('a name in another script: A-labels throughout', () => {
  const domains = [{ domain: parseDomain('bücher.example'), dkim: [] }];
  const of = lines(facts({ domains }), 'xn--bcher-kva.example');
  assert.ok(of.includes('_dmarc.xn--bcher-kva.example TXT v=DMARC1; p=none; np=reject; rua=mailto:postmaster@xn--bcher-kva.example'), of.join('\n'));
  for (const line of of) assert.match(line, /^[ -~]+$/);
});

test('a domain as long as a name may be: what would stand below it is left out', () => {
  const long = parseDomain(`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`);
  const given = facts({ domains: [{ domain: long, dkim: [{ selector: 'h20261124', publicKey: RSA, state: 'active' }] }] });
  assert.deepEqual(lines(given, long), [`${long} MX 10 mail.example.org.`, `${long} TXT v=spf1 include:mail.example.org ~all`]);
  const out = recordsOf(given, long).leftOut.map(({ what }) => what.replaceAll(long, 'LONG'));
  assert.deepEqual(out, [
    'imap.LONG, smtp.LONG',
    'TXT of h20261124._domainkey.LONG',
    'TXT of _dmarc.LONG',
    ...['_submissions', '_submission', '_imaps', '_imap', '_pop3s', '_pop3'].map((service) => `SRV of ${service}._tcp.LONG`),
  ]);
});
