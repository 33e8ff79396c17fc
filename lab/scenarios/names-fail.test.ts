/**
 * M17: the names of the internet are slow, fail, or are gone, all of them or those of one list. Nobody is refused for good because of it: who comes
 * is told to come later, or let in where nothing is known against him; once names are back everybody is judged as before, and what waited arrives.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { minutesPass } from '../greylisting.ts';
import { arrived, until } from '../index.ts';
import {
  addressesOf,
  addressLines,
  apply,
  brought,
  type Call,
  callOf,
  domainLines,
  type EximServer,
  FAMILIES,
  type Family,
  fateOf,
  type ForeignHost,
  gone,
  handIn,
  inbox,
  type Internet,
  letter,
  listingLines,
  onEachReleaseThere,
  type Ours,
  reverseOf,
  said,
  senderLines,
  silent,
  slow,
  unloaded,
  type ZoneLine,
} from '../internet/index.ts';
import { ok } from '../people.ts';
import type { Addresses } from '../network.ts';
import { succeeded } from '../process.ts';

const BLOCKED = 'blocked.example.';
/** For everything to be judged as before, once names are there again. */
const BACK_MS = 120_000;
const LATE_MS = 1200;

interface Sender {
  readonly name: string;
  readonly addresses: Addresses;
}

let last = 400;
const sender = (name: string): Sender => ({ name, addresses: addressesOf(last++) });
const senders = (name: string, count: number): readonly Sender[] => Array.from({ length: count }, (_, number) => sender(`${name}-${number}`));

const KNOWN = sender('known');
/** Well kept, each for one time. */
const FRESH = senders('fresh', 20);
/** Listed, each for one time: whom postscreen(8) has let pass it knows for a while. */
const LISTED = senders('listed', 60);
const NAMELESS = senders('nameless', 6);
/** Without a name, and without_ptr says that it may. */
const EXCEPTED = sender('excepted');

const nameless = ({ name, addresses }: Sender): readonly ZoneLine[] => [...addressLines(`mail.${name}.example.`, addresses), ...domainLines(name)];

const LINES: readonly ZoneLine[] = [
  ...[KNOWN, ...FRESH, ...LISTED].flatMap(({ name, addresses }) => senderLines(name, addresses)),
  ...LISTED.flatMap(({ addresses }) => listingLines(addresses, BLOCKED, '127.0.0.2')),
  ...[...NAMELESS, EXCEPTED].flatMap(nameless),
  'strict.example. MX 10 mail.known.example.',
  'strict.example. TXT "v=spf1 include:spf.broken.example -all"',
  '_dmarc.strict.example. TXT "v=DMARC1; p=reject"',
  'spf.broken.example. TXT "v=spf1 mx -all"',
  'broken.example. MX 10 mail.known.example.',
];

const CONFIG = `
[incoming]
without_ptr = ${JSON.stringify(Object.values(EXCEPTED.addresses))}
dnsbl = ["blocked.example=127.0.0.2*3"]
`;

interface There {
  readonly street: ForeignHost;
  readonly steady: EximServer;
}

const arrange = async (net: Internet, server: Ours): Promise<There> => {
  const street = await net.host('street.example');
  await street.also(...[KNOWN, ...FRESH, ...LISTED, ...NAMELESS, EXCEPTED].map(({ addresses }) => addresses));
  await net.names.add(...LINES);
  const steady = await net.exim('steady', { certificate: 'authority' });
  await net.names.add('steady.example. TXT "v=spf1 mx -all"');
  await apply(server, CONFIG);
  return { street, steady };
};

/** What it remembers of names, not of servers. */
const forget = async ({ machine }: Ours): Promise<void> => void ok(await machine.run(['unbound-control', 'flush_zone', '.']));

const taken = <T>(pool: Iterator<T>): T => {
  const next = pool.next();
  if (next.done === true) throw new Error('nobody is left');
  return next.value;
};

