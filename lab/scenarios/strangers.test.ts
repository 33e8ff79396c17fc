/**
 * M1, M2, M3, M5, M8, M16, M17, M18, M20 as a host somewhere else sees them, by IPv4 and IPv6: it has a name, comes through postscreen, and is
 * local to nobody, which on a machine of profile local everybody is. And what is only for such a host: greylisting, a name that does not lead back.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MISNAMED, OUTSIDE, serveAbroad } from '../abroad.ts';
import { dated } from '../dated.ts';
import { minutesPass } from '../greylisting.ts';
import { scansOf } from '../history.ts';
import { fetched, PUBLIC, type Reply, type Server, type Target, until } from '../index.ts';
import { whereTo } from '../parts/aliases.ts';
import { testPatterns } from '../parts/patterns.ts';
import { ACCEPTED, isRefused, recipient, refusedAt, relaysAt, settleRecipients } from '../parts/recipients.ts';
import { largestArrive, sizesAreLimited } from '../parts/sizes.ts';
import { smuggledIn, smuggledOut } from '../parts/smuggling.ts';
import { VERIFIED_RECORDS, verified } from '../parts/verified.ts';
import { neverThrough, REDIS, without } from '../parts/without.ts';

const HERE = PUBLIC.addresses;
const WAYS: Readonly<Record<'IPv4' | 'IPv6', Partial<Target>>> = {
  IPv4: { host: HERE.v4, localAddress: OUTSIDE.v4 },
  IPv6: { host: HERE.v6, localAddress: OUTSIDE.v6 },
};
const MISNAMED_WAYS: typeof WAYS = {
  IPv4: { host: HERE.v4, localAddress: MISNAMED.v4 },
  IPv6: { host: HERE.v6, localAddress: MISNAMED.v6 },
};

const tables = (get: () => Server, at: Partial<Target>, family: string): void => {
  for (const [what, path] of ACCEPTED) {
    test(`${what} is accepted at RCPT, by ${family}: ${path}`, async () => {
      const { code, lines } = await recipient(await get().stranger(at), path);
      assert.equal(code, 250, lines.join(' '));
    });
  }

  for (const [what, path] of refusedAt(PUBLIC.hostname)) {
    test(`${what} is refused at RCPT, by ${family}: ${path}`, async () => isRefused(await recipient(await get().stranger(at), path)));
  }

  for (const [how, path] of relaysAt(PUBLIC.hostname, OUTSIDE.v4)) {
    test(`M16: no relay by ${family}, ${how}: ${path}`, async () => isRefused(await recipient(await get().stranger(at), path)));
  }

  test(`M16: no relay by ${family} with a sender of ours, without a sender, or under TLS; an account of ours is accepted`, async () => {
    for (const from of ['demo@hauspost.test', '']) isRefused(await recipient(await get().stranger(at), '<friend@outside.test>', from));
    for (const [path, code] of [
      ['<friend@outside.test>', 554],
      ['<demo@hauspost.test>', 250],
    ] as const) {
      const smtp = await get().stranger(at);
      await smtp.startTls(get().trust);
      await smtp.command('EHLO mail.outside.test');
      assert.equal((await recipient(smtp, path)).code, code, path);
    }
    assert.equal((await recipient(await get().stranger(at), '<demo@hauspost.test>', '')).code, 250);
  });
};

/** From `at`; the answer to the end of the data. */
const sent = async (server: Server, at: Partial<Target>, from: string, id: string, head: readonly string[]): Promise<Reply> => {
  const smtp = await server.stranger(at);
  try {
    for (const line of [`MAIL FROM:<${from}>`, 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250, line);
    const more = ['To: <demo@hauspost.test>', `Message-ID: <${id}>`, 'Subject: Minutes', 'MIME-Version: 1.0', 'Content-Type: text/plain'];
    return await smtp.data([...head, ...more, '', `Hello, here is what we said on Thursday (${id}).`, ''].join('\r\n'));
  } finally {
    smtp.close();
  }
};

const lies = async (server: Server, id: string): Promise<string> => {
  const imap = await server.imap(server.demo);
  try {
    return await fetched(imap, 'INBOX', `<${id}>`);
  } finally {
    await imap.logout();
  }
};

const greylisting = (get: () => Server): void => {
  for (const [family, at] of Object.entries(WAYS)) {
    test(`greylisting, by ${family}: four points are told to come later, again when they come at once, and are taken five minutes later; fewer are taken`, async () => {
      const server = get();
      // Senders of their own: whatever else they send is told the same.
      const [odd, plain] = [`odd-${family}@outside.test`, `plain-${family}@outside.test`];
      // A name that is somebody else's address, and no date: between the four points of greylisting and the six of Spam.
      const head = [`From: "service@paypal.com" <${odd}>`];
      for (const when of ['first', 'at once']) {
        const { code, lines } = await sent(server, at, odd, odd, head);
        assert.equal(code, 451, `${when}: ${lines.join(' ')}`);
      }
      assert.equal((await sent(server, at, plain, plain, [`From: <${plain}>`, dated()])).code, 250);
      assert.ok((await minutesPass(server.machine)) > 0);
      const { code, lines } = await sent(server, at, odd, odd, head);
      assert.equal(code, 250, lines.join(' '));
      for (const id of [odd, plain]) assert.doesNotMatch(await lies(server, id), /^X-Spam:/im);
      const actions = await until(
        'all is in the history',
        async () => {
          const scans = await scansOf(server.machine, odd);
          return scans.length === 3 ? scans.map(({ action }) => action) : undefined;
        },
        30_000,
        200,
      );
      assert.deepEqual(actions, ['no action', 'soft reject', 'soft reject']);
      const [{ score } = { score: 0 }] = await scansOf(server.machine, odd);
      assert.ok(score >= 4 && score < 6, String(score));
    });
  }
};

/** What such a name gets. */
const POINTS = 2.5;

const names = (get: () => Server): void => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    test(`M17: by ${family}, a name that does not lead back is a matter of points alone: the mail arrives; who has a right name gets none`, async () => {
      const server = get();
      const pointsOf = async (at: Partial<Target>, from: string): Promise<number> => {
        const id = `name-${family}-${from}`;
        const { code, lines } = await sent(server, at, from, id, [`From: <${from}>`, dated()]);
        assert.equal(code, 250, lines.join(' '));
        await lies(server, id);
        const [scan] = await scansOf(server.machine, id);
        return scan?.symbols['HFILTER_HOSTNAME_UNKNOWN']?.score ?? 0;
      };
      assert.equal(await pointsOf(MISNAMED_WAYS[family], 'ada@misnamed.test'), POINTS);
      assert.equal(await pointsOf(WAYS[family], 'ada@outside.test'), 0);
    });
  }
};

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, () => {
    let server: Server;
    const get = (): Server => server;
    before(async () => {
      server = await serveAbroad(release, VERIFIED_RECORDS);
      await settleRecipients(server);
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('M17: who comes for the first time waits for the greeting, by IPv4 and IPv6, and then no more', async () => {
      const seconds = async (at: Partial<Target>): Promise<number> => {
        const begun = performance.now();
        (await server.stranger(at)).close();
        return (performance.now() - begun) / 1000;
      };
      const everybody = [...Object.values(WAYS), ...Object.values(MISNAMED_WAYS)];
      const first = await Promise.all(everybody.map(seconds));
      // Whatever else the processors do only ever adds to it.
      let later = await Promise.all(everybody.map(seconds));
      for (let visit = 0; visit < 2; visit += 1) {
        const again = await Promise.all(everybody.map(seconds));
        later = later.map((least, index) => Math.min(least, again[index] ?? least));
      }
      console.log(`    greeted after ${[...first, ...later].map((each) => each.toFixed(1)).join(', ')} s`);
      for (const [number, each] of first.entries()) assert.ok(each > 5 && each > 2 * (later[number] ?? each));
    });

    for (const [family, at] of Object.entries(WAYS)) tables(get, at, family);
    verified(get, WAYS);
    names(get);
    greylisting(get);
    testPatterns(get);
    smuggledIn(get);
    smuggledOut(get);
    whereTo(get);
    sizesAreLimited(get);
    largestArrive(get, ['one text']);
    without(get, REDIS);
    neverThrough(get);
  });
}
