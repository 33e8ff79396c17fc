/**
 * M17: who brings mail from the internet. Well-kept senders (two of them Exim); those without a name, with names that do not fit, with a bad
 * HELO, listed, denied: as `up` left the machine, and with exceptions and lists. Those who talk too early, too slowly, out of turn, or leave in
 * the middle; two hundred at once. Names are asked from the root down and their signatures checked.
 */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { someAtOnce } from '../callers.ts';
import type { Reply } from '../index.ts';
import {
  addressesOf,
  addressLines,
  apply,
  brought,
  callOf,
  domainLines,
  type EximServer,
  FAMILIES,
  type ForeignHost,
  inbox,
  type Internet,
  letter,
  listingLines,
  onEachReleaseThere,
  type Ours,
  reverseLines,
  said,
  senderLines,
  type ZoneLine,
} from '../internet/index.ts';
import { badManners, delivered } from '../parts/bad-manners.ts';

const [BLOCKED, WELCOME] = ['blocked.example.', 'welcome.example.'];

/** Codes of `blocked`, of which 99 counts nothing and the last is an error (RFC 5782 has no word for it, operators do). */
const [ENOUGH, MUCH, LITTLE, UNKNOWN, ERROR] = ['127.0.0.2', '127.0.0.4', '127.0.0.10', '127.0.0.99', '127.255.255.254'];
const [TRUSTED, KNOWN] = ['127.0.0.1', '127.0.0.10'];

/** The answer to RCPT, or an earlier one that is a refusal. */
type Told = readonly [code: number, words?: RegExp];

const YES: Told = [250];
const NAMELESS: Told = [450, /cannot find your reverse hostname/];
const LISTED: Told = [550, /blocked using blocked\.example/];
const DENIED: Told = [550];

interface Sender {
  readonly what: string;
  /** Its own name if left out. */
  readonly reverse?: 'none' | 'elsewhere' | 'nowhere';
  /** Its own name if left out; ADDRESS is the one that it comes from. */
  readonly helo?: string;
  readonly blocked?: readonly string[];
  readonly welcome?: readonly string[];
  /** The option that names it in the second configuration. */
  readonly named?: 'allow' | 'deny' | 'without_ptr';
  readonly early?: true;
  /** As `up` left it; who is left out comes later for the first time, since postscreen(8) remembers what lists said. */
  readonly at?: Told;
  /** With lists, and a threshold of 5. */
  readonly later: Told;
}

const SENDERS: readonly Sender[] = [
  { what: 'is well kept', at: YES, later: YES },
  { what: 'has no name', reverse: 'none', at: NAMELESS, later: NAMELESS },
  { what: 'has no name, but without_ptr', reverse: 'none', named: 'without_ptr', at: NAMELESS, later: YES },
  { what: 'has no name, but is allowed', reverse: 'none', named: 'allow', at: NAMELESS, later: YES },
  { what: "has another's name", reverse: 'elsewhere', at: YES, later: YES },
  { what: 'has a name that leads nowhere', reverse: 'nowhere', at: YES, later: YES },
  { what: "calls itself by another's name", helo: 'mail.brisk.example', at: YES, later: YES },
  { what: 'calls itself by a name that leads nowhere', helo: 'nowhere.example', at: YES, later: YES },
  { what: 'calls itself by its address', helo: '[ADDRESS]', at: YES, later: YES },
  // RFC 5321, section 4.1.1.1: a name in full, or an address in brackets.
  { what: 'calls itself by one label', helo: 'mailserver', at: [504], later: [504] },
  { what: 'calls itself by one label, but is allowed', helo: 'mailserver', named: 'allow', at: [504], later: YES },
  { what: 'calls itself by one label, without_ptr', helo: 'mailserver', named: 'without_ptr', at: [504], later: [504] },
  { what: 'calls itself by what is no name', helo: 'mail_server!.example', at: [501], later: [501] },
  { what: 'calls itself by what is no name, but is allowed', helo: 'mail_server!.example', named: 'allow', at: [501], later: YES },
  { what: 'calls itself by a name with an empty label', helo: 'mail..example', at: [501], later: [501] },
  { what: 'calls itself by what is no address', helo: '[198.18.300.1]', at: [501], later: [501] },
  { what: 'calls itself by nothing', helo: '', at: [501], later: [501] },
  { what: 'talks before it is greeted, and no more', early: true, at: [550], later: YES },
  { what: 'is denied', named: 'deny', at: YES, later: DENIED },
  { what: 'is denied, though a list speaks for it', welcome: [TRUSTED], named: 'deny', later: DENIED },
  { what: 'is listed', blocked: [ENOUGH], later: LISTED },
  { what: 'is listed, without_ptr', blocked: [ENOUGH], named: 'without_ptr', later: LISTED },
  { what: 'is listed, but allowed', blocked: [ENOUGH], named: 'allow', later: YES },
  { what: 'is listed for less', blocked: [MUCH], later: YES },
  { what: 'is listed twice for less', blocked: [MUCH, LITTLE], later: LISTED },
  { what: 'is listed for what does not count', blocked: [UNKNOWN], later: YES },
  { what: 'is what the list cannot tell', blocked: [ERROR], later: YES },
  { what: 'is listed, and a list speaks for it', blocked: [ENOUGH], welcome: [TRUSTED], later: YES },
  { what: 'is listed, and a list only knows it', blocked: [ENOUGH], welcome: [KNOWN], later: LISTED },
];

