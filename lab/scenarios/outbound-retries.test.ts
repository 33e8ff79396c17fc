/**
 * M15: mail that cannot be delivered now. Servers that say "later", that stop answering or hang up in each phase: it is put off, never lost,
 * never bounced. How long it is tried, and what becomes of notices that cannot be delivered either. Postfix's own times are shortened by
 * hand, as an operator might; that they are what they shall be says queue.test.ts.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { addressesOf, type EximServer, type ForeignHost, handIn, type Internet, onEachReleaseThere, type ZoneLine } from '../internet/index.ts';
import { letter } from '../parts/letter.ts';
import { type Fault, type Unreliable, unreliable } from '../parts/unreliable.ts';
import {
  type Attempt,
  attempted,
  byHand,
  flush,
  gone,
  noticeAbout,
  noticesAbout,
  onlyAttempt,
  postmasterOf,
  putOff,
  waitingFor,
} from '../parts/waiting.ts';
import { until } from '../process.ts';

/** Of smtp(8), postconf(5): a minute and more by default. */
const SHORT = Object.fromEntries(
  ['connect', 'helo', 'starttls', 'mail', 'rcpt', 'data_init', 'data_xfer', 'data_done'].map((what) => [`smtp_${what}_timeout`, '4s']),
);

const timedOut = (doing: string): RegExp => new RegExp(`^conversation with \\S+ timed out while ${doing}`);
const lost = (doing: string): RegExp => new RegExp(`^lost connection with \\S+ while ${doing}`);
const NO_TLS = /^Cannot start TLS: handshake failure$/;
const END = 'sending end of data -- message may be sent more than once$';

interface Stop extends Fault {
  readonly words: RegExp;
}

/** By the first label of its domain. */
const STOPS: Readonly<Record<string, Stop>> = {
  'no-greeting': { at: 'greeting', by: 'silence', words: timedOut('receiving the initial server greeting$') },
  'no-answer-to-ehlo': { at: 'EHLO', by: 'silence', words: timedOut('performing the EHLO handshake$') },
  'no-handshake': { at: 'handshake', by: 'silence', words: NO_TLS },
  'no-handshake-but-a-must': { at: 'handshake', by: 'silence', words: NO_TLS },
  'no-answer-to-mail': { at: 'MAIL', by: 'silence', words: timedOut('sending MAIL FROM$') },
  'no-answer-to-rcpt': { at: 'RCPT', by: 'silence', words: timedOut('sending RCPT TO$') },
  'no-answer-to-data': { at: 'DATA', by: 'silence', words: timedOut('sending DATA command$') },
  'no-answer-to-the-end': { at: 'end', by: 'silence', words: timedOut(END) },
  'hangs-up-at-once': { at: 'greeting', by: 'closing', words: lost('receiving the initial server greeting$') },
  'hangs-up-in-the-handshake': { at: 'handshake', by: 'closing', words: NO_TLS },
  'hangs-up-in-the-text': { at: 'text', by: 'closing', words: lost('sending (?:message body$|end of data)') },
  'hangs-up-at-the-end': { at: 'end', by: 'closing', words: lost(END) },
};
const NAMES = Object.keys(STOPS);
const MUST = 'no-handshake-but-a-must';
/** Each sees the end of the message, so each attempt is one more copy. */
const KEPT_UNANSWERED = ['no-answer-to-the-end', 'hangs-up-at-the-end'];
/** Where TLS is no must and does not come about, mail that has waited goes in clear. */
const GOES_IN_CLEAR = ['no-handshake', 'hangs-up-in-the-handshake'];

/** Of its addresses, one for each domain. */
const FIRST = 900;

const domainOf = (name: string): string => `${name}.stops.example`;
const recipientAt = (name: string): string => `reader@${domainOf(name)}`;
const addressOf = (name: string): string => addressesOf(FIRST + NAMES.indexOf(name)).v4;

const lines: readonly ZoneLine[] = NAMES.flatMap((name) => [
  `${domainOf(name)}. MX 10 mail.${domainOf(name)}.`,
  `mail.${domainOf(name)}. A ${addressOf(name)}`,
]);

