import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NameServer, Zone } from '../delegation.ts';
import { facts } from '../facts.lab.ts';
import { recordsOf } from '../records.ts';
import type { Evaluated } from './check-host.ts';
import type { Checked, State } from './checked.ts';
import { expectationsOf, type Kind } from './expectation.ts';
import { recordFindings, unconfirmed } from './record-findings.ts';
import { missing, RIGHT } from './verdict.ts';
import { zoneFindings } from './zone-findings.ts';

const server = (name: string, state: NameServer['state'], address = '192.0.2.53'): NameServer => ({
  name,
  address,
  state,
  status: state === 'lame' ? 'REFUSED' : undefined,
  serial: state === 'answers' ? 7 : undefined,
  denied: undefined,
});

const zone = (standing: Zone['standing'], ...servers: readonly NameServer[]): Zone => ({
  ...{ name: 'example.org', standing, servers, signedUntil: undefined },
  namedAbove: servers.map(({ name }) => name),
  namedItself: servers.map(({ name }) => name),
});

const WELL = zone('secure', server('ns1.test', 'answers'), server('ns2.test', 'answers'));

const checked = (kind: Kind, name: string, more: Partial<Checked> & { readonly state: State }, given = facts()): Checked => {
  const expectation = expectationsOf(given, recordsOf(given)).find((each) => each.kind === kind && each.name === name);
  assert.ok(expectation !== undefined, name);
  return { expectation, zone: WELL, expected: [], found: [], voices: [], stale: undefined, leadsBack: undefined, bogus: false, ...more };
};

const said = (one: Checked): readonly string[] => recordFindings([one]).map(({ level, code, message }) => `${level} ${code}: ${message}`);

test('each finding names what is meant, what is there and what is to be', () => {
  const mx = checked('mx', 'example.org', { state: 'right' });
  const { wanted } = mx.expectation;
  const other = [{ type: 'MX', data: { preference: 5, exchange: 'other.example' } }] as const;
  assert.deepEqual(said(mx), []);
  assert.deepEqual(said({ ...mx, state: 'missing', expected: wanted }), ['error dns.missing: MX of example.org is missing: 10 mail.example.org.']);
  assert.deepEqual(said({ ...mx, state: 'wrong', expected: wanted, found: other }), [
    'error dns.wrong: MX of example.org: expected 10 mail.example.org.; found 5 other.example.',
  ]);
  assert.deepEqual(said({ ...mx, state: 'in-the-way', found: other }), [
    'error dns.in-the-way: MX of example.org: mail is brought elsewhere first, or as well: 5 other.example.',
  ]);
  assert.deepEqual(said({ ...mx, state: 'stale', stale: { shows: [], seconds: 30 } }), [
    "warning dns.stale: MX of example.org is right, but this machine's resolver remembers that there is none, for 30 more seconds; others may as well",
  ]);
  assert.deepEqual(said({ ...mx, bogus: true }), [
    'error dns.dnssec-broken: MX of example.org has wrong signatures (DNSSEC), and who validates does not see it',
  ]);
  const voices = [
    { server: server('ns1.test', 'answers'), verdict: RIGHT, shows: wanted, alias: undefined },
    { server: server('ns2.test', 'answers'), verdict: missing(wanted), shows: [], alias: undefined },
    { server: server('ns3.test', 'answers'), verdict: undefined, shows: [], alias: undefined },
  ];
  assert.match(
    said({ ...mx, state: 'not-everywhere', voices })[0] ?? '',
    /^error dns\.not-everywhere: .*: ns1\.test \(version 7 of the zone\) shows it; ns2\.test \(.*\) has none; ns3\.test \(.*\) gives no answer$/,
  );
});

test('what mail does without is no fault where it is missing, and one where it leads elsewhere', () => {
  for (const [kind, name] of [
    ['tlsa', '_25._tcp.mail.example.org'],
    ['srv', '_imaps._tcp.example.org'],
  ] as const) {
    const one = checked(kind, name, { state: 'missing' });
    assert.match(said({ ...one, expected: one.expectation.wanted })[0] ?? '', /^warning dns\.missing: /);
    assert.match(said({ ...one, state: 'wrong', expected: one.expectation.wanted })[0] ?? '', /^error dns\.wrong: /);
  }
});

test('SPF that was evaluated: for which addresses what came of it, and why', () => {
  const spf = checked('spf', 'example.org', { state: 'wrong' });
  const found = [{ type: 'TXT', data: { text: 'v=spf1 redirect=_spf.central.example' } }] as const;
  const [v4, v6] = ['192.0.2.25', '2001:db8::25'];
  const each = (address: string, result: Evaluated['result'], why = ''): Evaluated => ({ address, result, why });
  const wrong = (...evaluated: readonly Evaluated[]): readonly string[] => said({ ...spf, expected: spf.expectation.wanted, found, evaluated });
  const head =
    'error dns.wrong: SPF of example.org: expected v=spf1 a:mail.example.org ~all; found v=spf1 redirect=_spf.central.example, by which the result is ';
  assert.deepEqual(wrong(each(v4, 'softfail'), each(v6, 'softfail')), [`${head}softfail for 192.0.2.25 and 2001:db8::25`]);
  assert.deepEqual(wrong(each(v4, 'fail'), each(v6, 'permerror', 'it loops')), [`${head}fail for 192.0.2.25, permerror for 2001:db8::25 (it loops)`]);
  const unknown = [each(v6, 'unknown', 'no answer about TXT of _spf.central.example')];
  assert.deepEqual(said({ ...spf, state: 'unevaluated', found, evaluated: unknown }), [
    'warning dns.spf-unknown: SPF of example.org: found v=spf1 redirect=_spf.central.example; whether that lets this server send could not be ' +
      'found out for 2001:db8::25 (no answer about TXT of _spf.central.example)',
  ]);
});

