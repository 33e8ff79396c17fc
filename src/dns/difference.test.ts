import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FoundRecord, parseDig, type RecordData } from '#formats';
import { type Difference, differenceOf, type Rights } from './difference.ts';
import { identityOf } from './ownership.ts';
import type { DnsRecord } from './record.ts';

const ZONE = 'example.net';

const record = (name: string, data: RecordData, ttl = 3600): DnsRecord => ({ name, ttl, zone: ZONE, why: '', ...data });
const mx = (exchange: string): DnsRecord => record(ZONE, { type: 'MX', data: { preference: 10, exchange } });
const txt = (text: string, name = ZONE): DnsRecord => record(name, { type: 'TXT', data: { text } });
const a = (address: string): DnsRecord => record(`mail.${ZONE}`, { type: 'A', data: { address } });

/** Lines as dig prints them. */
const found = (...lines: readonly string[]): readonly FoundRecord[] =>
  parseDig(
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n;; flags: qr aa;\n;; QUESTION SECTION:\n;x. IN A\n\n;; ANSWER SECTION:\n${lines.join('\n')}\n`,
  ).flatMap(({ answer }) => answer);

const rights = (more: Partial<Rights> = {}): Rights => ({ published: new Set(), takeOver: new Set(), spared: () => false, ...more });

const differ = (records: readonly DnsRecord[], there: readonly string[], more: Partial<Rights> = {}, others: readonly string[] = []): Difference => {
  const [first] = records;
  const [at] = found(...there);
  const place = first ?? at;
  assert.ok(place !== undefined);
  return differenceOf({ name: place.name, type: place.type, zone: ZONE, records }, { same: found(...there), others: found(...others) }, rights(more));
};

/** What comes, what goes, what stays, and what stands in the way. */
const brief = ({ add, remove, kept, conflicts, foreign }: Difference): readonly (readonly string[])[] => [
  add.map(({ type, ttl, data }) => `${type} ${ttl} ${Object.values(data).join(' ')}`),
  remove.map(({ type, text }) => `${type} ${text}`),
  kept.map(({ type, data }) => `${type} ${Object.values(data).join(' ')}`),
  conflicts.map(({ type, found: texts }) => `${type} ${texts.join(', ')}`),
  foreign.map(({ text }) => text),
];

test('nothing there: it comes; the same there: it stays', () => {
  assert.deepEqual(brief(differ([mx('mail.example.org')], [])), [['MX 3600 10 mail.example.org'], [], [], [], []]);
  assert.deepEqual(brief(differ([mx('mail.example.org')], ['example.net. 3600 IN MX 10 Mail.Example.ORG.'])), [
    [],
    [],
    ['MX 10 mail.example.org'],
    [],
    [],
  ]);
});

test('the same with another time to live is written anew', () => {
  assert.deepEqual(brief(differ([mx('mail.example.org')], ['example.net. 60 IN MX 10 mail.example.org.'])), [
    ['MX 3600 10 mail.example.org'],
    ['MX 10 mail.example.org.'],
    [],
    [],
    [],
  ]);
});

test("somebody else's stands in the way and nothing changes, until it is named; one that was published earlier is replaced", () => {
  const old = 'example.net. 3600 IN MX 5 mail.old.example.';
  assert.deepEqual(brief(differ([mx('mail.example.org')], [old])), [[], [], [], ['MX 5 mail.old.example.'], []]);
  const replaced = [['MX 3600 10 mail.example.org'], ['MX 5 mail.old.example.'], [], [], []];
  assert.deepEqual(brief(differ([mx('mail.example.org')], [old], { takeOver: new Set(['example.net/MX']) })), replaced);
  const published = new Set(['example.net MX [["exchange","mail.old.example"],["preference",5]]']);
  assert.deepEqual(brief(differ([mx('mail.example.org')], [old], { published })), replaced);
  // Beside ours as well: mail would go to either.
  assert.deepEqual(brief(differ([mx('mail.example.org')], ['example.net. 3600 IN MX 10 mail.example.org.', old])), [
    [],
    [],
    ['MX 10 mail.example.org'],
    ['MX 5 mail.old.example.'],
    [],
  ]);
});

test('of texts only SPF stands in the way of SPF, DMARC of DMARC; beside others ours lives as long as they do', () => {
  const site = 'example.net. 60 IN TXT "site-verification=1"';
  const spf = txt('v=spf1 a ~all');
  assert.deepEqual(brief(differ([spf], [site])), [['TXT 60 v=spf1 a ~all'], [], [], [], ['"site-verification=1"']]);
  assert.deepEqual(brief(differ([spf], [site, 'example.net. 60 IN TXT "V=SPF1 -all"'])), [
    [],
    [],
    [],
    ['TXT "V=SPF1 -all"'],
    ['"site-verification=1"'],
  ]);
  assert.deepEqual(brief(differ([spf], [site, 'example.net. 60 IN TXT "v=spf10 -all"'])).slice(3), [[], ['"site-verification=1"', '"v=spf10 -all"']]);
  assert.deepEqual(brief(differ([spf], [site, 'example.net. 60 IN TXT "v=spf1" " a ~all"'])), [
    [],
    [],
    ['TXT v=spf1 a ~all'],
    [],
    ['"site-verification=1"'],
  ]);
  const dmarc = txt('v=DMARC1; p=none', '_dmarc.example.net');
  assert.deepEqual(brief(differ([dmarc], ['_dmarc.example.net. 60 IN TXT "v=DMARC1;p=reject"']))[3], ['TXT "v=DMARC1;p=reject"']);
  const taken = differ([spf], [site, 'example.net. 60 IN TXT "v=spf1 -all"'], { takeOver: new Set(['example.net/TXT']) });
  assert.deepEqual(brief(taken), [['TXT 60 v=spf1 a ~all'], ['TXT "v=spf1 -all"'], [], [], ['"site-verification=1"']]);
});

test('what stands where a DKIM key of ours does is ours, whatever it says', () => {
  const key = txt('v=DKIM1; k=rsa; p=AAAA', 'h20261128._domainkey.example.net');
  assert.deepEqual(brief(differ([key], ['h20261128._domainkey.example.net. 3600 IN TXT "v=DKIM1; p=BBBB"'])).slice(1), [
    ['TXT "v=DKIM1; p=BBBB"'],
    [],
    [],
    [],
  ]);
});

test('an alias stands in the way of everything, everything in the way of an alias', () => {
  const alias = 'mail.example.net. 60 IN CNAME www.example.net.';
  assert.deepEqual(brief(differ([a('192.0.2.25')], [], {}, [alias])), [[], [], [], ['CNAME www.example.net.'], []]);
  const taken = { takeOver: new Set(['mail.example.net/CNAME']) };
  assert.deepEqual(brief(differ([a('192.0.2.25')], [], taken, [alias])).slice(0, 2), [['A 3600 192.0.2.25'], ['CNAME www.example.net.']]);
  const imap = record('imap.example.net', { type: 'CNAME', data: { target: 'mail.example.org' } });
  const others = ['imap.example.net. 60 IN A 192.0.2.7', 'imap.example.net. 60 IN TXT "x"'];
  assert.deepEqual(brief(differ([imap], [], {}, others))[3], ['A 192.0.2.7', 'TXT "x"']);
  assert.deepEqual(brief(differ([imap], [], { takeOver: new Set(['imap.example.net/A']) }, others))[3], ['TXT "x"'], 'one of two is not enough');
});

test('what was published and is wanted no longer goes, all else stays; unless it is spared', () => {
  const [ours, theirs] = ['mail.example.net. 3600 IN A 192.0.2.25', 'mail.example.net. 3600 IN A 192.0.2.26'];
  const published = new Set([identityOf(a('192.0.2.25'))]);
  assert.deepEqual(brief(differ([], [ours, theirs], { published })), [[], ['A 192.0.2.25'], [], [], ['192.0.2.26']]);
  assert.deepEqual(brief(differ([], [ours], { published, spared: () => true })), [[], [], [], [], []]);
  assert.deepEqual(brief(differ([a('192.0.2.99')], [ours], { published, spared: () => true })).slice(0, 2), [['A 3600 192.0.2.99'], []]);
});

test("somebody else's TLSA and CAA stay beside ours", () => {
  const tlsa = record('_25._tcp.mail.example.net', { type: 'TLSA', data: { usage: 3, selector: 1, matching: 1, digest: 'ab' } });
  const other = '_25._tcp.mail.example.net. 60 IN TLSA 2 1 1 CDEF';
  assert.deepEqual(brief(differ([tlsa], [other])), [['TLSA 60 3 1 1 ab'], [], [], [], ['2 1 1 CDEF']]);
});
