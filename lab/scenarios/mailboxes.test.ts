/** M3, M4, M8, M10, M11, M12: what somebody finds who logs in to read mail, and where mail is filed. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { CLIENT, Dialogue, emptied, fetched, type Login, ManageSieve, type Release, type Server, STRANGER, serve } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
/** RFC 6154; INBOX is its own. */
const SPECIAL: Readonly<Record<string, string>> = {
  Archive: '\\Archive',
  Drafts: '\\Drafts',
  INBOX: '',
  Sent: '\\Sent',
  Spam: '\\Junk',
  Trash: '\\Trash',
};
const ANNA: Login = { user: 'anna@hauspost.test', pass: 'a-password' };
const ROBOT: Login = { user: 'robot@hauspost.test', pass: 'a-password' };
const GONE: Login = { user: 'gone@hauspost.test', pass: 'a-password' };
const NOT_A_LOGIN: readonly (readonly [string, Login])[] = [
  ['a wrong password', { ...ANNA, pass: 'wrong' }],
  ['an unknown account', { user: 'nobody@hauspost.test', pass: 'a-password' }],
  ['a send-only account', ROBOT],
  ['a send-only account in another case', { ...ROBOT, user: 'Robot@Hauspost.Test' }],
  ['a disabled account', GONE],
  ['a name without a domain', { ...ANNA, user: 'anna' }],
  ['an account with a tag', { ...ANNA, user: 'anna+tag@hauspost.test' }],
  ['an alias', { ...ANNA, user: 'alias@hauspost.test' }],
  ['SQL in the name', { ...ANNA, user: "anna'-- @hauspost.test" }],
  ['a way into another directory', { ...ANNA, user: 'anna@hauspost.test/../anna' }],
];

const WAYS = [
  ['993 with TLS', { port: 993, secure: true }],
  ['143 with STARTTLS', { port: 143, secure: false, doSTARTTLS: true }],
] as const;

const plain = ({ user, pass }: Login): string => Buffer.from(`\0${user}\0${pass}`).toString('base64');

/** The answer to one command, all lines of it, after the greeting. */
const imapSays = async (dialogue: Dialogue, words: string): Promise<string> => {
  dialogue.send(`a1 ${words}\r\n`);
  return (await dialogue.take(/^(?:\*[^\n]*\n)*a1 [^\n]*\n/))[0];
};

/** The answer to an IMAP login in so many words; the name of the host and the time are no part of it. */
const imapAnswer = async (server: Server, login: Login): Promise<string> => {
  const socket = await server.machine.dial({ host: '127.0.0.1', port: 993, localAddress: CLIENT });
  const dialogue = new Dialogue(connectTls({ socket, ...server.trust }));
  await dialogue.take(/^\* OK[^\n]*\n/);
  const answer = await imapSays(dialogue, `AUTHENTICATE PLAIN ${plain(login)}`);
  dialogue.close();
  return answer;
};

const sieveAnswer = async (server: Server, login: Login): Promise<string> => {
  const sieve = await server.sieve();
  const { status, words } = await sieve.login(login);
  sieve.close();
  return status + words;
};

const message = (id: string, from: string, more: readonly string[] = [], complete = true): string =>
  [
    `From: <${from}>`,
    `Message-ID: <${id}@hauspost.test>`,
    'Subject: filed',
    ...(complete ? [`To: <${ANNA.user}>`, dated()] : []),
    ...more,
    '',
    'text',
    '',
  ].join('\r\n');

const deliver = async (server: Server, from: string, to: string, text: string): Promise<void> => {
  const smtp = await server.stranger();
  await smtp.command(`MAIL FROM:<${from}>`);
  await smtp.command(`RCPT TO:<${to}>`);
  const { code, lines } = await smtp.data(text);
  assert.equal(code, 250, lines.join(' '));
  smtp.close();
};

