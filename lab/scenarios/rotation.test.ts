/**
 * M14, M15, M19: two servers of ours, one of each release, and an Exim write to each other while the certificates of both are renewed eight times, their
 * keys changed four times, and their DKIM keys eight times, all by `dns push` and upkeep. Everybody remembers what DNS said for as long as it lives. No message fails
 * DKIM, DANE or TLS at the other side, none is put off, and whoever is connected stays so.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test, type TestContext } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { dated } from '../dated.ts';
import { serverOn, until } from '../index.ts';
import { apply, type CertificateAuthority, type EximServer, type Internet, internet, type Ours, UPDATER } from '../internet/index.ts';
import type { Finding } from '../operator.ts';
import { allCome, type Receiver, receiverAt, repeating, type Sender, senderOf, verifiedIn } from '../parts/believing.ts';
import { json, ok } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';

const ROUNDS = 4;
const READER = 'reader@right.example';
const MESSAGES = 2000;
/** So that there are about as many by the end of the rounds. */
const EVERY_MS = { send: 520, submit: 1300 } as const;

interface Place {
  readonly server: Ours;
  readonly sender: Sender;
  readonly imap: ImapFlow;
  /** Serial numbers and keys of certificates that were seen on 465. */
  readonly serials: Set<string>;
  readonly keys: Set<string>;
  renewals: number;
  rotations: number;
}

let net: Internet;
let authority: CertificateAuthority;
let right: EximServer;
let receiver: Receiver;
let places: readonly Place[] = [];
/** Message-IDs that Exim has sent, by whom they are for. */
const submitted = new Map<string, string[]>();
const begun = new Date();

const shell = async ({ machine }: Ours, script: string, input = ''): Promise<string> =>
  ok(await machine.run(['sh', '-c', script], { input, ms: 120_000 })).stdout.trim();

const configuration = (): string => `
[dns]
ttl = "60s"
update_server = "${net.names.servers.primary.addresses.v4}"
update_key_file = "/etc/hauspost/dns-key"
[dkim]
retire_after = "60s"
[outgoing]
recipients_per_hour = 0
[tls]
source = "acme"
directory = "${authority.directory}"
`;

const KEY = `key "${UPDATER.name.replace(/\.$/, '')}" { algorithm ${UPDATER.algorithm}; secret "${UPDATER.secret}"; };\n`;
const SHOWN = 'openssl s_client -connect 127.0.0.1:465 </dev/null 2>/dev/null';

const noted = async (place: Place): Promise<void> => {
  const serial = await shell(place.server, `${SHOWN} | openssl x509 -noout -serial`);
  const key = await shell(place.server, `${SHOWN} | openssl x509 -noout -pubkey`);
  place.serials.add(serial);
  place.keys.add(key);
};

/** From what `up` left to a server that the world believes, by two commands. */
const begin = async (server: Ours): Promise<Ours> => {
  const { domain } = server.identity;
  await shell(server, "printf 'nameserver 127.0.0.1\\n' >/etc/resolv.conf");
  await shell(server, 'umask 077; cat >/etc/hauspost/dns-key', KEY);
  await apply(server, configuration());
  // The tests call it, and want to know what it says.
  await holdUpkeep(server.machine);
  await net.names.remove(`${domain}. TXT`);
  await server.order('dns', 'push', '--yes');
  await until(`all see ${domain}`, async () => (await server.hauspost(['dns', 'check', domain])).code === 0 || undefined, 60_000, 1000);
  await server.order('cert', 'renew');
  return server;
};

/** Whoever is connected stays so; after five minutes without a word both sides would give up. */
const connect = async (server: Ours): Promise<Place> => {
  const people = await serverOn(server.machine, server.demo, server.vantage, authority.root());
  const [smtp, imap] = [await people.client(587, server.demo), await people.imap(server.demo)];
  const place = { server: { ...server, imap: people.imap }, imap, sender: senderOf(smtp, server.demo), renewals: 0, rotations: 0 };
  const whole: Place = { ...place, serials: new Set(), keys: new Set() };
  await noted(whole);
  return whole;
};

