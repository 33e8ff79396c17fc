import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDig } from './dig.ts';
import { questionMessage, replyMessage } from './dns-message.ts';
import type { Reply } from './reply.ts';

const ID = 0x1234;

/** What Knot 3.4.6 and Unbound 1.26.2 of Debian 13 said, and what dig 9.20.30 prints of the same answers (without EDNS and blank lines). */
const SAID: readonly (readonly [string, string])[] = [
  // A zone.test SOA +dnssec
  [
    '123484000001000200000001047a6f6e6504746573740000060001c00c000600010000003c0027026e73c00c0b686f73742e6d6173746572c00c0000000800000e1000000258000151800000001ec00c002e00010000003c005d00060d020000003c6b1f98576b0d0e3fc162047a6f6e65047465737400f20e13b5de8906231b8d32779f999ab35f24585522733e2129f07933dc965d90ae6a565c06a4bdfb32f7e7bf6b08a7f51edcc81acfa61c81949d13c2006a601100002904d0000080000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 51786
;; flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;zone.test.			IN	SOA
;; ANSWER SECTION:
zone.test.		60	IN	SOA	ns.zone.test. host\\.master.zone.test. 8 3600 600 86400 30
zone.test.		60	IN	RRSIG	SOA 13 2 60 20261214071847 20261130054847 49506 zone.test. 8g4Ttd6JBiMbjTJ3n5mas18kWFUicz4hKfB5M9yWXZCualZcBqS9+zL3 579rCKf1HtzIGs+mHIGUnRPCAGpgEQ==
`,
  ],
  // A zone.test TXT
  [
    '123484000001000200000001047a6f6e6504746573740000100001c00c001000010000003c000100c00c001000010000003c002a1877697468202271756f7465732220616e64205c206261636b0b7365636f6e643b73656d690401c3a9ff00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 60139
;; flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;zone.test.			IN	TXT
;; ANSWER SECTION:
zone.test.		60	IN	TXT	""
zone.test.		60	IN	TXT	"with \\"quotes\\" and \\\\ back" "second;semi" "\\001\\195\\169\\255"
`,
  ],
  // A zone.test MX
  [
    '123484000001000400000001047a6f6e65047465737400000f0001c00c000f00010000003c0003000000c00c000f00010000003c0009000a046d61696cc00cc00c000f00010000003c000d0014086d61696c2e6f6464c00cc00c000f00010000003c000b001e0661ff5c3b2062c00c00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 37547
;; flags: qr aa; QUERY: 1, ANSWER: 4, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;zone.test.			IN	MX
;; ANSWER SECTION:
zone.test.		60	IN	MX	0 .
zone.test.		60	IN	MX	10 mail.zone.test.
zone.test.		60	IN	MX	20 mail\\.odd.zone.test.
zone.test.		60	IN	MX	30 a\\255\\\\\\;\\032b.zone.test.
`,
  ],
  // A zone.test CAA
  [
    '123484000001000100000001047a6f6e6504746573740001010001c00c010100010000003c00168005697373756563612e746573743b20783d22c3a92200002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 11766
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;zone.test.			IN	CAA
;; ANSWER SECTION:
zone.test.		60	IN	CAA	128 issue "ca.test; x=\\"\\195\\169\\""
`,
  ],
  // A zone.test DNSKEY
  [
    '123484000001000200000001047a6f6e6504746573740000300001c00c003000010000003c00440100030d994f575c38add4488b8073904e88ff7376740b90f2043cffd35aa1178d049a638168ce52792288b2faec87d328a7d5491776ebd8fcf6e61ff4b90859350a3afec00c003000010000003c00440101030d0ddefbbd82908b425ae1e465a8b74b4f478813dc417a5f063b8c89aeaecefafdfe76b1dc83a680253c27673369c6e5377f33f3f737f48f7fba986dcb70f1be2000002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 34572
;; flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;zone.test.			IN	DNSKEY
;; ANSWER SECTION:
zone.test.		60	IN	DNSKEY	256 3 13 mU9XXDit1EiLgHOQToj/c3Z0C5DyBDz/01qhF40EmmOBaM5SeSKIsvrs h9Mop9VJF3br2Pz25h/0uQhZNQo6/g==
zone.test.		60	IN	DNSKEY	257 3 13 Dd77vYKQi0Ja4eRlqLdLT0eIE9xBel8GO4yJrq7O+v3+drHcg6aAJTwn ZzNpxuU3fzPz9zf0j3+6mG3LcPG+IA==
`,
  ],
  // A _25._tcp.zone.test TLSA
  [
    '123484000001000100000001035f3235045f746370047a6f6e6504746573740000340001c00c003400010000003c0043030102abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 14912
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;_25._tcp.zone.test.		IN	TLSA
;; ANSWER SECTION:
_25._tcp.zone.test.	60	IN	TLSA	3 1 2 ABABABABABABABABABABABABABABABABABABABABABABABABABABABAB ABABABABABABABABABABABABABABABABABABABABABABABABABABABAB ABABABABABABABAB
`,
  ],
  // A _imaps._tcp.zone.test SRV
  [
    '123484000001000100000001065f696d617073045f746370047a6f6e6504746573740000210001c00c002100010000003c00160000000103e1046d61696c047a6f6e6504746573740000002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 45779
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;_imaps._tcp.zone.test.		IN	SRV
;; ANSWER SECTION:
_imaps._tcp.zone.test.	60	IN	SRV	0 1 993 mail.zone.test.
`,
  ],
  // A imap.zone.test A
  [
    '12348400000100010001000104696d6170047a6f6e6504746573740000010001c00c000500010000003c0002c011c011000600010000001e0027026e73c0110b686f73742e6d6173746572c0110000000800000e1000000258000151800000001e00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 11204
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 1, ADDITIONAL: 1
;; QUESTION SECTION:
;imap.zone.test.			IN	A
;; ANSWER SECTION:
imap.zone.test.		60	IN	CNAME	zone.test.
;; AUTHORITY SECTION:
zone.test.		30	IN	SOA	ns.zone.test. host\\.master.zone.test. 8 3600 600 86400 30
`,
  ],
  // A below.zone.test NS
  [
    '1234800000010000000100020562656c6f77047a6f6e6504746573740000020001c00c000200010000003c0005026e73c00cc02d000100010000003c00047f00000900002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 61276
;; flags: qr; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 2
;; QUESTION SECTION:
;below.zone.test.		IN	NS
;; AUTHORITY SECTION:
below.zone.test.	60	IN	NS	ns.below.zone.test.
;; ADDITIONAL SECTION:
ns.below.zone.test.	60	IN	A	127.0.0.9
`,
  ],
  // A below.zone.test DS
  [
    '1234840000010001000000010562656c6f77047a6f6e65047465737400002b0001c00c002b00010000003c002430390d02cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 42455
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;below.zone.test.		IN	DS
;; ANSWER SECTION:
below.zone.test.	60	IN	DS	12345 13 2 CDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCD CDCDCDCD
`,
  ],
  // A ns.zone.test AAAA
  [
    '123484000001000100000001026e73047a6f6e65047465737400001c0001c00c001c00010000003c001020010db800000000000100000000000000002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 50895
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;ns.zone.test.			IN	AAAA
;; ANSWER SECTION:
ns.zone.test.		60	IN	AAAA	2001:db8:0:0:1::
`,
  ],
  // A x.wild.zone.test A
  [
    '12348400000100010000000101780477696c64047a6f6e6504746573740000010001c00c000100010000003c0004c000020100002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 24272
;; flags: qr aa; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;x.wild.zone.test.		IN	A
;; ANSWER SECTION:
x.wild.zone.test.	60	IN	A	192.0.2.1
`,
  ],
  // A other.test A
  [
    '123480050001000000000001056f746865720474657374000001000100002904d0000000000006000f00020014',
    `;; ->>HEADER<<- opcode: QUERY, status: REFUSED, id: 29980
;; flags: qr; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;other.test.			IN	A
`,
  ],
  // R zone.test SOA
  [
    '123481a00001000100000001047a6f6e6504746573740000060001c00c000600010000003a0027026e73c00c0b686f73742e6d6173746572c00c0000000800000e1000000258000151800000001e00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 5385
;; flags: qr rd ra ad; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;zone.test.			IN	SOA
;; ANSWER SECTION:
zone.test.		58	IN	SOA	ns.zone.test. host\\.master.zone.test. 8 3600 600 86400 30
`,
  ],
  // R nx.zone.test A
  [
    '123481a30001000000010001026e78047a6f6e6504746573740000010001c00f000600010000001c0027026e73c00f0b686f73742e6d6173746572c00f0000000800000e1000000258000151800000001e00002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 26141
;; flags: qr rd ra ad; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1
;; QUESTION SECTION:
;nx.zone.test.			IN	A
;; AUTHORITY SECTION:
zone.test.		28	IN	SOA	ns.zone.test. host\\.master.zone.test. 8 3600 600 86400 30
`,
  ],
  // R . NS
  [
    '123481820001000000000001000002000100002904d0000000000000',
    `;; ->>HEADER<<- opcode: QUERY, status: SERVFAIL, id: 30584
;; flags: qr rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1
;; QUESTION SECTION:
;.				IN	NS
`,
  ],
];

