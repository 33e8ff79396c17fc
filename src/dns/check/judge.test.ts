import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFqdn } from '#base';
import type { RecordData } from '#formats';
import { facts, RSA } from '../facts.lab.ts';
import type { DnsFacts } from '../facts.ts';
import { recordsOf } from '../records.ts';
import type { Evaluated } from './check-host.ts';
import { type Expectation, expectationsOf, type Kind, plainNames } from './expectation.ts';
import { judge, type Standing } from './judge.ts';

const HOST = 'mail.example.org';
const txt = (text: string): RecordData => ({ type: 'TXT', data: { text } });
const mx = (preference: number, exchange: string): RecordData => ({ type: 'MX', data: { preference, exchange } });
const a = (address: string): RecordData => ({ type: address.includes(':') ? 'AAAA' : 'A', data: { address } });
const cname = (target: string): RecordData => ({ type: 'CNAME', data: { target } });
const tlsa = (digest: string, usage = 3): RecordData => ({ type: 'TLSA', data: { usage, selector: 1, matching: 1, digest } });
const caa = (value: string, tag = 'issue'): RecordData => ({ type: 'CAA', data: { flags: 0, tag, value } });
const srv = (priority: number, port: number, target: string): RecordData => ({ type: 'SRV', data: { priority, weight: 1, port, target } });

const expected = (given: DnsFacts): readonly Expectation[] => expectationsOf(given, recordsOf(given));

const found = (given: DnsFacts, kind: Kind, name: string, type: RecordData['type']): Expectation => {
  const one = expected(given).find((each) => each.kind === kind && each.name === name && each.type === type);
  assert.ok(one !== undefined, `${kind} ${name}`);
  return one;
};

type Row = readonly [state: string, found: readonly RecordData[], more?: Partial<Standing>];

const states = (given: DnsFacts, kind: Kind, name: string, type: RecordData['type'], rows: readonly Row[]): void => {
  const expectation = found(given, kind, name, type);
  const ours = { ...given, plain: plainNames(expected(given)) };
  for (const [state, there, more] of rows)
    assert.equal(judge(expectation, { found: there, alias: undefined, ...more }, ours).state, state, JSON.stringify(there));
};

const LETS_ENCRYPT = facts({ signer: { by: 'authority', name: "Let's Encrypt", issue: 'letsencrypt.org' }, certified: ['imap.example.org'] });

test('what is expected: each record, no address of a family that is not reached, each name of an address', () => {
  const names = expected(facts({ reached: { v4: ['192.0.2.25'], v6: [] } })).map(
    ({ kind, name, type, wanted }) => `${kind} ${type} ${name} ${wanted.length}`,
  );
  assert.ok(names.includes('address A mail.example.org 1') && names.includes('address AAAA mail.example.org 0'), names.join('\n'));
  assert.ok(names.includes('ptr PTR 25.2.0.192.in-addr.arpa 1') && names.includes('client CNAME imap.example.net 0'), names.join('\n'));
  const none = expected(facts({ reached: { v4: [], v6: [] } }));
  assert.deepEqual(
    none.filter(({ kind }) => kind === 'address'),
    [],
    'nobody knows any',
  );
});

test('addresses', () => {
  states(facts(), 'address', HOST, 'A', [
    ['right', [a('192.0.2.25')]],
    ['missing', []],
    ['wrong', [a('192.0.2.26')]],
    ['in-the-way', [a('192.0.2.26'), a('192.0.2.25')]],
    ['alias', [a('192.0.2.25')], { alias: 'other.example' }],
  ]);
  states(facts(), 'address', HOST, 'AAAA', [
    ['right', [a('2001:DB8:0:0::25')]],
    ['wrong', [a('2001:db8::26')]],
  ]);
  states(facts({ reached: { v4: ['192.0.2.25'], v6: [] } }), 'address', HOST, 'AAAA', [
    ['right', []],
    ['in-the-way', [a('2001:db8::25')]],
  ]);
});

