/**
 * M15, M26: where mail to others goes, by MX and without one, and who hears of it when it cannot. A server that refuses at RCPT and at the end
 * of the message, two MX of which one is dead, a null MX, IPv6 only; aliases to addresses outside; a relay host with and without a login.
 * Servers that say "later" or stop answering are those of outbound-retries.test.ts.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressesOf,
  addressLines,
  apply,
  type EximServer,
  handIn,
  type Internet,
  onEachReleaseThere,
  type Ours,
  type ZoneLine,
} from '../internet/index.ts';
import type { Login } from '../mail.ts';
import { letter } from '../parts/letter.ts';
import { attempted, flush, gone, noticeAbout, noticesAbout, onlyAttempt, postmasterOf, waitingFor } from '../parts/waiting.ts';
import { succeeded, until } from '../process.ts';

const takesMail = (net: Internet): Promise<EximServer> =>
  net.exim('takes', {
    certificate: 'authority',
    acl: {
      acl_smtp_rcpt: ['deny local_parts = nobody', '     message = 550 5.1.1 nobody of that name'],
      acl_smtp_data: [`deny condition = \${if match{$recipients}{unwelcome@}}`, '     message = 554 5.7.1 we do not want this'],
    },
  });

const CUSTOMER: Login = { user: 'customer@relay.example', pass: 'what-the-provider-said' };

/** At the relay: the password that it takes. */
const TAKEN = '/srv/password';

/** Takes mail for others on 587 from whoever logs in, and on 25 from the machine that it knows by its addresses. */
const relaysMail = (net: Internet, { identity: { addresses } }: Ours): Promise<EximServer> =>
  net.exim('relay', {
    certificate: 'authority',
    acl: {
      acl_smtp_rcpt: [
        'accept authenticated = *',
        `accept hosts = <; ${addresses.v4} ; ${addresses.v6}`,
        `       condition = \${if eq{$received_port}{25}}`,
      ],
    },
    more: ['daemon_smtp_ports = 25 : 587'],
    parts: [
      'begin authenticators',
      'plain:',
      '  driver = plaintext',
      '  public_name = PLAIN',
      '  server_prompts = :',
      `  server_condition = \${if and{{eq{$auth2}{${CUSTOMER.user}}}{eq{$auth3}{\${readfile{${TAKEN}}{}}}}}}`,
      '  server_set_id = $auth2',
      `  server_advertise_condition = \${if def:tls_in_cipher}`,
    ],
  });

/** No host has it. */
const NOBODY = addressesOf(899);

/** Domains whose mail the server of takes.example keeps. `refusing` is an address at which nobody listens. */
const waysThere = (takes: EximServer, refusing: string): readonly ZoneLine[] => [
  ...addressLines('unreachable.takes.example.', NOBODY),
  `refusing.takes.example. A ${refusing}`,
  'first-unreachable.takes.example. MX 10 unreachable.takes.example.',
  'first-unreachable.takes.example. MX 20 mail.takes.example.',
  'first-refusing.takes.example. MX 10 refusing.takes.example.',
  'first-refusing.takes.example. MX 20 mail.takes.example.',
  'first-nameless.takes.example. MX 10 no-such-host.takes.example.',
  'first-nameless.takes.example. MX 20 mail.takes.example.',
  'second-unreachable.takes.example. MX 10 mail.takes.example.',
  'second-unreachable.takes.example. MX 20 unreachable.takes.example.',
  `also-refusing.takes.example. A ${refusing}`,
  'both-dead.takes.example. MX 10 refusing.takes.example.',
  'both-dead.takes.example. MX 20 also-refusing.takes.example.',
  ...addressLines('without-mx.takes.example.', takes.host.addresses),
  'null-mx.takes.example. MX 0 .',
  'takes.example. TXT "v=spf1 mx -all"',
  'relay.example. TXT "v=spf1 mx -all"',
];

/** Within the first attempt; Postfix waits 30 s for an address that does not answer (smtp_connect_timeout), and there are two. */
const WITHIN_S = 60;