const FIRST = 200;
const nameOf = (number: number): string => `sender-${number}`;
const ROWS = SENDERS.map((sender, index) => ({ ...sender, name: nameOf(index), addresses: addressesOf(FIRST + index) }));
type Row = (typeof ROWS)[number];
const rowThat = (what: string): Row => {
  const found = ROWS.find((row) => row.what === what);
  if (found === undefined) throw new Error(`nobody ${what}`);
  return found;
};
const [KEPT, MISNAMED] = [rowThat('is well kept'), rowThat("has another's name")];
/** Well kept, and not seen before. */
const FRESH = [0, 1, 2, 3].map((number) => ({ name: `fresh-${number}`, addresses: addressesOf(300 + number) }));
const CROWD = Array.from({ length: 11 }, (_, number) => ({ name: `crowd-${number}`, addresses: addressesOf(310 + number) }));

const REVERSE = { none: undefined, elsewhere: 'mail.tidy.example.', nowhere: 'nowhere.example.' } as const;

const linesOf = ({ name, addresses, reverse, blocked = [], welcome = [] }: Row): readonly ZoneLine[] => {
  const target = reverse === undefined ? `mail.${name}.example.` : REVERSE[reverse];
  return [
    ...addressLines(`mail.${name}.example.`, addresses),
    ...(target === undefined ? [] : reverseLines(addresses, target)),
    ...domainLines(name),
    ...listingLines(addresses, BLOCKED, ...blocked),
    ...listingLines(addresses, WELCOME, ...welcome),
  ];
};

const naming = (option: Sender['named']): string =>
  JSON.stringify(ROWS.filter(({ named }) => named === option).flatMap(({ addresses }) => Object.values(addresses)));

const CONFIGURED = `
[incoming]
allow = ${naming('allow')}
deny = ${naming('deny')}
without_ptr = ${naming('without_ptr')}
dnsbl = ["blocked.example=127.0.0.[2..3]*5", "blocked.example=127.0.0.4*3", "blocked.example=127.0.0.10*2", "welcome.example=127.0.0.[1..3]*-3"]
dnsbl_threshold = 5
`;

interface There {
  readonly street: ForeignHost;
  readonly tidy: EximServer;
  readonly brisk: EximServer;
}