const submit = async ({ server: { demo } }: Place): Promise<void> => {
  const ids = submitted.get(demo.user) ?? [];
  const id = `${ids.length + 1}.to.${demo.user}.from.right.example`;
  submitted.set(demo.user, [...ids, id]);
  const header = [`From: ${READER}`, `To: ${demo.user}`, `Subject: ${id}`, dated(), `Message-ID: <${id}>`];
  await right.submit(READER, demo.user, `${header.join('\n')}\n\nHello.\n`);
};

const upkeep = async ({ server }: Place): Promise<void> => {
  const { findings } = (await json(server, 'upkeep')) as { findings: readonly Finding[] };
  assert.deepEqual(findings, []);
};

const rolling = async ({ server }: Place): Promise<boolean> => ((await json(server, 'cert', 'status')) as { rollover: unknown }).rollover !== null;

const pending = async ({ server }: Place): Promise<boolean> =>
  ((await json(server, 'dkim', 'list')) as readonly { state: string }[]).some(({ state }) => state === 'pending');

/** Upkeep, again and again, until nothing is under way. */
const goesOn = (what: string, place: Place, underWay: (place: Place) => Promise<boolean>): Promise<true> =>
  until(
    `${place.server.identity.hostname}: ${what}`,
    async () => {
      await upkeep(place);
      return !(await underWay(place)) || undefined;
    },
    180_000,
    3000,
  );

const renew = async (place: Place): Promise<void> => {
  await place.server.order('cert', 'renew', '--force');
  place.renewals += 1;
  await noted(place);
};

const rotate = async (place: Place): Promise<void> => {
  await place.server.order('dkim', 'rotate');
  place.rotations += 1;
};

/** Two renewals, a rollover of the key, two rotations of DKIM keys. */
const round = async (place: Place): Promise<void> => {
  await renew(place);
  await place.server.order('cert', 'rollover');
  await rotate(place);
  await goesOn('the next DKIM keys sign', place, pending);
  await renew(place);
  await rotate(place);
  await goesOn('the next DKIM keys sign, the next key is in use', place, async (each) => (await pending(each)) || rolling(each));
  await noted(place);
};

const rounds = async (place: Place): Promise<void> => {
  for (let number = 1; number <= ROUNDS; number += 1) await round(place);
  const last = await shell(place.server, 'openssl pkey -in /var/lib/hauspost/tls/key.pem -pubout');
  // A process that was idle when it was told to reload may still answer one more connection.
  const isShown = async (): Promise<true | undefined> => {
    await noted(place);
    return place.keys.has(last) || undefined;
  };
  await until(`${place.server.identity.hostname} shows its last key`, isShown, 30_000, 200);
};

/** Everybody writes to everybody, from before the first change until after the last. */
const busily = async (work: () => Promise<unknown>): Promise<void> => {
  const [house, club] = places.map(({ server }) => server.demo.user);
  const flows = places.flatMap((place) => {
    const other = place.server.demo.user === house ? (club ?? '') : (house ?? '');
    const both = async (): Promise<void> => {
      await place.sender.send(READER);
      await place.sender.send(other);
    };
    return [repeating(both, 2 * EVERY_MS.send), repeating(() => submit(place), EVERY_MS.submit), repeating(() => place.imap.noop(), 5000)];
  });
  const looks = repeating(receiver.look, 5000);
  try {
    await work();
  } finally {
    await Promise.all([...flows, looks].map((stop) => stop()));
  }
};

