import assert from 'node:assert/strict';
import dns from 'node:dns';
import { test } from 'node:test';
import type { FoundRecord, RecordData } from '#formats';
import type { Asker, Question } from '../asking.ts';
import { facts } from '../facts.lab.ts';
import { checkHost } from './check-host.ts';

const NAME = 'example.org';
const txt = (text: string): RecordData => ({ type: 'TXT', data: { text } });
const mx = (preference: number, exchange: string): RecordData => ({ type: 'MX', data: { preference, exchange } });
const ptr = (target: string): RecordData => ({ type: 'PTR', data: { target } });
const a = (address: string): RecordData => ({ type: address.includes(':') ? 'AAAA' : 'A', data: { address } });
const cname = (target: string): RecordData => ({ type: 'CNAME', data: { target } });

/** Of each name what is there; `undefined`: nobody answers. A name that is not here does not exist. */
type World = Readonly<Record<string, readonly RecordData[] | undefined>>;

interface Asked {
  readonly asker: Asker;
  readonly questions: readonly Question[];
}

const asking = (world: World): Asked => {
  const questions: Question[] = [];
  const one: Asker['one'] = async (question) => {
    const { name, type } = question;
    questions.push(question);
    const there = name in world ? world[name] : [];
    if (there === undefined) return undefined;
    const answer = there
      .filter((record) => record.type === type || record.type === 'CNAME')
      .map((read): FoundRecord => ({ name, ttl: 60, type: read.type, text: '', read }));
    const status = name in world ? 'NOERROR' : 'NXDOMAIN';
    return { question: { name, type }, status, flags: new Set(), answer, authority: [], additional: [], tsig: undefined };
  };
  return { asker: { one, ask: (all) => Promise.all(all.map(one)) }, questions };
};

const SELF = facts();
const OURS = { ...SELF, plain: new Set<string>() };

/** `192.0.2.25 pass, 2001:db8::25 permerror (why)` */
const comes = async (text: string, world: World = {}, ours = OURS): Promise<string> =>
  (await checkHost(asking(world).asker, NAME, text, ours))
    .map(({ address, result, why }) => `${address} ${result}${why === '' ? '' : ` (${why})`}`)
    .join(', ');

const both = (result: string): string => `192.0.2.25 ${result}, 2001:db8::25 ${result}`;

const HERE = [a('192.0.2.25'), a('2001:db8::25')];
const CENTRAL: World = { '_spf.central.example': [txt('unrelated'), txt('v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::25 -all')] };

type Row = readonly [text: string, world: World, comes: string];

const rows = async (...all: readonly Row[]): Promise<void> => {
  for (const [text, world, expected] of all) assert.equal(await comes(text, world), expected, text);
};

test('what others say lets this server send', () =>
  rows(
    ['v=spf1 redirect=_spf.central.example', CENTRAL, both('pass')],
    ['v=spf1 include:_spf.Central.Example -all', CENTRAL, both('pass')],
    ['v=spf1 mx:central.example -all', { 'central.example': [mx(10, 'one.example'), mx(20, 'two.example')], 'two.example': HERE }, both('pass')],
    ['v=spf1 a:other.example -all', { 'other.example': HERE }, both('pass')],
    ['v=spf1 a:other.example/24//64 -all', { 'other.example': [a('192.0.2.1'), a('2001:db8::1')] }, both('pass')],
    ['v=spf1 a:other.example -all', { 'other.example': [cname('far.example'), ...HERE] }, both('pass')],
    [
      'v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all',
      {
        '25.2.0.192.in-addr._spf.example.org': [a('127.0.0.2')],
        '5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.org': [a('127.0.0.2')],
      },
      both('pass'),
    ],
    [
      'v=spf1 include:%{h}._ehlo.%{D}._spf.test -all',
      { 'mail.example.org._ehlo.example.org._spf.test': [txt('v=spf1 ip4:192.0.2.25 ?all')] },
      '192.0.2.25 pass, 2001:db8::25 fail',
    ],
    [
      'v=spf1 ptr:example.org -all',
      { '25.2.0.192.in-addr.arpa': [ptr('mail.example.org')], 'mail.example.org': HERE },
      '192.0.2.25 pass, 2001:db8::25 fail',
    ],
  ));