const arrange = async (net: Internet): Promise<There> => {
  const street = await net.host('street.example');
  const well = [...FRESH, ...CROWD];
  await street.also(...[...ROWS, ...well].map(({ addresses }) => addresses));
  await net.names.add(...ROWS.flatMap(linesOf), ...well.flatMap(({ name, addresses }) => senderLines(name, addresses)));
  const tidy = await net.exim('tidy', { certificate: 'authority', more: ['disable_ipv6 = yes'] });
  const brisk = await net.exim('brisk', { certificate: 'none' });
  await net.names.add(...['tidy', 'brisk'].map((name) => `${name}.example. TXT "v=spf1 mx -all"`));
  return { street, tidy, brisk };
};

type Answers = ReadonlyMap<string, Reply>;

/** By name and family. */
const knocks = async ({ street }: There, server: Ours, rows: readonly Row[], early: boolean): Promise<Answers> => {
  const each = rows.flatMap((row) => FAMILIES.map((family) => ({ row, family })));
  const answers = await someAtOnce(each, async ({ row: { name, addresses, helo, ...row }, family }) => {
    const call = callOf(name, addresses, family);
    const literal = family === 'v6' ? `IPv6:${call.from}` : call.from;
    const reply = await brought(street, server, {
      ...call,
      helo: helo?.replace('ADDRESS', literal) ?? call.helo,
      early: early && row.early === true,
    });
    return [`${name} ${family}`, reply] as const;
  });
  return new Map(answers);
};

const judged = (get: () => Answers, row: Row, [code, words]: Told): void => {
  test(`M17: one that ${row.what}: ${code}`, () => {
    for (const family of FAMILIES) {
      const answer = get().get(`${row.name} ${family}`);
      assert.ok(answer !== undefined);
      assert.equal(answer.code, code, `${family}: ${said(answer)}`);
      if (words !== undefined) assert.match(said(answer), words);
    }
  });
};

/** Of the machine's own trace line: the name that the client gave itself, and that which its address has. */
const traceOf = (text: string): readonly [helo: string, name: string, address: string] => {
  const [, helo = '', name = '', address = ''] = /^Received: from (\S+) \((\S+) \[(?:IPv6:)?([\da-f.:]+)\]\)/m.exec(text) ?? [];
  return [helo, name, address];
};

onEachReleaseThere(
  async ({ net }) => arrange(net),
  (get) => {
    for (const [round, config] of [
      ['at', undefined],
      ['later', CONFIGURED],
    ] as const) {
      describe(round === 'at' ? 'as up left it' : 'with exceptions, lists and a threshold', () => {
        let answers: Answers;
        before(async () => {
          const { server } = get();
          if (config !== undefined) await apply(server, config);
          answers = await knocks(
            get(),
            server,
            ROWS.filter((row) => row[round] !== undefined),
            round === 'at',
          );
        });
        for (const row of ROWS) {
          const told = row[round];
          if (told !== undefined) judged(() => answers, row, told);
        }
      });
    }

    for (const [exim, family] of [
      ['tidy', 'v4'],
      ['brisk', 'v6'],
    ] as const)
      test(`M17: mail of a well-kept Exim arrives, by IP${family}`, async () => {
        const { server, [exim]: sender } = get();
        const id = `from-${exim}@${sender.domain}`;
        await sender.submit(`ada@${sender.domain}`, server.demo.user, letter(id, `ada@${sender.domain}`, server.demo.user).replaceAll('\r\n', '\n'));
        const text = await inbox(server, id);
        assert.deepEqual(traceOf(text), [sender.host.name, sender.host.name, sender.host.addresses[family]]);
        assert.match(text, /^Authentication-Results:(?:.*\r\n)(?:[ \t].*\r\n)*?.*\bspf=pass\b/m);
      });

    for (const family of FAMILIES)
      test(`M17: by IP${family}, what a well-kept sender and one with another's name bring arrives; the trace tells which is which`, async () => {
        for (const [row, name] of [
          [KEPT, `mail.${KEPT.name}.example`],
          [MISNAMED, 'unknown'],
        ] as const)
          assert.deepEqual(traceOf(await delivered(get(), row, family, 'named')), [`mail.${row.name}.example`, name, row.addresses[family]]);
      });

    badManners(get, KEPT, CROWD, FRESH);
  },
);