test('MX: a backup behind ours is fine, whatever is nearer is not', () => {
  states(facts(), 'mx', 'example.net', 'MX', [
    ['right', [mx(10, HOST)]],
    ['right', [mx(10, HOST), mx(20, 'backup.example')]],
    ['differs', [mx(0, HOST)]],
    ['missing', []],
    ['wrong', [mx(10, 'other.example')]],
    ['wrong', [mx(0, '.')]],
    ['in-the-way', [mx(10, HOST), mx(10, 'other.example')]],
    ['in-the-way', [mx(10, HOST), mx(5, 'other.example')]],
    ['alias', [mx(10, HOST)], { alias: 'other.example' }],
  ]);
});

test('SPF: whatever lets this server send by its text, and not everybody; of the rest the text alone does not say it', () => {
  states(facts(), 'spf', 'example.org', 'TXT', [
    ['right', [txt('v=spf1 a:mail.example.org ~all'), txt('site-verification=1')]],
    ['right', [txt('V=SPF1  A:mail.example.org ~ALL')]],
    ['differs', [txt('v=spf1 a:mail.example.org include:shop.example -all')]],
    ['differs', [txt('v=spf1 mx -all')]],
    ['differs', [txt('v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all')]],
    ['missing', []],
    ['missing', [txt('v=spf10 a:mail.example.org'), txt('site-verification=1')]],
    ['unevaluated', [txt('v=spf1 -all')]],
    ['unevaluated', [txt('v=spf1 -all a:mail.example.org')]],
    ['unevaluated', [txt('v=spf1 ip4:192.0.2.25 -all')]],
    ['unevaluated', [txt('v=spf1 -a:mail.example.org ~all')]],
    ['unevaluated', [txt('v=spf1 redirect=_spf.central.example')]],
    ['wrong', [txt('v=spf1 redirect=_spf.central.example +all')]],
    ['wrong', [txt('v=spf1 a:mail.example.org +all')]],
    ['unevaluated', [txt('v=spf1 ip4:192.0.2.0/240 ip6:nonsense -all')]],
    ['in-the-way', [txt('v=spf1 a:mail.example.org ~all'), txt('v=spf1 mx -all')]],
  ]);
  states(facts(), 'spf', 'example.net', 'TXT', [
    ['right', [txt('v=spf1 include:mail.example.org ~all')]],
    ['unevaluated', [txt('v=spf1 a ~all')]],
  ]);
  states(facts(), 'spf', HOST, 'TXT', [
    ['right', [txt('v=spf1 a -all')]],
    ['differs', [txt('v=spf1 a ~all')]],
  ]);
  states(facts({ sending: { v4: ['192.0.2.99'], v6: [] } }), 'spf', 'example.org', 'TXT', [
    ['right', [txt('v=spf1 a:mail.example.org ip4:192.0.2.99 ~all')]],
    ['unevaluated', [txt('v=spf1 a:mail.example.org ~all')]],
  ]);
});

test('SPF where a relay sends: whatever lets somebody send', () => {
  states(facts({ relay: parseFqdn('smtp.relay.example') }), 'spf', 'example.org', 'TXT', [
    ['right', [txt('v=spf1 a:mail.example.org ?all')]],
    ['differs', [txt('v=spf1 include:relay.example -all')]],
    ['differs', [txt('v=spf1 redirect=relay.example')]],
    ['unevaluated', [txt('v=spf1 -all')]],
    ['unevaluated', [txt('v=spf1 -include:relay.example ~all')]],
    ['wrong', [txt('v=spf1 include:relay.example +all')]],
  ]);
  states(facts(), 'spf', 'example.org', 'TXT', [['unevaluated', [txt('v=spf1 include:relay.example -all')]]]);
});

