import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { parseNsupdate, renderNsupdate, type ZoneChange } from './nsupdate.ts';

const CHANGE: ZoneChange = {
  zone: 'example.org',
  prerequisites: [
    { is: 'exactly', name: 'example.org', type: 'TXT', values: ['"v=spf1 -all"', '"a;b\\"c"'] },
    { is: 'absent', name: '_dmarc.example.org', type: 'TXT' },
    { is: 'unused', name: 'imap.example.org' },
  ],
  remove: [{ name: 'example.org', type: 'TXT', value: '"v=spf1 -all"' }],
  add: [{ name: 'imap.example.org', type: 'CNAME', value: 'mail.example.org.', ttl: 300 }],
};

test('a change: conditions, what goes, what comes, and the reply', () => {
  assert.equal(
    renderNsupdate({ address: '2001:db8::53', port: 53 }, CHANGE),
    `server 2001:db8::53 53
zone example.org.
prereq yxrrset example.org. IN TXT "v=spf1 -all"
prereq yxrrset example.org. IN TXT "a;b\\"c"
prereq nxrrset _dmarc.example.org. IN TXT
prereq nxdomain imap.example.org.
update delete example.org. IN TXT "v=spf1 -all"
update add imap.example.org. 300 IN CNAME mail.example.org.
send
answer
`,
  );
});

test('nothing ends its line', () => {
  const refused = (change: Partial<ZoneChange>): void =>
    assert.throws(
      () => renderNsupdate({ address: '192.0.2.53', port: 53 }, { ...CHANGE, ...change }),
      (error) => error instanceof HauspostError && error.blame === 'bug',
    );
  refused({ add: [{ name: 'example.org', type: 'TXT', value: '"a"\nsend', ttl: 60 }] });
  refused({ add: [{ name: 'example.org', type: 'TXT\nsend', value: '"a"', ttl: 60 }] });
  refused({ remove: [{ name: 'example.org\nsend', type: 'TXT', value: '"a"' }] });
  refused({ remove: [{ name: 'example.org', type: 'TXT', value: '' }] });
});

const reply = (status: string, tsig: string): string => `Answer:
;; ->>HEADER<<- opcode: UPDATE, status: ${status}, id:  29605
;; flags: qr; ZONE: 1, PREREQ: 0, UPDATE: 0, ADDITIONAL: 1
;; ZONE SECTION:
;a.example.\t\t\tIN\tSOA

;; TSIG PSEUDOSECTION:
lab.\t\t\t0\tANY\tTSIG\thmac-sha256. 1795901162 300 ${tsig}

`;

test('what the server says of the change, and of its signature', () => {
  assert.deepEqual(parseNsupdate(reply('NOERROR', '32 MJXBMhjqAkw3ZYlr0aRiG+4S74iAmGqufJk6giYzA6Q= 896 NOERROR 0 ')), {
    status: 'NOERROR',
    tsig: undefined,
  });
  assert.deepEqual(parseNsupdate(reply('NOTAUTH', '0 29605 BADSIG 0 ')), { status: 'NOTAUTH', tsig: 'BADSIG' });
  assert.deepEqual(parseNsupdate(reply('NOTAUTH', '32 MJXBMhjqAkw3ZYlr0aRiG+4S74iAmGqufJk6giYzA6Q= 896 BADTIME 6 AAAAbA== ')), {
    status: 'NOTAUTH',
    tsig: 'BADTIME',
  });
  assert.deepEqual(parseNsupdate('Answer:\n;; ->>HEADER<<- opcode: UPDATE, status: REFUSED, id: 1\n'), { status: 'REFUSED', tsig: undefined });
  assert.equal(parseNsupdate(''), undefined);
});