test('it does not let it send', () =>
  rows(
    ['v=spf1 -all', {}, both('fail')],
    ['v=spf1 -all a:mail.example.org', { 'mail.example.org': HERE }, both('fail')],
    ['v=spf1 -a:mail.example.org ~all', { 'mail.example.org': HERE }, both('fail')],
    ['v=spf1 ip4:192.0.2.25 -all', {}, '192.0.2.25 pass, 2001:db8::25 fail'],
    ['v=spf1 ip4:192.0.2.99 ip6:2001:db8::99', {}, both('neutral')],
    ['v=spf1 include:_spf.central.example ~all', { '_spf.central.example': [txt('v=spf1 ip4:192.0.2.99 -all')] }, both('softfail')],
    ['v=spf1 redirect=_spf.central.example', { '_spf.central.example': [txt('v=spf1 ip4:192.0.2.99 ?all')] }, both('neutral')],
    ['v=spf1 ?include:_spf.central.example -all', CENTRAL, both('neutral')],
  ));

const chain = (length: number): World => ({
  ...Object.fromEntries(Array.from({ length }, (_, index) => [`n${index}.example`, [txt(`v=spf1 include:n${index + 1}.example -all`)]])),
  [`n${length}.example`]: [txt('v=spf1 ip4:192.0.2.25 ip6:2001:db8::25 -all')],
});

const MANY = both('permerror (it takes more than 10 lookups, RFC 7208 section 4.6.4)');

test('permanent errors, each with why', () =>
  rows(
    ['v=spf1 include:a.example -all', { 'a.example': [txt('v=spf1 include:b.example')], 'b.example': [txt('v=spf1 include:a.example')] }, MANY],
    ['v=spf1 redirect=example.org', {}, MANY],
    ['v=spf1 include:n0.example -all', chain(9), both('pass')],
    ['v=spf1 include:n0.example -all', chain(10), MANY],
    ['v=spf1 include:none.example -all', {}, both('permerror (no SPF records found for none.example)')],
    ['v=spf1 redirect=none.example', { 'none.example': [txt('unrelated')] }, both('permerror (no SPF records found for none.example)')],
    [
      'v=spf1 include:two.example -all',
      { 'two.example': [txt('v=spf1 -all'), txt('v=spf1 +all')] },
      both('permerror (multiple SPF records found for two.example)'),
    ],
    ['v=spf1 ip4:192.0.2.0/240 ip6:nonsense -all', {}, both('permerror (Invalid CIDR length "240")')],
    ['v=spf1 ipv4:192.0.2.25 -all', {}, both('permerror (Unknown mechanism "ipv4")')],
    [
      'v=spf1 a:x.example a:y.example a:z.example ip4:192.0.2.25 ip6:2001:db8::25 -all',
      {},
      both('permerror (more than 2 of its lookups find nothing, RFC 7208 section 4.6.4)'),
    ],
  ));

test('where no answer comes, or it goes by the sender, nothing is said', () =>
  rows(
    ['v=spf1 redirect=_spf.central.example', { '_spf.central.example': undefined }, both('unknown (no answer about TXT of _spf.central.example)')],
    [
      'v=spf1 ip4:192.0.2.25 a:other.example -all',
      { 'other.example': undefined },
      '192.0.2.25 pass, 2001:db8::25 unknown (no answer about AAAA of other.example)',
    ],
    [
      'v=spf1 exists:%{l}._users.%{d} -all',
      { 'postmaster._users.example.org': [a('127.0.0.2')] },
      both('unknown (it goes by who in the domain writes)'),
    ],
  ));

test('every address that mail leaves by', async () => {
  const ours = { ...OURS, reached: { v4: ['192.0.2.25'], v6: [] }, sending: { v4: ['192.0.2.99'], v6: ['2001:db8::99'] } };
  assert.equal(await comes('v=spf1 ip4:192.0.2.25 ip6:2001:db8::99 ~all', {}, ours), '192.0.2.25 pass, 192.0.2.99 softfail, 2001:db8::99 pass');
});

test('all is asked of the resolver, in lower case, but for the record that is given; nothing by node:dns', async (context) => {
  const elsewhere = context.mock.method(dns.promises, 'resolve', () => Promise.reject(new Error('asked elsewhere')));
  const { asker, questions } = asking({ ...CENTRAL, 'example.org': [txt('v=spf1 -all')] });
  const found = await checkHost(asker, NAME, 'v=spf1 a:A.Example include:_SPF.central.example redirect=example.org exp=why.example', OURS);
  assert.deepEqual([...new Set(found.map(({ result }) => result))], ['pass']);
  assert.deepEqual([...new Set(questions.map((question) => JSON.stringify(question)))].toSorted(), [
    '{"name":"_spf.central.example","type":"TXT"}',
    '{"name":"a.example","type":"A"}',
    '{"name":"a.example","type":"AAAA"}',
  ]);
  assert.equal(elsewhere.mock.callCount(), 0);
});