test('SPF that was evaluated: it lets each address send, or not one of them, or that is not known', () => {
  const of = (address: string, result: Evaluated['result']): Evaluated => ({ address, result, why: '' });
  const v4 = (result: Evaluated['result']): Evaluated => of('192.0.2.25', result);
  const v6 = (result: Evaluated['result']): Evaluated => of('2001:db8::25', result);
  const central = [txt('v=spf1 redirect=_spf.central.example')];
  states(facts(), 'spf', 'example.org', 'TXT', [
    ['differs', central, { evaluated: [v4('pass'), v6('pass')] }],
    ['wrong', central, { evaluated: [v4('fail'), v6('fail')] }],
    ['wrong', central, { evaluated: [v4('pass'), v6('softfail')] }],
    ['wrong', central, { evaluated: [v4('neutral'), v6('unknown')] }],
    ['wrong', central, { evaluated: [v4('permerror'), v6('permerror')] }],
    ['unevaluated', central, { evaluated: [v4('pass'), v6('unknown')] }],
  ]);
  const [expectation, ours] = [found(facts(), 'spf', 'example.org', 'TXT'), { ...facts(), plain: new Set<string>() }];
  const verdict = judge(expectation, { found: central, alias: undefined, evaluated: [v4('pass'), v6('softfail')] }, ours);
  assert.deepEqual(verdict, { state: 'wrong', expected: expectation.wanted, found: central, evaluated: [v6('softfail')] });
});

test('DKIM: the key counts, not how the record is written', () => {
  states(facts(), 'dkim', 'h20261124._domainkey.example.net', 'TXT', [
    ['right', [txt(`v=DKIM1; k=rsa; p=${RSA}`)]],
    ['right', [txt(`p=${RSA.slice(0, 100)} ${RSA.slice(100)}`)]],
    ['right', [txt(`v=DKIM1;h=sha1:sha256;s=email;t=s;p=${RSA}`)], { alias: 'key.provider.example' }],
    ['differs', [txt(`v=DKIM1; t=y; p=${RSA}`)]],
    ['missing', []],
    ['wrong', [txt('v=DKIM1; k=rsa; p=')]],
    ['wrong', [txt(`v=DKIM1; k=ed25519; p=${RSA}`)]],
    ['wrong', [txt(`v=DKIM1; h=sha1; p=${RSA}`)]],
    ['wrong', [txt(`v=DKIM1; s=tlsrpt; p=${RSA}`)]],
    ['in-the-way', [txt(`v=DKIM1; k=rsa; p=${RSA}`), txt('v=DKIM1; p=AAAA')]],
  ]);
});

test('DKIM: the record of a key that is gone may go', () => {
  const given = facts();
  const gone = [{ domain: 'example.net', selector: 'h20250101' }];
  const [expectation, ...more] = expectationsOf(given, recordsOf(given), gone).filter(({ name }) => name.startsWith('h20250101.'));
  assert.ok(expectation !== undefined && more.length === 0);
  const state = (...texts: readonly string[]): string =>
    judge(expectation, { found: texts.map(txt), alias: undefined }, { ...given, plain: new Set() }).state;
  assert.deepEqual([state(), state('v=DKIM1; p='), state(`v=DKIM1; p=${RSA}`)], ['right', 'right', 'left-over']);
  assert.deepEqual(
    expectationsOf(given, recordsOf(given, 'example.org'), gone).filter(({ name }) => name.startsWith('h20250101.')),
    [],
  );
});

test('DMARC: another policy is wrong, other reports are not', () => {
  states(facts(), 'dmarc', '_dmarc.example.net', 'TXT', [
    ['right', [txt('v=DMARC1; p=none; np=reject; rua=mailto:postmaster@example.net')]],
    ['right', [txt('v=DMARC1;np=reject;p=none;rua=mailto:postmaster@example.net;'), txt('unrelated')]],
    ['differs', [txt('v=DMARC1; p=none; rua=mailto:reports@shop.example')]],
    ['missing', [txt('unrelated')]],
    ['wrong', [txt('v=DMARC1; p=reject')]],
    ['wrong', [txt('v=DMARC1')]],
    ['in-the-way', [txt('v=DMARC1; p=none; np=reject; rua=mailto:postmaster@example.net'), txt('v=DMARC1; p=reject')]],
  ]);
});