const told = (hex: string, name: string, type: string): Reply | 'cut' | undefined => replyMessage(Buffer.from(hex, 'hex'), { id: ID, name, type });

const asked = (printed: string): Reply => {
  const [reply] = parseDig(printed);
  assert.ok(reply !== undefined);
  return reply;
};

test('replies are read as dig prints them', () => {
  for (const [hex, printed] of SAID) {
    const expected = asked(printed);
    assert.deepEqual(told(hex, expected.question.name, expected.question.type), expected);
  }
});

const NOTHING_MORE = '00002904d0000000000000';

test('what nobody asks for stands as octets, or is left out', () => {
  const type65280 = `123484000001000100000001047a6f6e65047465737400ff000001c00cff0000010000003c0002abcd${NOTHING_MORE}`;
  const reply = told(type65280, 'zone.test', 'UNKNOWN_65280');
  assert.ok(typeof reply === 'object');
  assert.deepEqual(reply.answer, [{ name: 'zone.test', ttl: 60, type: 'TYPE65280', text: '\\# 2 ABCD', read: undefined }]);
  // `nx.zone.test. IN A`, denied by NSEC, the record before last.
  const head = '123484030001000000030001026e78047a6f6e6504746573740000010001';
  const soa = 'c00f000600010000001e0027026e73c00f0b686f73742e6d6173746572c00f0000000800000e1000000258000151800000001e';
  const nsec = '026e73c00f002f00010000001e001a012a0477696c64047a6f6e650474657374000006400000080003';
  const without = told(`${head}${soa}${nsec}c00c000100010000001e0004c0000201${NOTHING_MORE}`, 'nx.zone.test', 'A');
  assert.ok(typeof without === 'object');
  assert.deepEqual(
    without.authority.map(({ name, type }) => `${name} ${type}`),
    ['zone.test SOA', 'nx.zone.test A'],
  );
});

