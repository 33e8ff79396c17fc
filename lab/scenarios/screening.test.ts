/**
 * M17, profile public: who is let to the door on port 25. Strangers with addresses of their own, each for one case, and a name server
 * that knows their names and what lists say of them. Each comes for the first time, so postscreen looks at him.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Addresses,
  allRun,
  boot,
  type Host,
  type Machine,
  type NameRecord,
  nameServer,
  network,
  PUBLIC,
  readyOn,
  type Release,
  type Reply,
  servedPublic,
  Smtp,
} from '../index.ts';
import { someAtOnce } from '../callers.ts';

const NAMES: Addresses = { v4: '198.18.0.53', v6: '2001:2::53' };
const STRANGERS: Addresses = { v4: '198.18.2.254', v6: '2001:2::2fe' };
const ACCOUNT = `postmaster@${PUBLIC.domain}`;
const FROM = 'friend@elsewhere.example';
const KEY = 'abcdefghij0123456789klmnop';
const HELO = 'mail.elsewhere.example';

/** What is said of an address: its PTR, and A records of lists. */
interface Case {
  readonly what: string;
  readonly address: string;
  readonly ptr?: string;
  readonly lists?: Readonly<Record<string, string>>;
  readonly helo?: string;
  /** Talks before the greeting. */
  readonly early?: true;
  readonly code: number;
  readonly words?: RegExp;
}

const BAD = 'bad.lists.example';
const WEAK = 'weak.lists.example';
const OTHER = 'other.lists.example';
const GOOD = 'good.lists.example';
const OWN = `${KEY}.zen.lists.example`;

const CONFIG = `
[resolver]
forwarders = ["${NAMES.v4}"]
[incoming]
allow = ["198.18.2.7", "198.18.7.0/24", "2001:2:0:7::/64"]
deny = ["198.18.2.8", "198.18.8.0/24", "198.18.7.0/25", "2001:2:0:8::/64"]
without_ptr = ["198.18.2.10"]
dnsbl = ["${BAD}=127.0.0.[2..11]*3", "${WEAK}*2", "${OTHER}*2", "${GOOD}=127.0.[0..255].[1..3]*-3", "${OWN}=127.0.0.2*3"]
`;

