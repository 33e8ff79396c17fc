/** What a TLS policy may say, after postconf(5) and TLS_README. That Postfix sees it the same way is shown beside Postfix. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { parseParams, parsePolicy, parsePolicyDomain, type Policy, POLICIES, unusable } from './tls-policy.ts';

const FINGERPRINT = Array.from({ length: 32 }, (_, n) => n.toString(16).padStart(2, '0')).join(':');

const RIGHT: readonly (readonly [Policy, string, string | null])[] = [
  ['none', '', null],
  ['may', '', null],
  ['may', 'protocols=>=TLSv1 ciphers=medium', 'protocols=>=TLSv1 ciphers=medium'],
  ['encrypt', 'protocols=!SSLv2:!SSLv3:!TLSv1 ciphers=high exclude=AES128:SHA1', 'protocols=!SSLv2:!SSLv3:!TLSv1 ciphers=high exclude=AES128:SHA1'],
  ['encrypt', 'servername=mail.example.net connection_reuse=no', 'servername=mail.example.net connection_reuse=no'],
  ['dane', 'exclude=aNULL', 'exclude=aNULL'],
  ['dane-only', '', null],
  ['fingerprint', `match=${FINGERPRINT}|${FINGERPRINT.toUpperCase()}`, `match=${FINGERPRINT}|${FINGERPRINT.toUpperCase()}`],
  ['verify', 'match=hostname', 'match=hostname'],
  ['secure', 'match=.gmx.example:.gmx.test', 'match=.gmx.example:.gmx.test'],
  ['secure', 'match=nexthop:dot-nexthop match=mail.example.net', 'match=nexthop:dot-nexthop match=mail.example.net'],
];

const WRONG: readonly (readonly [Policy, readonly string[], string])[] = [
  ['none', ['ciphers=high'], 'ciphers=high'],
  ['may', ['match=.example.net'], 'match=.example.net'],
  ['dane', ['match=.example.net'], 'match=.example.net'],
  ['dane-only', ['tafile=/etc/ssl/ca.pem'], 'tafile=/etc/ssl/ca.pem'],
  ['secure', ['match=example'], 'match=example'],
  ['secure', ['match=.gmx.net,.gmx.ch'], 'match=.gmx.net,.gmx.ch'],
  ['secure', ['match='], 'match='],
  ['secure', [`match=${FINGERPRINT}`], 'match=00:01'],
  ['secure', ['match=.a.test match=.b.test'], 'match=.a.test match=.b.test'],
  ['secure', ['match=.a.test\nnone'], 'match=.a.test\\nnone'],
  ['secure', ['match'], '"match"'],
  ['secure', ['__proto__=x'], '__proto__=x'],
  ['fingerprint', [], '"match"'],
  ['fingerprint', ['match=aa:bb'], 'match=aa:bb'],
  ['encrypt', ['protocols=TLSv1.4'], 'protocols=TLSv1.4'],
  ['encrypt', ['ciphers=best'], 'ciphers=best'],
  ['encrypt', ['ciphers=high', 'ciphers=medium'], '"ciphers"'],
  ['encrypt', ['exclude=AES 128'], 'exclude=AES 128'],
  ['encrypt', ['servername=mail_1.example'], 'servername=mail_1.example'],
  ['encrypt', ['connection_reuse=maybe'], 'connection_reuse=maybe'],
  ['secure', Array.from({ length: 20 }, (_, n) => `match=.number-${n}.example`), '255'],
];

const refused =
  (names: string) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof HauspostError && error.exitCode === 3, String(error));
    assert.ok(`${error.message} ${error.remedy}`.includes(names), `${names} in: ${error.message} ${error.remedy}`);
    return true;
  };

test('C12: the eight policies, each with parameters that fit it', () => {
  assert.deepEqual([...new Set(RIGHT.map(([policy]) => policy))].toSorted(), [...POLICIES].toSorted());
  for (const [policy, words, params] of RIGHT) {
    assert.equal(parsePolicy(policy), policy);
    assert.equal(parseParams(policy, words === '' ? [] : words.split(' ')), params);
  }
});

test('C12: parameters that Postfix would not take, or not with this policy, are named', () => {
  for (const [policy, words, names] of WRONG) assert.throws(() => parseParams(policy, words), refused(names), `${policy} ${words.join(' ')}`);
});

test('C12: other policies and what is no domain are named', () => {
  for (const word of ['', 'Secure', 'must', 'dane_only', 'none\n']) assert.throws(() => parsePolicy(word), refused(JSON.stringify(word)));
  for (const domain of ['[192.0.2.1]', '.', '..example.org', '*.example.org', 'example.org:25', '[mail.example.org]'])
    assert.throws(() => parsePolicyDomain(domain), HauspostError, domain);
  assert.deepEqual(['Example.org', '.example.org', 'b\u00fccher.example'].map(parsePolicyDomain), [
    'example.org',
    '.example.org',
    'xn--bcher-kva.example',
  ]);
});

test('D1: of a row that SQL made it is said why the command would refuse it; what it would take, and commas for blanks, is right', () => {
  const judged = (policy: string, params: string | null): string | undefined => unusable({ domain: 'example.org', policy, params });
  for (const [policy, words, params] of RIGHT) {
    assert.equal(judged(policy, params), undefined, `${policy} ${words}`);
    assert.equal(judged(policy, ` ${words.replaceAll(' ', ', ')} `), undefined, `${policy} ${words} with commas`);
  }
  assert.equal(judged('', null), 'policy "" is none that Postfix knows');
  assert.equal(judged('', 'match=.example.net'), 'policy "" is none that Postfix knows');
  assert.match(judged('fingerprint', null) ?? '', /"match" is needed/);
  assert.match(judged('may', 'match=.example.net') ?? '', /has no meaning with policy may/);
});