before(async () => {
  net = await internet();
  authority = await net.pebble();
  right = await net.exim('right', { certificate: 'authority', tlsa: 'right' });
  await net.names.add('right.example. TXT "v=spf1 mx -all"');
  receiver = await receiverAt(right);
  const servers = [await begin(await net.ours('bookworm')), await begin(await net.ours('trixie'))];
  places = await Promise.all(servers.map(connect));
});
afterEach(async (context) => {
  // Node's types do not know it yet (nodejs.org/api/test.html, context.passed).
  if (!(context as TestContext & { readonly passed: boolean }).passed && net !== undefined) console.log(await net.report(begun));
});
after(() => net?.[Symbol.asyncDispose]());

const sentTo = (domain: string): readonly string[] => places.flatMap(({ sender }) => sender.ids.filter((id) => id.includes(`.to.${domain}.from.`)));

describe('keys and certificates change while mail flows', () => {
  test('eight renewals, four rollovers, eight rotations on each server; every message arrives', async () => {
    const started = performance.now();
    const count = (): number => places.reduce((sum, { sender }) => sum + sender.ids.length, [...submitted.values()].flat().length);
    await busily(async () => {
      await Promise.all(places.map(rounds));
      await until(
        () => `there are messages enough: ${count()}`,
        () => count() >= MESSAGES || undefined,
        600_000,
      );
    });
    await allCome('at Exim', sentTo('right.example'), async () => {
      await receiver.look();
      return receiver.ids;
    });
    for (const { server } of places) {
      const ids = [...sentTo(server.identity.domain), ...(submitted.get(server.demo.user) ?? [])];
      await allCome(server.identity.hostname, ids, async () => (await verifiedIn(server)).keys(), server);
    }
    console.log(`    ${count()} messages in ${((performance.now() - started) / 1000).toFixed(0)} s`);
    for (const { server, serials, keys, renewals, rotations } of places) {
      assert.deepEqual([renewals, rotations, keys.size], [8, 8, ROUNDS + 1], server.identity.hostname);
      // Each renewal, each rollover, and the first one.
      assert.ok(serials.size >= 1 + 2 * ROUNDS, `${serials.size}`);
    }
  });

  test('M14: both signatures of each message hold at the other side, by whatever keys', () => {
    assert.deepEqual(receiver.failures, []);
    // Two algorithms, two servers, the first keys and eight more: all of them were in use.
    assert.equal(receiver.selectors.size > 2 * 8, true, [...receiver.selectors].join());
  });

  test('M14: our own servers believe each other: DKIM, SPF and DMARC pass, of each message', async () => {
    for (const { server } of places) {
      const others = sentTo(server.identity.domain);
      const found = await verifiedIn(server);
      for (const id of others) {
        const told = found.get(id) ?? '';
        for (const what of ['dkim=pass', 'spf=pass', 'dmarc=pass']) assert.ok(told.includes(what), `${id}: ${told}`);
        assert.ok(!/dkim=(?!pass)/.test(told), `${id}: ${told}`);
      }
    }
  });

  test('M15: DANE vouched for each connection, and nobody had to wait', async () => {
    const log = (await right.log()).split('\n').filter((line) => / (?:=>|==|\*\*) demo@/.test(line));
    assert.deepEqual(
      log.filter((line) => !/ => .* CV=dane /.test(line)),
      [],
    );
    assert.equal(log.length, [...submitted.values()].flat().length);
    for (const { server, sender } of places) {
      const lines = (await server.machine.journal()).split('\n').filter((line) => line.includes('postfix/smtp['));
      const levels = lines.filter((line) => line.includes(' TLS connection established to '));
      assert.deepEqual(
        levels.filter((line) => !line.includes(': Verified TLS connection')),
        [],
      );
      const fates = lines.filter((line) => / status=\w+ /.test(line));
      assert.deepEqual(
        fates.filter((line) => !line.includes(' status=sent ')),
        [],
      );
      assert.equal(fates.length, sender.ids.length);
    }
  });

  test('M19: who was connected before the first change still is', async () => {
    for (const { imap, sender, server } of places) {
      await imap.noop();
      assert.equal(imap.usable, true);
      await sender.send(server.demo.user);
      sender.close();
      await imap.logout();
    }
  });
});