const CASES: readonly Case[] = [
  { what: 'somebody with a name, on no list', address: '198.18.2.1', ptr: HELO, code: 250 },
  { what: 'the same by IPv6', address: '2001:2::201', ptr: HELO, code: 250 },
  {
    what: 'on a list that is enough',
    address: '198.18.2.2',
    ptr: HELO,
    lists: { [BAD]: '127.0.0.4' },
    code: 550,
    words: /blocked using bad\.lists\.example/,
  },
  {
    what: 'the same by IPv6',
    address: '2001:2::202',
    ptr: HELO,
    lists: { [BAD]: '127.0.0.2' },
    code: 550,
    words: /blocked using bad\.lists\.example/,
  },
  { what: 'on a list that is not enough', address: '198.18.2.3', ptr: HELO, lists: { [WEAK]: '127.0.0.2' }, code: 250 },
  { what: 'on two that are enough together', address: '198.18.2.4', ptr: HELO, lists: { [WEAK]: '127.0.0.2', [OTHER]: '127.0.0.9' }, code: 550 },
  {
    what: 'a list that answers with an error, which is no listing',
    address: '198.18.2.5',
    ptr: HELO,
    lists: { [BAD]: '127.255.255.254' },
    code: 250,
  },
  {
    what: 'on a list, but another one speaks for him',
    address: '198.18.2.6',
    ptr: HELO,
    lists: { [BAD]: '127.0.0.4', [GOOD]: '127.0.5.2' },
    code: 250,
  },
  { what: 'a list of which we are a customer: its key is not shown', address: '198.18.2.12', ptr: HELO, lists: { [OWN]: '127.0.0.2' }, code: 550 },
  {
    what: 'allowed: listed, without a name, and with any HELO',
    address: '198.18.2.7',
    lists: { [BAD]: '127.0.0.4' },
    helo: 'x',
    code: 250,
  },
  { what: 'in a network that is allowed, though a part of it is denied', address: '198.18.7.9', code: 250 },
  { what: 'the same by IPv6', address: '2001:2:0:7::9', code: 250 },
  { what: 'denied', address: '198.18.2.8', ptr: HELO, code: 550 },
  { what: 'in a network that is denied', address: '198.18.8.200', ptr: HELO, code: 550 },
  { what: 'the same by IPv6', address: '2001:2:0:8::1', ptr: HELO, code: 550 },
  { what: 'without a name: later', address: '198.18.2.9', code: 450, words: /cannot find your reverse hostname/ },
  { what: 'the same by IPv6', address: '2001:2::209', code: 450, words: /cannot find your reverse hostname/ },
  { what: 'without a name, as the file says', address: '198.18.2.10', code: 250 },
  { what: 'his name does not lead back', address: '198.18.2.11', ptr: 'other.elsewhere.example', code: 250 },
  { what: 'talks before his turn', address: '198.18.2.13', ptr: HELO, early: true, code: 550 },
  { what: 'the same by IPv6', address: '2001:2::213', ptr: HELO, early: true, code: 550 },
  { what: 'HELO that is no name', address: '198.18.2.14', ptr: HELO, helo: 'bad_helo!', code: 501 },
  { what: 'HELO with one label', address: '198.18.2.15', ptr: HELO, helo: 'localhost', code: 504 },
  { what: 'HELO with his address', address: '198.18.2.16', ptr: HELO, helo: '[198.18.2.16]', code: 250 },
  { what: 'HELO with a name that leads nowhere', address: '198.18.2.17', ptr: HELO, helo: 'no-such.elsewhere.example', code: 250 },
];

const isV6 = (address: string): boolean => address.includes(':');

/** Of 198.18.2.1 `1.2.18.198`, of an IPv6 address its 32 digits (RFC 3596). */
const reversed = (address: string): string => {
  if (!isV6(address)) return address.split('.').toReversed().join('.');
  const [head = '', tail = ''] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return [...groups.map((group) => group.padStart(4, '0')).join('')].toReversed().join('.');
};

const recordsOf = ({ address, ptr, lists = {} }: Case): readonly NameRecord[] => [
  ...(ptr === undefined ? [] : [{ name: `${reversed(address)}.${isV6(address) ? 'ip6' : 'in-addr'}.arpa`, type: 'PTR' as const, data: ptr }]),
  ...Object.entries(lists).map(([list, data]) => ({ name: `${reversed(address)}.${list}`, type: 'A' as const, data })),
];

const RECORDS: readonly NameRecord[] = [
  { name: 'elsewhere.example', type: 'MX', data: `10 ${HELO}` },
  ...CASES.filter(({ ptr }) => ptr === HELO).map(({ address }): NameRecord => ({ name: HELO, type: isV6(address) ? 'AAAA' : 'A', data: address })),
  ...CASES.flatMap(recordsOf),
];

const shell = async (machine: Machine, script: string, input = ''): Promise<void> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script], { input, ms: 240_000 });
  assert.equal(code, 0, `${stdout}${stderr}`);
};

interface Answer extends Reply {
  /** Until the greeting was complete. */
  readonly waited: number;
}

/** The first answer that is no success, else the one to RCPT. */
const knock = async (strangers: Host, { address, helo = HELO, early }: Case): Promise<Answer> => {
  const socket = await strangers.dial({ host: isV6(address) ? PUBLIC.addresses.v6 : PUBLIC.addresses.v4, port: 25, localAddress: address });
  const hello = `EHLO ${helo}`;
  if (early) socket.write(`${hello}\r\n`);
  const begun = performance.now();
  const { smtp, greeting } = await Smtp.open(socket);
  const waited = performance.now() - begun;
  try {
    // Whoever is early reads the answer to what he said behind the first line of the greeting, which had no last one.
    let answer = early || greeting.code !== 220 ? greeting : await smtp.command(hello);
    for (const line of [`MAIL FROM:<${FROM}>`, `RCPT TO:<${ACCOUNT}>`]) if (answer.code === 250) answer = await smtp.command(line);
    return { ...answer, waited };
  } finally {
    smtp.close();
  }
};

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