onEachReleaseThere(
  async ({ net, server }) => ({
    ...(await arrange(net, server)),
    fresh: FRESH.values(),
    listed: LISTED.values(),
    nameless: NAMELESS.values(),
  }),
  (get) => {
    const all = () => Object.values(get().net.names.servers);
    const codeOf = async ({ name, addresses }: Sender, more: Partial<Call> = {}, family: Family = 'v4'): Promise<number> => {
      const { street, server } = get();
      const answer = await brought(street, server, { ...callOf(name, addresses, family), ...more });
      return answer.code;
    };
    const fresh = (): Sender => taken(get().fresh);
    const nobody = { sender: 'friend@no-such-domain.example' };

    /** Waits until all are judged as where nothing is amiss. */
    const judgedAsEver = async (what: string): Promise<void> => {
      const begin = performance.now();
      const since = (): string => ((performance.now() - begin) / 1000).toFixed(1);
      const newcomer = fresh();
      const wellKept = async (): Promise<string> => {
        const comesTo = (who: string, wanted: number, ask: () => Promise<number>): Promise<true> =>
          until(
            `${who} is told ${wanted}`,
            async () => {
              const code = await ask();
              assert.ok(code === wanted || code === 450, String(code));
              return code === wanted || undefined;
            },
            BACK_MS,
            500,
          );
        await comesTo('a well-kept sender', 250, () => codeOf(newcomer));
        await comesTo('a sender of no domain', 550, () => codeOf(KNOWN, nobody));
        return since();
      };
      const listed = async (): Promise<string> => {
        await until('one that is listed is refused', async () => (await codeOf(taken(get().listed))) === 550 || undefined, BACK_MS, 500);
        return since();
      };
      console.log(`    ${what}: the well-kept let in after ${(await Promise.all([wellKept(), listed()])).join(' s, the listed refused after ')} s`);
    };

    /** To RCPT, all at once; both families where it is said for one. */
    const answersTo = async (calls: Readonly<Record<string, readonly [Sender, Partial<Call>?]>>): Promise<Readonly<Record<string, number>>> => {
      const begin = performance.now();
      const each = Object.entries(calls).flatMap(([what, call]) => FAMILIES.map((family) => ({ what, call, family })));
      const got = await Promise.all(
        each.map(async ({ what, call: [who, more], family }) => [`${what} ${family}`, await codeOf(who, more, family)] as const),
      );
      console.log(`    all answers after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
      return Object.fromEntries(got);
    };
    const both = (codes: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
      Object.fromEntries(Object.entries(codes).flatMap(([what, code]) => FAMILIES.map((family) => [`${what} ${family}`, code])));

    test('M17: names are there: who is well kept is let in, who has no name is to come later, the listed and those of no domain are refused', async () => {
      const calls = {
        known: [KNOWN],
        listed: [taken(get().listed)],
        nameless: [taken(get().nameless)],
        excepted: [EXCEPTED],
        nobody: [KNOWN, nobody],
      } as const;
      assert.deepEqual(await answersTo(calls), both({ known: 250, listed: 550, nameless: 450, excepted: 250, nobody: 550 }));
    });

    test('M17: a sender whose zone is bogus is to come later; so is nobody else, and a domain whose SPF cannot be known is not refused', async () => {
      const { street, server } = get();
      assert.equal(await codeOf(KNOWN, { sender: 'friend@broken.example' }), 450);
      assert.equal(await codeOf(KNOWN), 250);
      const id = 'strict@strict.example';
      const call = { ...callOf(KNOWN.name, KNOWN.addresses, 'v4'), sender: 'friend@strict.example' };
      const send = () => brought(street, server, { ...call, text: letter(id, call.sender, server.demo.user) });
      let answer = await send();
      if (answer.code === 451) {
        await minutesPass(server.machine);
        answer = await send();
      }
      assert.equal(answer.code, 250, said(answer));
      const imap = await server.imap(server.demo);
      assert.match(await arrived(imap, `<${id}>`), /\bspf=temperror\b/);
      await imap.logout();
    });

    test('M17: a list whose zone fails, or that is silent, keeps nobody out; when it is back, it counts', async () => {
      const { primary } = get().net.names.servers;
      for (const [what, fail] of [
        ['the list fails', () => unloaded(primary, BLOCKED)],
        ['the list is silent', () => silent([primary])],
      ] as const) {
        await forget(get().server);
        {
          await using _ = await fail();
          assert.deepEqual(await answersTo({ fresh: [fresh()], listed: [taken(get().listed)] }), both({ fresh: 250, listed: 250 }), what);
        }
        await judgedAsEver(what);
      }
    });

    test('M17: without the zone of the names of IPv4 addresses, who comes by IPv4 is to come later, and by IPv6 is let in', async () => {
      const { registry, secondary } = get().net.names.servers;
      const zone = reverseOf(KNOWN.addresses).v4.split('.').slice(2).join('.');
      await forget(get().server);
      {
        await using _first = await unloaded(registry, zone);
        await using _second = await unloaded(secondary, zone);
        assert.deepEqual(await answersTo({ known: [KNOWN], fresh: [fresh()] }), {
          'known v4': 450,
          'known v6': 250,
          'fresh v4': 450,
          'fresh v6': 250,
        });
      }
      await judgedAsEver('names of addresses fail');
    });

    test('M17: names are slow: who is well kept is let in all the same, if not at once', async () => {
      await forget(get().server);
      {
        await using _ = slow(all(), LATE_MS);
        const [begin, newcomer] = [performance.now(), fresh()];
        for (const family of FAMILIES)
          await until(
            'a well-kept sender is let in',
            async () => {
              const code = await codeOf(newcomer, {}, family);
              console.log(`    slow, ${family}: ${code} after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
              assert.ok(code === 250 || code === 450, String(code));
              return code === 250 || undefined;
            },
            BACK_MS,
            500,
          );
      }
      await judgedAsEver('names were slow');
    });

    for (const [how, fail] of [
      ['gone', gone],
      ['silent', silent],
    ] as const)
      test(`M17: all names are ${how}: everybody is to come later, people's own mail arrives, what goes out waits; then all arrives, once`, async () => {
        const { server, steady } = get();
        const [incoming, own, outgoing] = [`in-${how}@steady.example`, `own-${how}`, `reader-${how}@steady.example`];
        await forget(server);
        {
          await using _ = await fail(all());
          const from = `ada@steady.example`;
          await steady.submit(from, server.demo.user, letter(incoming, from, server.demo.user).replaceAll('\r\n', '\n'));
          const send = ['sendmail', '-i', '-f', server.demo.user, outgoing];
          const text = letter(own, server.demo.user, outgoing).replaceAll('\r\n', '\n');
          succeeded(send, await server.machine.run(send, { input: text }));
          const calls = {
            known: [KNOWN],
            fresh: [fresh()],
            listed: [taken(get().listed)],
            nameless: [taken(get().nameless)],
            excepted: [EXCEPTED],
            nobody: [KNOWN, nobody],
            bounce: [EXCEPTED, { sender: '' }],
          } as const;
          const later = { known: 450, fresh: 450, listed: 450, nameless: 450, excepted: 450, nobody: 450, bounce: 250 };
          const ownMail = async (): Promise<string> => inbox(server, `${await handIn(server, server.demo.user)}@${server.identity.domain}`, BACK_MS);
          // All of it waits for names, so at once.
          const [answers, fate] = await Promise.all([
            answersTo(calls),
            fateOf(server, outgoing, BACK_MS),
            ownMail(),
            assert.rejects(handIn(server, `other-${outgoing}`), /: 450 /),
          ]);
          assert.deepEqual(answers, both(later));
          assert.equal(fate.status, 'deferred');
        }
        await judgedAsEver(`names were ${how}`);
        await inbox(server, incoming, BACK_MS);
        await until(
          'what waited for names has arrived',
          async () => {
            ok(await server.machine.run(['postqueue', '-f']));
            return (await steady.messages()).some((each) => each.includes(`<${own}>`)) || undefined;
          },
          BACK_MS,
          2000,
        );
        assert.equal((await steady.messages()).filter((each) => each.includes(`<${own}>`)).length, 1);
        const imap = await server.imap(server.demo);
        const lock = await imap.getMailboxLock('INBOX');
        assert.equal(((await imap.search({ header: { 'message-id': `<${incoming}>` } })) || []).length, 1);
        lock.release();
        await imap.logout();
      });
  },
);