/** The host of all these addresses. */
const stopsHost = async (net: Internet): Promise<ForeignHost> => {
  const host = await net.host('stops.example');
  await host.also(...NAMES.map((_, index) => addressesOf(FIRST + index)));
  await net.names.add(...lines);
  return host;
};

const stopping = (host: ForeignHost): Promise<Unreliable> =>
  unreliable(host, new Map(Object.entries(STOPS).map(([name, stop]) => [addressOf(name), stop])));

/** As long as it is there, `later@` is told to come later; the other one goes for `waits@` and `waits-too@`. */
const [LATER, WAITS] = ['/srv/later', '/srv/waits'];

const changeable = (net: Internet): Promise<EximServer> =>
  net.exim('changes', {
    certificate: 'authority',
    acl: {
      acl_smtp_rcpt: [
        'defer local_parts = later',
        `      condition = \${if exists{${LATER}}}`,
        '      message = 451 4.3.0 not today',
        'defer local_parts = waits : waits-too',
        `      condition = \${if exists{${WAITS}}}`,
        '      message = 451 4.3.0 not today',
        'defer local_parts = never',
        '      message = 451 4.3.0 never',
        'deny  local_parts = nobody',
        '      message = 550 5.1.1 nobody of that name',
        // People to whom no notice can be brought: not now, or not at all.
        'defer local_parts = deaf',
        '      senders = :',
        '      message = 451 4.3.0 no notices today',
        'deny  local_parts = shut',
        '      senders = :',
        '      message = 550 5.7.1 no notices',
      ],
    },
  });

/**
 * The queue manager waits as long as the message is old, within the first two: 5 minutes and an hour otherwise, 5 days and one as lifetimes.
 * In seconds.
 */
const [LEAST, MOST, LIFETIME, LIFETIME_OF_NOTICES] = [3, 8, 20, 5];
const HURRIED = {
  minimal_backoff_time: `${LEAST}s`,
  maximal_backoff_time: `${MOST}s`,
  queue_run_delay: '1s',
  maximal_queue_lifetime: `${LIFETIME}s`,
  bounce_queue_lifetime: `${LIFETIME_OF_NOTICES}s`,
};
/** It counts whole seconds and may begin one early (qmgr(8), which compares with the next second). */
const EARLY = 2;
/** Of a slow machine. */
const LATE = 10;

const copies = async (server: EximServer, mark: string): Promise<number> => (await server.messages()).filter((text) => text.includes(mark)).length;