for (const release of RELEASES) {
  describe(release, () => {
    const stack = new AsyncDisposableStack();
    let machine: Machine;
    let strangers: Host;
    before(async () => {
      machine = stack.use(await boot({ image: await servedPublic({ release, init: 'systemd' }) }));
      const lan = stack.use(await network());
      await lan.join(machine, PUBLIC.addresses);
      await allRun(machine);
      stack.use(await nameServer(await lan.host('ns.lists.example', NAMES), NAMES.v4, RECORDS));
      strangers = await lan.host('strangers', STRANGERS);
      for (const { address } of CASES)
        await strangers.run(['ip', 'address', 'add', `${address}/${isV6(address) ? '48' : '16'}`, 'dev', 'host0', 'nodad']);
      // The machine answers to networks of the same wire.
      await shell(machine, 'ip -6 route replace 2001:2::/32 dev host0');
      await shell(machine, 'cat >>/etc/hauspost/hauspost.toml', CONFIG);
      assert.equal((await readyOn(machine).run(['apply', '--yes'])).code, 0);
    });
    after(() => stack.disposeAsync());

    let answers: ReadonlyMap<Case, Answer>;
    before(async () => {
      // The first of all waits for programs that are only begun for him, and for names that the resolver does not know yet.
      await knock(strangers, { what: 'the first of all', address: STRANGERS.v4, code: 450 });
      answers = new Map(await someAtOnce(CASES, async (each) => [each, await knock(strangers, each)] as const, 4));
    });

    for (const each of CASES) {
      test(`M17: ${each.what} (${each.address}): ${each.code}`, () => {
        const answer = answers.get(each);
        const said = `${answer?.code} ${answer?.lines.join(' ')}`;
        assert.equal(answer?.code, each.code, said);
        if (each.words !== undefined) assert.match(said, each.words);
        assert.ok(!said.includes(KEY), said);
      });
    }

    test('M17: who has passed once is let through at once, and so are those who are allowed', async () => {
      const [first, ...others] = CASES;
      const allowed = others.find(({ address }) => address === '198.18.2.7');
      assert.ok(first !== undefined && allowed !== undefined);
      /** The least of three visits: whatever else the processors do only ever adds to it. */
      const waits = async (who: Case): Promise<number> => {
        let least = Number.POSITIVE_INFINITY;
        for (let visit = 0; visit < 3; visit += 1) {
          const { code, waited } = await knock(strangers, who);
          assert.equal(code, 250);
          least = Math.min(least, waited);
        }
        return least;
      };
      // Who is allowed is on a list, and so never passes.
      const [before, again, free] = [answers.get(first)?.waited ?? 0, await waits(first), await waits(allowed)];
      console.log(`    greeted after ${[before, again, free].map((ms) => (ms / 1000).toFixed(1)).join(', ')} s`);
      assert.ok(before > 2 * again && before > 2 * free);
    });

    test('M17: a command before HELO is refused, and the same after it is not', async () => {
      const [first] = CASES;
      assert.ok(first !== undefined);
      const { smtp } = await Smtp.open(await strangers.dial({ host: PUBLIC.addresses.v4, port: 25, localAddress: first.address }));
      assert.equal((await smtp.command(`MAIL FROM:<${FROM}>`)).code, 503);
      assert.equal((await smtp.command(`HELO ${HELO}`)).code, 250);
      assert.equal((await smtp.command(`MAIL FROM:<${FROM}>`)).code, 250);
      smtp.close();
    });
  });
}