/** Mail from an address of ours by a host that may not send it, without a date and without a recipient: Rspamd marks it and does not refuse it. */
const deliverMarked = (server: Server, id: string, to = ANNA.user): Promise<void> =>
  deliver(server, 'boss@hauspost.test', to, message(id, 'boss@hauspost.test', [], false));

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
      await server.account(ANNA);
      await server.account(ROBOT, '--send-only');
      await server.account(GONE, '--disabled');
      await server.order('alias', 'add', 'alias@hauspost.test', ANNA.user);
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('M11: a first login shows the folders, subscribed, each with its special use', async () => {
      const { stdout } = await server.machine.run(['find', '/var/vmail/mailboxes/hauspost.test', '-name', 'anna']);
      assert.equal(stdout, '', 'nobody has logged in and nothing was delivered yet');
      const imap = await server.imap(ANNA);
      const folders = (await imap.list()).toSorted((a, b) => (a.path < b.path ? -1 : 1));
      assert.deepEqual(
        folders.map(({ path, subscribed, specialUse }) => [path, subscribed, path === 'INBOX' ? '' : specialUse]),
        Object.entries(SPECIAL).map(([path, use]) => [path, true, use]),
      );
      await imap.logout();
    });

    test('M11: the server itself says so: special uses and subscriptions', async () => {
      const socket = await server.machine.dial({ host: '127.0.0.1', port: 993, localAddress: CLIENT });
      const dialogue = new Dialogue(connectTls({ socket, ...server.trust }));
      await dialogue.take(/^\* OK[^\n]*\n/);
      assert.match(await imapSays(dialogue, `AUTHENTICATE PLAIN ${plain(ANNA)}`), /^a1 OK /m);
      const listed = await imapSays(dialogue, 'LIST (SPECIAL-USE) "" "*"');
      for (const [path, use] of Object.entries(SPECIAL)) {
        if (use !== '')
          assert.ok(
            listed.split('\r\n').some((line) => line.includes(use) && line.endsWith(` "/" ${path}`)),
            listed,
          );
      }
      const subscribed = await imapSays(dialogue, 'LSUB "" "*"');
      assert.deepEqual((subscribed.match(/(?<=^\* LSUB .* )\S+(?=\r$)/gm) ?? []).toSorted(), Object.keys(SPECIAL));
      dialogue.close();
    });

    test('D3: an address in another case is the same mailbox, for delivery, login and submission', async () => {
      const other: Login = { ...server.demo, user: 'DEMO@Hauspost.Test' };
      await deliver(server, 'friend@outside.test', 'demo@hauspost.test', message('d3-lower', 'friend@outside.test'));
      await deliver(server, 'friend@outside.test', 'Demo@HAUSPOST.test', message('d3-mixed', 'friend@outside.test'));
      for (const login of [other, server.demo]) {
        const imap = await server.imap(login);
        for (const id of ['d3-lower', 'd3-mixed']) assert.match(await fetched(imap, 'INBOX', `<${id}@hauspost.test>`), /^Subject: filed\r$/m);
        await imap.logout();
      }
      const { stdout } = await server.machine.run([
        'find',
        '/var/vmail/mailboxes',
        '-mindepth',
        '1',
        '-maxdepth',
        '2',
        '-iname',
        '*demo*',
        '-o',
        '-iname',
        '*hauspost*',
      ]);
      assert.deepEqual(stdout.trim().split('\n').toSorted(), ['/var/vmail/mailboxes/hauspost.test', '/var/vmail/mailboxes/hauspost.test/demo']);
      const smtp = await server.client(587, other);
      assert.equal((await smtp.command(`MAIL FROM:<${server.demo.user}>`)).code, 250);
      assert.equal((await smtp.command(`RCPT TO:<${ANNA.user}>`)).code, 250);
      smtp.close();
    });

    for (const [way, options] of WAYS) {
      test(`M12: IMAP on ${way}: the same mailbox as the other way, and the name in any case`, async () => {
        const [one, other] = [await server.imap({ ...ANNA, user: 'Anna@Hauspost.Test' }, options), await server.imap(ANNA)];
        const source = `Message-ID: <m12-${options.port}@client.test>\r\nSubject: twice\r\n\r\ntext\r\n`;
        await one.append('Drafts', source, []);
        assert.equal(await fetched(other, 'Drafts', `<m12-${options.port}@client.test>`), source);
        await one.logout();
        await other.logout();
      });

      test(`M3, M4, M12: who is not let in on ${way}`, async () => {
        const refused = NOT_A_LOGIN.map(([what, login]) => assert.rejects(server.imap(login, options), { authenticationFailed: true }, what));
        await Promise.all(refused);
      });
    }

    for (const [who, localAddress] of [
      ['a stranger', STRANGER],
      ['the machine itself', '127.0.0.1'],
    ] as const) {
      test(`M12: no login in clear on 143 and 4190, whatever the words, for ${who}`, async () => {
        const imap = [`LOGIN ${server.demo.user} ${server.demo.pass}`, `AUTHENTICATE PLAIN ${plain(server.demo)}`].map(async (words) => {
          const dialogue = new Dialogue(await server.machine.dial({ host: '127.0.0.1', port: 143, localAddress }));
          const [greeting] = await dialogue.take(/^\* OK[^\n]*\n/);
          assert.match(greeting, / STARTTLS/);
          if (who === 'a stranger') assert.match(greeting, / LOGINDISABLED/);
          assert.match(await imapSays(dialogue, words), /^a1 (NO|BAD) /m);
          dialogue.close();
        });
        const { sieve } = await ManageSieve.open(await server.machine.dial({ host: '127.0.0.1', port: 4190, localAddress }));
        assert.equal((await sieve.login(server.demo)).status, 'NO');
        sieve.close();
        await Promise.all(imap);
      });
    }

    test('M3: a send-only account is told on IMAP and ManageSieve what a wrong password is told, and nothing else', async () => {
      const tries = [{ ...ANNA, pass: 'wrong' }, ROBOT, ANNA];
      for (const answers of [imapAnswer, sieveAnswer].map((answer) => Promise.all(tries.map((login) => answer(server, login))))) {
        const [wrong = '', robot, right = ''] = await answers;
        assert.match(wrong, /\bNO\b/);
        assert.equal(robot, wrong);
        assert.match(right, /\bOK\b/);
      }
      const { stdout } = await server.machine.run(['journalctl', '-u', 'dovecot', '-o', 'cat', '--no-pager']);
      assert.doesNotMatch(stdout, /internal (authentication )?(error|failure)/i);
    });

    test('M4: a disabled account does not get in; enabled by plain SQL it does, within three seconds', async () => {
      const sql = (enabled: number): Promise<unknown> =>
        server.machine.run(['mariadb', 'vmail', '-e', `UPDATE accounts SET enabled = ${enabled} WHERE username = 'gone'`]);
      const times: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await sql(1);
        const begun = performance.now();
        const imap = await server.imap(GONE);
        times.push(performance.now() - begun);
        await imap.logout();
        await sql(0);
        await assert.rejects(server.imap(GONE), { authenticationFailed: true });
      }
      console.log(`    enabled by SQL, logged in ${times.map((ms) => ms.toFixed(0)).join(', ')} ms later`);
      // Whatever else the processors do only ever adds to it.
      assert.ok(Math.min(...times) < 3000, String(times));
    });

    test('M8: what Rspamd marks is in Spam; that a stranger marked his own mail does not count', async () => {
      await deliverMarked(server, 'm8-marked');
      await deliver(server, 'friend@outside.test', ANNA.user, message('m8-claimed', 'friend@outside.test', ['X-Spam: Yes']));
      const imap = await server.imap(ANNA);
      assert.match(await fetched(imap, 'Spam', '<m8-marked@hauspost.test>'), /^X-Spam: Yes\r$/m);
      assert.doesNotMatch(await fetched(imap, 'INBOX', '<m8-claimed@hauspost.test>'), /^X-Spam:/im);
      await imap.logout();
    });

    test('M12: the cache of a folder that is larger than a session has address space by default is read', async () => {
      const run = async (...argv: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await server.machine.run(argv, { ms: 120_000 });
        assert.equal(code, 0, stderr);
        return stdout;
      };
      let imap = await server.imap(ANNA);
      await imap.mailboxCreate('Large');
      const one = [`From: <${ANNA.user}>`, `X-Long: ${Array.from({ length: 66 }, () => 'y'.repeat(900)).join('\r\n ')}`, '', 'text', ''].join('\r\n');
      await imap.append('Large', one);
      await imap.logout();
      const folder = '/var/vmail/mailboxes/hauspost.test/anna/mail/Large';
      await run('perl', '-e', 'my ($one) = glob "$ARGV[0]/{new,cur}/*"; link $one, "$ARGV[0]/cur/$_.x:2,S" or die $! for 1 .. 5000', folder);
      await run('sh', '-c', 'doveadm fetch -u "$1" hdr.x-long mailbox Large >/dev/null', 'sh', ANNA.user);
      assert.ok(Number(await run('stat', '-c', '%s', `${folder}/dovecot.index.cache`)) > 256 * 1024 * 1024);
      imap = await server.imap(ANNA);
      const lock = await imap.getMailboxLock('Large');
      const got = await imap.fetchOne('5000', { headers: ['x-long'] });
      lock.release();
      await imap.logout();
      assert.ok(got !== false && (got.headers?.length ?? 0) > 59_000);
      assert.doesNotMatch(await server.machine.journalSoFar(), /dovecot\.index\.cache/);
      await run('doveadm', 'mailbox', 'delete', '-u', ANNA.user, 'Large');
    });

    test('M10: ManageSieve on 4190: STARTTLS, no mechanism in clear, the extensions that users may use', async () => {
      const { sieve, capabilities } = await ManageSieve.open(await server.machine.dial({ host: '127.0.0.1', port: 4190, localAddress: CLIENT }));
      assert.match(capabilities, /^"STARTTLS"/m);
      assert.match(capabilities, /^"SASL" ""/m);
      const secured = await sieve.startTls(server.trust);
      assert.match(secured, /^"SASL" "PLAIN LOGIN"/m);
      assert.match(secured, /^"SIEVE" "(?=.*\bfileinto\b)(?=.*\bvacation\b)(?=.*\bmailbox\b)/m);
      assert.doesNotMatch(secured, /vnd\.dovecot\.(pipe|execute|filter)/);
      sieve.close();
    });

    test('M10: a script is uploaded, checked, activated, and files mail; what is marked goes to Spam all the same', async () => {
      const sieve = await server.sieve();
      assert.equal((await sieve.login(ANNA)).status, 'OK');
      const script = 'require ["fileinto", "mailbox"];\r\nif header :is "Subject" "filed" { fileinto :create "Lists"; }\r\n';
      assert.equal((await sieve.put('lists', script)).status, 'OK');
      assert.equal((await sieve.command('SETACTIVE "lists"')).status, 'OK');
      assert.match((await sieve.command('LISTSCRIPTS')).lines, /^"lists" ACTIVE\r$/m);
      await deliver(server, 'friend@outside.test', ANNA.user, message('m10-filed', 'friend@outside.test'));
      await deliverMarked(server, 'm10-marked');
      await emptied(server); // the folder is made by the message that it is for
      const imap = await server.imap(ANNA);
      await fetched(imap, 'Spam', '<m10-marked@hauspost.test>');
      const others = await server.imap(ANNA);
      await fetched(others, 'Lists', '<m10-filed@hauspost.test>');
      await imap.logout();
      await others.logout();
      sieve.close();
    });

    for (const [what, script] of [
      ['what is no script', 'if true { keep;'],
      ['an extension that was not asked for', 'fileinto "Lists";'],
      ['a program that gets the message', 'require "vnd.dovecot.pipe"; pipe "true";'],
      ['a program that is asked', 'require "vnd.dovecot.execute"; execute "true";'],
      ['a program that changes the message', 'require "vnd.dovecot.filter"; filter "true";'],
    ] as const) {
      test(`M10: refused as a script: ${what}`, async () => {
        const sieve = await server.sieve();
        await sieve.login(ANNA);
        assert.equal((await sieve.put('bad', script)).status, 'NO');
        assert.doesNotMatch((await sieve.command('LISTSCRIPTS')).lines, /"bad"/);
        sieve.close();
      });
    }
  });
}
