import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDig } from './dig.ts';

/** Printed by dig 9.18.49, of Knot 3.2.6: an answer, a denial, a refusal, nobody there, and one that came by TCP. */
const PRINTED = `;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 58243
;; flags: qr aa; QUERY: 1, ANSWER: 3, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;zone.test.			IN	TXT

;; ANSWER SECTION:
zone.test.		60	IN	TXT	""
zone.test.		60	IN	TXT	"with \\"quotes\\" and \\\\ back" "second;semi" "\\001\\195\\169"
zone.test.		60	IN	TXT	"v=spf1 a:mail.zone.test ~all"

;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 5347
;; flags: qr rd ra ad; QUERY: 1, ANSWER: 0, AUTHORITY: 1, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;nx.zone.test.			IN	A

;; AUTHORITY SECTION:
zone.test.		0	IN	SOA	ns.zone.test. hostmaster.zone.test. 7 3600 600 86400 0

;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: REFUSED, id: 61529
;; flags: qr; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
; EDE: 20 (Not Authoritative)
;; QUESTION SECTION:
;other.				IN	A

;; communications error to 127.0.0.60#53: connection refused
;; communications error to 127.0.0.60#53: connection refused
;; no servers could be reached
;; Truncated, retrying in TCP mode.
;; Got answer:
;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 5892
;; flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1

;; OPT PSEUDOSECTION:
; EDNS: version: 0, flags:; udp: 1232
;; QUESTION SECTION:
;_25._tcp.mail.zone.test.	IN	TLSA

;; ANSWER SECTION:
_25._tcp.Mail.zone.test. 3600	IN	TLSA	3 1 1 ABABABABABABABABABABABABABABABABABABABABABABABABABABABAB ABABABAB
_25._tcp.mail.zone.test. 3600	IN	TYPE65280	\\# 2 ABCD

`;

test('replies, one after the other; of a question that nobody answered there is none', () => {
  const [text, denied, refused, tlsa, ...more] = parseDig(PRINTED);
  assert.deepEqual(more, []);
  assert.ok(text !== undefined && denied !== undefined && refused !== undefined && tlsa !== undefined);
  assert.deepEqual(text.question, { name: 'zone.test', type: 'TXT' });
  assert.deepEqual([text.status, [...text.flags]], ['NOERROR', ['qr', 'aa']]);
  assert.deepEqual(
    text.answer.map(({ read }) => read?.type === 'TXT' && read.data.text),
    ['', 'with "quotes" and \\ backsecond;semi\u0001é', 'v=spf1 a:mail.zone.test ~all'],
  );
  assert.deepEqual([denied.status, [...denied.flags], denied.answer.length], ['NXDOMAIN', ['qr', 'rd', 'ra', 'ad'], 0]);
  const soa = { name: 'zone.test', ttl: 0, type: 'SOA', text: 'ns.zone.test. hostmaster.zone.test. 7 3600 600 86400 0', read: undefined };
  assert.deepEqual(denied.authority, [soa]);
  assert.deepEqual([refused.question, refused.status, refused.flags.has('aa')], [{ name: 'other', type: 'A' }, 'REFUSED', false]);
  assert.deepEqual(
    tlsa.answer.map(({ name, ttl, type, read }) => [name, ttl, type, read]),
    [
      ['_25._tcp.mail.zone.test', 3600, 'TLSA', { type: 'TLSA', data: { usage: 3, selector: 1, matching: 1, digest: 'ab'.repeat(32) } }],
      ['_25._tcp.mail.zone.test', 3600, 'TYPE65280', undefined],
    ],
  );
});

test('no output, no replies', () => {
  assert.deepEqual(parseDig(';; communications error to 192.0.2.1#53: timed out\n;; no servers could be reached\n'), []);
});
