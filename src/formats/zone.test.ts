import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderZone, type ZoneRecord } from './zone.ts';

const HOST = 'mail.example.org';
const txt = (text: string): string => renderZone([{ name: 'x.example.org', ttl: 60, type: 'TXT', data: { text } }]);

test('each type of record, names in full, reasons above', () => {
  const records: readonly ZoneRecord[] = [
    { name: HOST, ttl: 3600, type: 'A', data: { address: '192.0.2.25' }, why: 'where it is' },
    { name: HOST, ttl: 3600, type: 'AAAA', data: { address: '2001:db8::25' } },
    { name: 'imap.example.org', ttl: 60, type: 'CNAME', data: { target: HOST } },
    { name: 'example.org', ttl: 60, type: 'MX', data: { preference: 10, exchange: HOST } },
    { name: '_pop3._tcp.example.org', ttl: 60, type: 'SRV', data: { priority: 0, weight: 0, port: 0, target: '.' } },
    { name: `_25._tcp.${HOST}`, ttl: 60, type: 'TLSA', data: { usage: 3, selector: 1, matching: 1, digest: 'ab01' } },
    { name: HOST, ttl: 60, type: 'CAA', data: { flags: 0, tag: 'issue', value: 'letsencrypt.org' } },
    { name: '25.2.0.192.in-addr.arpa', ttl: 60, type: 'PTR', data: { target: HOST } },
  ];
  assert.equal(
    renderZone(records),
    `; where it is
mail.example.org. 3600 IN A 192.0.2.25
mail.example.org. 3600 IN AAAA 2001:db8::25
imap.example.org. 60 IN CNAME mail.example.org.
example.org. 60 IN MX 10 mail.example.org.
_pop3._tcp.example.org. 60 IN SRV 0 0 0 .
_25._tcp.mail.example.org. 60 IN TLSA 3 1 1 ab01
mail.example.org. 60 IN CAA 0 issue "letsencrypt.org"
25.2.0.192.in-addr.arpa. 60 IN PTR mail.example.org.
`,
  );
});

test('texts: quotes and backslashes, octets that are not printable, strings of 255 octets', () => {
  assert.equal(txt(''), 'x.example.org. 60 IN TXT ""\n');
  assert.equal(txt('v=DMARC1; p=none'), 'x.example.org. 60 IN TXT "v=DMARC1; p=none"\n');
  assert.equal(txt('a "b" \\c'), 'x.example.org. 60 IN TXT "a \\"b\\" \\\\c"\n');
  assert.equal(txt('\té\n'), 'x.example.org. 60 IN TXT "\\009\\195\\169\\010"\n');
  assert.equal(txt('x'.repeat(255)), `x.example.org. 60 IN TXT "${'x'.repeat(255)}"\n`);
  assert.equal(txt('x'.repeat(256)), `x.example.org. 60 IN TXT "${'x'.repeat(255)}" "x"\n`);
  assert.equal(txt(`${'x'.repeat(254)}é`), `x.example.org. 60 IN TXT "${'x'.repeat(254)}\\195" "\\169"\n`);
});

test('a reason of several lines stays a comment', () => {
  const why = 'one\ntwo; $ORIGIN evil.\r$INCLUDE /etc/shadow';
  const text = renderZone([{ name: 'x.example.org', ttl: 60, type: 'A', data: { address: '192.0.2.1' }, why }]);
  assert.equal(text, '; one\n; two; $ORIGIN evil.\n; $INCLUDE /etc/shadow\nx.example.org. 60 IN A 192.0.2.1\n');
});

test('what no record holds is refused, and a name that is none is a defect', () => {
  assert.throws(() => txt('a\0b'), {
    code: 'format.cannot-hold',
    message: 'the value of TXT of x.example.org holds a NUL character, which a zone file cannot hold there',
  });
  assert.throws(() => txt('x'.repeat(4001)), { code: 'format.cannot-hold', message: /4001 octets \(at most 4000 fit\)/ });
  assert.throws(() => txt('\ud800'), { code: 'format.cannot-hold' });
  for (const name of ['', 'a..b', 'a b.test', 'a;b.test', 'a.test.', '"a".test', `${'a'.repeat(64)}.test`, `${'a.'.repeat(125)}test`])
    assert.throws(() => renderZone([{ name, ttl: 60, type: 'A', data: { address: '192.0.2.1' } }]), { code: 'bug' }, name);
});