test('a message that is cut off anywhere is none', () => {
  for (const [hex, printed] of SAID) {
    const { question } = asked(printed);
    const whole = Buffer.from(hex, 'hex');
    for (let length = 0; length < whole.length; length += 1) {
      const part = replyMessage(whole.subarray(0, length), { id: ID, ...question });
      assert.equal(part, undefined, `${question.name} ${question.type}: ${length} of ${whole.length} octets`);
    }
  }
  // The same without EDNS, so that a digest is the last that there is.
  const digest = '1234840000010001000000000562656c6f77047a6f6e65047465737400002b0001c00c002b00010000003c002430390d02'.concat('cd'.repeat(32));
  assert.ok(typeof told(digest, 'below.zone.test', 'DS') === 'object');
  assert.equal(told(digest.slice(0, -2), 'below.zone.test', 'DS'), undefined);
});

test('names that lead nowhere, or in a circle, are none', () => {
  const answered = (name: string): unknown => told(`12348400000100010000000001610000010001${name}000100010000003c0004c0000201`, 'a', 'A');
  assert.equal(typeof answered('c00c'), 'object');
  for (const name of ['c013', 'c014', 'c0ff', '41', '0362', '8001']) assert.equal(answered(name), undefined, name);
});

test('a reply is to the question that was put, and to no other', () => {
  const hex = '123484000001000100000000024d580000010001c00c000100010000003c0004c0000201';
  assert.ok(typeof told(hex, 'mx', 'A') === 'object');
  for (const [id, name, type] of [
    [0x1235, 'mx', 'A'],
    [ID, 'mx.', 'A'],
    [ID, 'mx.mx', 'A'],
    [ID, 'mx', 'AAAA'],
  ] as const)
    assert.equal(replyMessage(Buffer.from(hex, 'hex'), { id, name, type }), undefined, `${id} ${name} ${type}`);
  const [question, twoQuestions, chaos] = [
    hex.replace('8400', '0400'),
    hex.replace('00010001', '00020000'),
    hex.replace('00010001c00c', '00010003c00c'),
  ];
  for (const wrong of [question, twoQuestions, chaos]) assert.equal(told(wrong, 'mx', 'A'), undefined, wrong);
});

test('one that did not fit says so; a server that cannot read a question may leave it out', () => {
  assert.equal(told('123486000001000000000000026d780000010001', 'mx', 'A'), 'cut');
  assert.equal(told('123586000001000000000000026d780000010001', 'mx', 'A'), undefined);
  const unread = told('123480010000000000000000', 'mx', 'A');
  assert.ok(typeof unread === 'object');
  assert.deepEqual([unread.question, unread.status], [{ name: 'mx', type: 'A' }, 'FORMERR']);
  assert.equal(told('123480000000000000000000', 'mx', 'A'), undefined);
});

test('questions are those of dig: AD always, RD to a resolver, CD and DO where asked for, EDNS with 1232 octets', () => {
  const plain = { id: ID, name: 'zone.test', type: 'SOA', recursive: false, checkingDisabled: false, signatures: false, edns: true };
  const hex = (more: Partial<typeof plain>): string => questionMessage({ ...plain, ...more }).toString('hex');
  const question = '047a6f6e6504746573740000060001';
  assert.equal(hex({}), `123400200001000000000001${question}00002904d0000000000000`);
  assert.equal(hex({ recursive: true }), `123401200001000000000001${question}00002904d0000000000000`);
  assert.equal(hex({ recursive: true, checkingDisabled: true, signatures: true }), `123401300001000000000001${question}00002904d0000080000000`);
  assert.equal(hex({ edns: false }), `123400200001000000000000${question}`);
  assert.equal(hex({ name: '.', type: 'NS' }), '123400200001000000000001000002000100002904d0000000000000');
});