test('an alias is told once, whatever it keeps away', () => {
  const given = facts();
  const alias = { state: 'alias', found: [{ type: 'CNAME', data: { target: 'other.example' } }] } as const;
  const all = [checked('address', 'mail.example.org', alias, given), checked('spf', 'mail.example.org', alias, given)];
  assert.deepEqual(
    recordFindings(all).map(({ code }) => code),
    ['dns.cname'],
  );
});

test('the name of an address: whom to ask, and whether the other name leads back', () => {
  const name = '25.2.0.192.in-addr.arpa';
  const found = [{ type: 'PTR', data: { target: 'dynamic.example' } }] as const;
  const [finding] = recordFindings([checked('ptr', name, { state: 'wrong', found, leadsBack: false })]);
  assert.match(finding?.message ?? '', /dynamic\.example\., which does not even lead back to the address$/);
  assert.equal(finding?.remedy, 'Ask the provider of 192.0.2.25 to give it the name mail.example.org.');
  const given = facts({ sending: { v4: ['192.0.2.99'], v6: [] } });
  const ptr = checked('ptr', '99.2.0.192.in-addr.arpa', { state: 'right' }, given);
  assert.deepEqual(
    unconfirmed(given, [ptr]).map(({ code }) => code),
    ['dns.not-confirmed'],
  );
  assert.deepEqual(unconfirmed(given, [{ ...ptr, state: 'missing' }]), []);
  assert.deepEqual(unconfirmed(facts(), []), []);
});

const NOW = new Date('2026-11-29T12:00:00Z');
const VIEW = { now: NOW, validates: true, ipv6: true, dane: true };
const of = (one: Zone, view = VIEW, recursive = true): readonly string[] => {
  const outcome = { checked: [checked('mx', 'example.org', { state: 'right', zone: one })], zones: [one], unknown: new Map() };
  return zoneFindings(outcome, view, recursive).map(({ level, code }) => `${level} ${code}`);
};

test('what is wrong with a zone', () => {
  assert.deepEqual(of(WELL), []);
  assert.deepEqual(of(zone('insecure', server('ns1.test', 'answers'))), ['warning dns.unsigned']);
  assert.deepEqual(of(zone('insecure', server('ns1.test', 'answers')), { ...VIEW, validates: false }), []);
  assert.deepEqual(of(zone('insecure', server('ns1.test', 'answers')), { ...VIEW, dane: false }), []);
  assert.deepEqual(of(zone('broken', server('ns1.test', 'answers'))), ['error dns.dnssec-broken']);
  const signed = { ...zone('broken', server('ns1.test', 'answers')), signedUntil: NOW };
  assert.deepEqual(of(signed), ['error dns.dnssec-broken']);
  assert.deepEqual(of(signed, { ...VIEW, now: new Date(NOW.getTime() + 1000) }), ['error dns.signatures-expired']);
  assert.deepEqual(of(zone('indeterminate', server('ns1.test', 'answers'))), ['warning dns.dnssec-unknown']);
  assert.deepEqual(of(zone('dead', server('ns1.test', 'answers'))), ['error dns.unresolved']);
  assert.deepEqual(of(zone('dead', server('ns1.test', 'silent'), server('ns2.test', 'lame'))), ['error dns.servers-dead']);
  assert.deepEqual(of(zone('dead')), ['error dns.servers-dead']);
  assert.deepEqual(of(zone('secure', server('ns1.test', 'answers'), server('ns2.test', 'silent'))), ['error dns.server-silent']);
  assert.deepEqual(of(zone('secure', server('ns1.test', 'answers'), server('ns2.test', 'lame'))), ['error dns.server-lame']);
  assert.deepEqual(of(zone('secure', server('ns1.test', 'silent')), VIEW, false), ['warning dns.resolver-alone']);
  assert.deepEqual(of({ ...WELL, namedItself: ['ns1.test'] }), ['warning dns.delegation']);
});

test('a server with IPv6 alone is not blamed by a machine that has none', () => {
  const six = zone('secure', server('ns1.test', 'answers'), server('ns2.test', 'silent', '2001:db8::53'));
  assert.deepEqual(of(six), ['error dns.server-silent']);
  assert.deepEqual(of(six, { ...VIEW, ipv6: false }), ['warning dns.server-silent']);
});