test('TLSA: a key of ours, and none of others', () => {
  const ours = tlsa('ab'.repeat(32));
  states(facts(), 'tlsa', `_25._tcp.${HOST}`, 'TLSA', [
    ['right', [ours]],
    ['differs', [ours, tlsa('cd'.repeat(32), 2)]],
    ['missing', []],
    ['wrong', [tlsa('cd'.repeat(32))]],
    ['in-the-way', [ours, tlsa('cd'.repeat(32))]],
  ]);
  const next = facts({ keys: [...facts().keys, { digest: 'ef'.repeat(32), state: 'next' }] });
  states(next, 'tlsa', `_25._tcp.${HOST}`, 'TLSA', [
    ['right', [tlsa('ef'.repeat(32)), ours]],
    ['missing', [ours]],
  ]);
});

test('CAA: the authority that signs must be let', () => {
  states(LETS_ENCRYPT, 'caa', HOST, 'CAA', [
    ['right', [caa('letsencrypt.org'), caa('mailto:x@example.org', 'iodef')]],
    ['differs', [caa('letsencrypt.org; validationmethods=dns-01')]],
    ['differs', [caa('letsencrypt.org'), caa('ca.example')]],
    ['missing', []],
    ['missing', [caa('mailto:x@example.org', 'iodef')]],
    ['wrong', [caa('ca.example')]],
    ['wrong', [caa(';')]],
  ]);
});

test('SRV', () => {
  states(facts(), 'srv', '_imaps._tcp.example.net', 'SRV', [
    ['right', [srv(0, 993, HOST)]],
    ['differs', [srv(7, 993, HOST)]],
    ['missing', []],
    ['wrong', [srv(0, 993, 'other.example')]],
    ['wrong', [srv(0, 994, HOST)]],
    ['in-the-way', [srv(0, 993, HOST), srv(5, 993, 'other.example')]],
  ]);
});

test('names for mail programs: an alias, the same addresses, or nothing where the certificate does not have them', () => {
  const own = [a('192.0.2.25'), a('2001:db8::25')];
  states(LETS_ENCRYPT, 'client', 'imap.example.org', 'CNAME', [
    ['right', [cname(HOST)]],
    ['wrong', [cname('other.example')]],
    ['missing', []],
    ['differs', [], { addresses: own }],
    ['wrong', [], { addresses: [a('192.0.2.99')] }],
  ]);
  states(LETS_ENCRYPT, 'client', 'smtp.example.org', 'CNAME', [
    ['right', []],
    ['right', [cname('other.example')]],
    ['right', [], { addresses: [a('192.0.2.99')] }],
    ['left-over', [cname(HOST)]],
    ['left-over', [], { addresses: own }],
  ]);
});

test('names of addresses', () => {
  const ptr = (target: string): RecordData => ({ type: 'PTR', data: { target } });
  states(facts(), 'ptr', '25.2.0.192.in-addr.arpa', 'PTR', [
    ['right', [ptr(HOST)]],
    ['right', [ptr(HOST)], { alias: '25.0-25.2.0.192.in-addr.arpa' }],
    ['missing', []],
    ['wrong', [ptr('dynamic.provider.example')]],
    ['in-the-way', [ptr(HOST), ptr('dynamic.provider.example')]],
  ]);
});

test('a server that is a domain itself', () => {
  const given = facts({ hostname: parseFqdn('example.org') });
  states(given, 'spf', 'example.org', 'TXT', [
    ['right', [txt('v=spf1 a ~all')]],
    ['unevaluated', [txt('v=spf1 -all')]],
  ]);
});