const WAYS: readonly (readonly [what: string, domain: string, relay: RegExp])[] = [
  ['an MX', 'takes.example', /^mail\.takes\.example\[/],
  ['an address and no MX', 'without-mx.takes.example', /^without-mx\.takes\.example\[/],
  ['an MX with IPv6 alone', 'six.example', /^mail\.six\.example\[2001:2::/],
  ['two MX, the second of which is dead', 'second-unreachable.takes.example', /^mail\.takes\.example\[/],
  ['two MX, the first of which cannot be reached', 'first-unreachable.takes.example', /^mail\.takes\.example\[/],
  ['two MX, the first of which refuses the connection', 'first-refusing.takes.example', /^mail\.takes\.example\[/],
  ['two MX, the first of which has no address', 'first-nameless.takes.example', /^mail\.takes\.example\[/],
];

/** What is said at submission (RFC 7505, RFC 3463), and the status of the notice about mail of a local program. */
const NOWHERE: readonly (readonly [what: string, domain: string, said: RegExp, status: string])[] = [
  ['with a null MX', 'null-mx.takes.example', /^556 5\.1\.10 /, '5.1.0'],
  ['that does not exist', 'no-such-domain.example', /^550 5\.1\.2 /, '5.4.4'],
];

const ROBOT = 'robot';

/** Header and body fields of a notice about one message (RFC 3464, RFC 3834), besides what the other server said. */
const isNotice = (
  notice: string,
  { identity: { hostname } }: Ours,
  about: { readonly from: string; readonly to: string; readonly subject: string },
): void => {
  const [header = ''] = notice.split('\r\n\r\n', 1);
  const has = (where: string, ...lines: readonly RegExp[]): void => {
    for (const line of lines) assert.match(where, line);
  };
  has(header, /^Return-Path: <>\r$/m, /^Auto-Submitted: auto-replied\r$/m, /^Subject: Undelivered Mail Returned to Sender\r$/m);
  has(header, /^Content-Type: multipart\/report; report-type=delivery-status;/m, new RegExp(`^To: ${about.from}\r$`, 'm'));
  has(header, new RegExp(`^From: .*<MAILER-DAEMON@${hostname.replaceAll('.', '\\.')}>\r$`, 'm'));
  assert.doesNotMatch(header, /^DKIM-Signature:/im);
  for (const line of [`Reporting-MTA: dns; ${hostname}`, `Final-Recipient: rfc822; ${about.to}`, 'Action: failed', `Subject: ${about.subject}`])
    assert.ok(notice.includes(`\r\n${line}\r\n`), `${line} in ${notice}`);
};

const fromProgram = async ({ machine }: Ours, from: string, to: string, subject: string): Promise<void> => {
  const argv = ['sendmail', '-i', '-f', from, to];
  succeeded(argv, await machine.run(argv, { input: `From: <${from}>\nTo: <${to}>\nSubject: ${subject}\n\nHello there.\n` }));
};

const aliases = async ({ order, identity: { domain }, demo }: Ours): Promise<void> => {
  await order('alias', 'add', `away@${domain}`, 'away@takes.example');
  await order('alias', 'add', `chain@${domain}`, `away@${domain}`);
  await order('alias', 'add', `both@${domain}`, demo.user, 'both@six.example', 'both@takes.example');
  await order('alias', 'add', `off@${domain}`, demo.user, 'off@takes.example');
  await order('alias', 'set', `off@${domain}`, 'off@takes.example', '--disabled');
};

/** Who writes to aliases of ours from elsewhere. */
const WRITER = 'writer@relay.example';
const SUBJECTS = ['to-away', 'to-chain', 'to-both', 'to-off'] as const;
const wordsOf = (subject: string): string => `Shall we meet at the bridge, ${subject}?`;

const writeToAliases = async (relay: EximServer, { identity: { domain } }: Ours): Promise<void> => {
  for (const subject of SUBJECTS) {
    const to = `${subject.replace('to-', '')}@${domain}`;
    await relay.submit(WRITER, to, letter(WRITER, to, subject, wordsOf(subject)));
  }
};

/** As often as it is there. */
const copies = async (server: EximServer, mark: string): Promise<readonly string[]> =>
  (await server.messages()).filter((each) => each.includes(mark));

const inInbox = async (server: Ours, subject: string): Promise<number> => {
  const imap = await server.imap(server.demo);
  try {
    await imap.mailboxOpen('INBOX');
    return ((await imap.search({ header: { subject } })) || []).length;
  } finally {
    await imap.logout();
  }
};

onEachReleaseThere(
  async ({ net, server }) => {
    const [takes, six] = [await takesMail(net), await net.exim('six', { certificate: 'authority' })];
    const relay = await relaysMail(net, server);
    await net.names.remove('mail.six.example. A');
    await net.names.add(...waysThere(takes, net.people.addresses.v4));
    await aliases(server);
    const robot: Login = { user: `${ROBOT}@${server.identity.domain}`, pass: 'password-of-robot' };
    await server.account(robot, '--send-only');
    // Strangers wait six seconds for the greeting, in which the first tests run.
    await writeToAliases(relay, server);
    return { takes, six, relay, robot, postmaster: await postmasterOf(server) };
  },
  (get) => {
    for (const [what, domain, relay] of WAYS)
      test(`M15: to a domain with ${what}: delivered at the first attempt`, async () => {
        const { server, takes, six } = get();
        const to = `way@${domain}`;
        const subject = await handIn(server, to);
        const attempt = await onlyAttempt(server, to, 90_000);
        assert.equal(attempt.status, 'sent', JSON.stringify(attempt));
        assert.match(attempt.relay, relay);
        assert.match(await (domain === 'six.example' ? six : takes).message(subject), new RegExp(`^Envelope-to: ${to.replaceAll('.', '\\.')}$`, 'm'));
        console.log(`    ${attempt.age} s`);
        assert.ok(attempt.age < WITHIN_S);
      });

    test('M15: where both MX are dead it waits, and nobody is told yet', async () => {
      const { server } = get();
      const to = 'way@both-dead.takes.example';
      await handIn(server, to);
      const attempt = await onlyAttempt(server, to, 90_000);
      assert.deepEqual([attempt.status, attempt.relay], ['deferred', 'none']);
      assert.ok((await waitingFor(server)).includes(to));
      assert.deepEqual(await noticesAbout(server, server.demo, to), []);
    });

    for (const [what, domain, said, status] of NOWHERE)
      test(`M15: a domain ${what}: refused at submission; what a program sent there comes back at once`, async () => {
        const { server } = get();
        const [from, to] = [server.demo.user, `way@${domain}`];
        await assert.rejects(handIn(server, to), (error: Error) => said.test(error.message.replace(/^RCPT TO:<[^>]*>: /, '')));
        const subject = `nowhere-${status}`;
        await fromProgram(server, from, to, subject);
        const attempt = await onlyAttempt(server, to);
        assert.deepEqual([attempt.status, attempt.relay, attempt.code], ['bounced', 'none', status], JSON.stringify(attempt));
        isNotice(await noticeAbout(server, server.demo, to), server, { from, to, subject });
        await gone(server, to);
      });

    for (const [to, status, words, command] of [
      ['nobody@takes.example', '5.1.1', '550 5.1.1 nobody of that name', 'RCPT TO'],
      ['unwelcome@takes.example', '5.7.1', '554 5.7.1 we do not want this', 'end of DATA'],
    ] as const)
      test(`M15: a server that says 5xx in reply to ${command}: the sender hears of it at once, by its words`, async () => {
        const { server, takes } = get();
        const from = server.demo.user;
        const [subject, twin] = [await handIn(server, to), await handIn(server, 'way@takes.example')];
        const notice = await noticeAbout(server, server.demo, to);
        isNotice(notice, server, { from, to, subject });
        const fields = [`Status: ${status}`, 'Remote-MTA: dns; mail.takes.example', `Diagnostic-Code: smtp; ${words}`, `References: <${subject}@`];
        for (const line of fields) assert.ok(notice.includes(`\r\n${line}`), `${line} in ${notice}`);
        const told = notice.replaceAll(/\s+/g, ' ');
        assert.ok(told.includes(`<${to}>: host mail.takes.example[`) && told.includes(` said: ${words} (in reply to ${command} command)`), notice);
        assert.equal((await onlyAttempt(server, to)).status, 'bounced');
        await takes.message(twin);
        assert.deepEqual(await copies(takes, subject), []);
        await gone(server, to);
      });

    test('M15: what a send-only account sent comes back to the postmaster; what a reader sent to the reader', async () => {
      const { server, robot, postmaster } = get();
      const from = robot.user;
      const to = 'nobody@first-refusing.takes.example';
      const subject = await handIn({ ...server, demo: robot }, to);
      isNotice(await noticeAbout(server, postmaster, to), server, { from, to, subject });
      assert.deepEqual(await noticesAbout(server, postmaster, 'nobody@takes.example'), []);
      assert.deepEqual(await noticesAbout(server, server.demo, to), []);
    });

    test("M5: aliases to addresses outside arrive there, from others and from our own, with the sender's envelope and without our signature", async () => {
      const { server, takes, six } = get();
      for (const [where, subject, to] of [
        [takes, 'to-away', 'away@takes.example'],
        [takes, 'to-chain', 'away@takes.example'],
        [takes, 'to-both', 'both@takes.example'],
        [six, 'to-both', 'both@six.example'],
      ] as const) {
        const message = await where.message(`Subject: ${subject}\n`, 120_000);
        assert.match(message, new RegExp(`^Envelope-to: ${to.replaceAll('.', '\\.')}$`, 'm'));
        assert.ok(message.includes(`Return-path: <${WRITER}>\n`), message);
        assert.ok(message.endsWith(`\n\n${wordsOf(subject)}\n`), message);
        assert.doesNotMatch(message, /^DKIM-Signature:/im);
      }
      const own = await handIn(server, `away@${server.identity.domain}`);
      assert.match(await takes.message(own), /^Envelope-to: away@takes\.example$/m);
      for (const subject of ['to-both', 'to-off'])
        assert.equal(await until(`${subject} is in INBOX`, async () => (await inInbox(server, subject)) || undefined, 60_000, 300), 1);
      await until(
        'all has gone its way',
        async () => !(await waitingFor(server)).some((to) => /^(?:away|both|off)@/.test(to)) || undefined,
        60_000,
        200,
      );
      for (const subject of SUBJECTS) assert.equal((await copies(takes, `Subject: ${subject}\n`)).length, subject === 'to-off' ? 0 : 1, subject);
    });

    test('M15: a relay host with a login: while it does not take the password mail waits, then all goes through it', async () => {
      const { server, takes, relay } = get();
      const file = '/etc/hauspost/relay-password';
      const argv = ['sh', '-c', 'umask 077; cat >"$1"', 'sh', file];
      succeeded(argv, await server.machine.run(argv, { input: `${CUSTOMER.pass}\n` }));
      await relay.host.room.put({ [TAKEN]: 'another since last year' });
      await apply(
        server,
        `\n[outgoing]\nrelay_host = "mail.relay.example"\nrelay_port = 587\nrelay_user = "${CUSTOMER.user}"\nrelay_password_file = "${file}"\n`,
      );
      const to = 'relayed@takes.example';
      const subject = await handIn(server, to);
      const refused = await onlyAttempt(server, to);
      assert.match(`${refused.status} ${refused.words}`, /^deferred SASL authentication failed; server mail\.relay\.example\[/);
      assert.ok((await waitingFor(server)).includes(to));
      assert.deepEqual(await copies(takes, subject), []);
      await relay.host.room.put({ [TAKEN]: CUSTOMER.pass });
      await flush(server);
      assert.match(await takes.message(subject), /^Received: from mail\.relay\.example /m);
      assert.deepEqual(
        (await attempted(server, to, 2)).map(({ status }) => status),
        ['deferred', 'sent'],
      );
      assert.match((await attempted(server, to, 2))[1]?.relay ?? '', /^mail\.relay\.example\[\S+\]:587$/);
      assert.match(await relay.log(), new RegExp(` <= ${server.demo.user} .* P=esmtpsa .* A=plain:${CUSTOMER.user} .*T="${subject}"`));
    });

    test('M15: a relay host that knows us by our address gets no login', async () => {
      const { server, takes, relay } = get();
      const edit = '/^relay_(user|password_file) /d; s/^relay_port = .*/relay_port = 25/';
      const argv = ['sed', '-Ei', edit, '/etc/hauspost/hauspost.toml'];
      succeeded(argv, await server.machine.run(argv));
      await apply(server, '');
      const to = 'known@takes.example';
      const subject = await handIn(server, to);
      assert.match(await takes.message(subject), /^Received: from mail\.relay\.example /m);
      const line = (await relay.log()).split('\n').find((each) => each.includes(' <= ') && each.includes(`T="${subject}"`)) ?? '';
      assert.match(line, / P=esmtps /);
      assert.doesNotMatch(line, / A=/);
      assert.match((await onlyAttempt(server, to)).relay, /^mail\.relay\.example\[\S+\]:25$/);
    });
  },
);