onEachReleaseThere(
  async ({ net, server }) => {
    const changes = await changeable(net);
    await net.names.add('changes.example. TXT "v=spf1 mx -all"');
    await server.order('tls-policy', 'set', domainOf(MUST), 'encrypt');
    await server.order('alias', 'add', `forwarded@${server.identity.domain}`, 'nobody@changes.example');
    await server.order('alias', 'add', `passed-on@${server.identity.domain}`, 'waits-too@changes.example');
    return { changes, stopsHost: await stopsHost(net), postmaster: await postmasterOf(server) };
  },
  (get) => {
    const noNotices = async (...recipients: readonly string[]): Promise<void> => {
      const { server } = get();
      assert.deepEqual(await noticesAbout(server, server.demo, ...recipients), [], recipients.join(', '));
    };

    test('M15: servers that stop answering or hang up, in each phase: put off, and delivered once they are well', async (t) => {
      const { server } = get();
      await using stops = await stopping(get().stopsHost);
      await using _short = await byHand(server, { ...SHORT, minimal_backoff_time: '3s' });
      const subjects = new Map<string, string>();
      for (const name of NAMES) subjects.set(name, await handIn(server, recipientAt(name)));
      const received = (name: string): number => stops.texts.filter((each) => each.includes(`Subject: ${subjects.get(name)}\r\n`)).length;
      const first = new Map<string, Attempt>();
      for (const name of NAMES) first.set(name, await onlyAttempt(server, recipientAt(name)));
      const waiting = await waitingFor(server);
      for (const [name, { words }] of Object.entries(STOPS))
        await t.test(`${name}: deferred, and it waits`, () => {
          assert.equal(first.get(name)?.status, 'deferred', JSON.stringify(first.get(name)));
          assert.match(first.get(name)?.words ?? '', words);
          assert.match(first.get(name)?.code ?? '', /^4\./);
          assert.ok(waiting.includes(recipientAt(name)));
          assert.equal(received(name), KEPT_UNANSWERED.includes(name) ? 1 : 0);
        });
      await putOff(server, ...NAMES.map(recipientAt));
      // Instead of the five minutes and more that the queue manager waits by itself; that it does is the next test's.
      await flush(server);
      for (const name of NAMES) await attempted(server, recipientAt(name), 2);
      await gone(server, ...GOES_IN_CLEAR.map(recipientAt));
      await t.test('a second attempt: where TLS is no must and fails it goes in clear, where it is one it waits', async () => {
        const still = await waitingFor(server);
        for (const name of NAMES) {
          assert.equal(still.includes(recipientAt(name)), !GOES_IN_CLEAR.includes(name), name);
          assert.equal(received(name), GOES_IN_CLEAR.includes(name) ? 1 : KEPT_UNANSWERED.includes(name) ? 2 : 0, name);
        }
        await noNotices(...NAMES.map(domainOf));
      });
      stops.mend();
      await server.order('tls-policy', 'remove', domainOf(MUST));
      await putOff(server, ...NAMES.filter((name) => !GOES_IN_CLEAR.includes(name)).map(recipientAt));
      await flush(server);
      await gone(server, ...NAMES.map(recipientAt));
      await t.test(
        'all are there, once; twice and more only where the answer to the end was missing, and then as often as it was tried',
        async () => {
          for (const name of NAMES) {
            const attempts = await until(
              `${name} has taken it`,
              async () => {
                const all = await attempted(server, recipientAt(name), 2);
                return all.at(-1)?.status === 'sent' ? all : undefined;
              },
              30_000,
              200,
            );
            assert.equal(received(name), KEPT_UNANSWERED.includes(name) ? attempts.length : 1, name);
          }
          await noNotices(...NAMES.map(domainOf));
        },
      );
    });

    test('M15, M26: who writes from here hears once that it still waits, for whom and why; a stranger whose mail is passed on does not', async () => {
      const { server, changes } = get();
      const [to, other] = ['waits@changes.example', 'waits-too@changes.example'];
      await changes.host.room.put({ [WAITS]: '' });
      const { maximal_queue_lifetime: _, ...hurried } = HURRIED;
      await using _soon = await byHand(server, hurried, { 'submission-cleanup/unix/delay_warning_time': '3s' });
      const friend = 'friend@changes.example';
      await changes.submit(friend, `passed-on@${server.identity.domain}`, letter(friend, to, 'ladder', 'It is about the ladder.'));
      const subject = await handIn(server, to);
      const notice = await noticeAbout(server, server.demo, to);
      for (const line of [`Final-Recipient: rfc822; ${to}`, 'Action: delayed', 'Status: 4.3.0', `Subject: ${subject}`])
        assert.ok(notice.includes(`\r\n${line}\r\n`), `${line} in ${notice}`);
      assert.match(notice, /451 4\.3\.0 not today[\s\S]*\r\nWill-Retry-Until: /);
      assert.match(notice, /for more than 4 hour/);
      for (const each of [to, other]) await attempted(server, each, (await attempted(server, each)).length + 2);
      assert.equal((await noticesAbout(server, server.demo, to)).length, 1);
      assert.deepEqual(
        (await changes.messages()).filter((text) => text.includes('Delayed Mail')),
        [],
      );
      await changes.host.must(['rm', WAITS]);
      await gone(server, to, other);
      // Exim takes a message and delivers it then.
      for (const mark of [subject, 'ladder']) await changes.message(mark);
      assert.deepEqual(await Promise.all([subject, 'ladder'].map((mark) => copies(changes, mark))), [1, 1]);
    });

    describe('at the same time', { concurrency: true }, () => {
      let hurried: AsyncDisposable | undefined;
      before(async () => {
        await get().changes.host.room.put({ [LATER]: '' });
        hurried = await byHand(get().server, HURRIED);
      });
      after(() => hurried?.[Symbol.asyncDispose]());

      test('M15: who says 4xx is asked again by itself, later and later, and gets it once; others do not wait for that', async () => {
        const { server, changes } = get();
        const [to, at] = ['later@changes.example', 'now@changes.example'];
        const [subject, twin] = [await handIn(server, to), await handIn(server, at)];
        await changes.message(twin);
        assert.equal((await onlyAttempt(server, at)).status, 'sent');
        // With the one below three pauses; more might be too late for the end of its life.
        const tried = await attempted(server, to, 3);
        for (const { status, words } of tried)
          assert.match(`${status} ${words}`, /^deferred host mail\.changes\.example\[\S+ said: 451 4\.3\.0 not today/);
        await changes.host.must(['rm', LATER]);
        await changes.message(subject);
        const all = await attempted(server, to, tried.length + 1);
        assert.equal(all.at(-1)?.status, 'sent');
        const pauses = all.slice(1).map((attempt, index) => attempt.at - (all[index]?.at ?? 0));
        for (const [index, pause] of pauses.entries()) {
          const least = Math.min(Math.max(Math.floor(all[index]?.queued ?? 0), LEAST), MOST) - EARLY;
          assert.ok(pause > least && pause < MOST + LATE, `${pause} s, not ${least}, in ${JSON.stringify(all)}`);
        }
        assert.ok((pauses.at(-1) ?? 0) > (pauses[0] ?? 0), String(pauses));
        await gone(server, to);
        assert.equal(await copies(changes, subject), 1);
        await noNotices(to, at);
      });

      test('M15: what is not taken for as long as it may wait goes back to its sender, and no sooner', async () => {
        const { server } = get();
        const to = 'never@changes.example';
        const subject = await handIn(server, to);
        const notice = await noticeAbout(server, server.demo, to);
        const tried = await attempted(server, to, 2);
        assert.ok(
          tried.every(({ status }) => status === 'deferred'),
          JSON.stringify(tried),
        );
        assert.ok((tried.at(-1)?.age ?? 0) > LIFETIME - EARLY, JSON.stringify(tried));
        for (const line of [`Final-Recipient: rfc822; ${to}`, 'Action: failed', 'Status: 4.3.0', `Subject: ${subject}`])
          assert.ok(notice.includes(`\r\n${line}\r\n`), `${line} in ${notice}`);
        await gone(server, to);
      });

      test('M15, M26: a notice that cannot be delivered is tried for its own lifetime and dropped, and nobody is told; none to a null sender', async () => {
        const { server, changes, postmaster } = get();
        const to = `forwarded@${server.identity.domain}`;
        const [friend, deaf, shut] = ['friend@changes.example', 'deaf@changes.example', 'shut@changes.example'];
        for (const [name, from] of Object.entries({ nobody: '<>', deaf, shut, friend }))
          await changes.submit(from, to, letter(friend, to, `fence-${name}`, `It is about the fence, ${name}.`));
        const told = await changes.message('Undelivered Mail Returned to Sender', 120_000);
        for (const line of [/^Return-path: <>$/m, /^Envelope-to: friend@changes\.example$/m, /^Subject: fence-friend$/m]) assert.match(told, line);
        const expired = async (): Promise<true | undefined> => /from=<>, status=expired/.test(await server.machine.journalSoFar()) || undefined;
        await until('the notice for the deaf has expired', expired, 60_000, 250);
        const tried = await attempted(server, deaf, 2);
        assert.ok(
          tried.every(({ status }) => status === 'deferred'),
          JSON.stringify(tried),
        );
        const last = tried.at(-1)?.age ?? 0;
        assert.ok(last > LIFETIME_OF_NOTICES - EARLY && last < LIFETIME - EARLY, JSON.stringify(tried));
        const { status, code } = await onlyAttempt(server, shut);
        assert.deepEqual([status, code], ['bounced', '5.7.1']);
        const forwarded = await attempted(server, 'nobody@changes.example', 4);
        assert.deepEqual(new Set(forwarded.map((each) => `${each.status} ${each.code}`)), new Set(['bounced 5.1.1']));
        await gone(server, friend, deaf, shut, 'nobody@changes.example');
        const there = (await changes.messages()).filter((each) => each.includes('fence-'));
        assert.deepEqual(there, [told]);
        for (const login of [server.demo, postmaster]) assert.deepEqual(await noticesAbout(server, login, 'fence-'), []);
      });
    });
  },
);
