/** M12, M13, M14: what people may send, and what leaves the server in their name. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import {
  arrived,
  CLIENT,
  CLIENT_NAME,
  Dialogue,
  fetched,
  bothAre,
  fromKeys,
  fromUnbound,
  type Login,
  type Outside,
  outside,
  type Received,
  type Release,
  type Server,
  Smtp,
  serve,
  signatures,
  until,
} from '../index.ts';
import { DEMO, FRIEND, MAY, MAY_NOT, ROBOT } from '../parts/may-send.ts';
import { GTUBE } from '../parts/patterns.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

const prepare = async (server: Server): Promise<void> => {
  for (const domain of ['second.test', 'third.test']) await server.order('domain', 'add', domain);
  await server.account(ROBOT, '--send-only');
  await server.account({ user: 'gone@hauspost.test', pass: 'gone-password' }, '--disabled');
  await server.account({ user: 'carl@hauspost.test', pass: 'carl-password' });
  for (const [source = '', ...destinations] of [
    ['sales@second.test', DEMO],
    ['chain@hauspost.test', 'sales@second.test'],
    ['team@hauspost.test', 'carl@hauspost.test', DEMO],
    ['carls@hauspost.test', 'carl@hauspost.test'],
    ['away@hauspost.test', FRIEND],
    ['@third.test', DEMO],
    ['off@hauspost.test', 'carl@hauspost.test'],
  ]) {
    await server.order('alias', 'add', source, ...destinations);
  }
  const sql =
    "INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES ('off', 'hauspost.test', 'demo', 'hauspost.test', 0)";
  const { code, stderr } = await server.machine.run(['mariadb', 'vmail', '-e', sql]);
  assert.equal(code, 0, stderr);
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = ({ user, pass }: Login): string => base64(`\0${user}\0${pass}`);

const header = (from: readonly string[], id: string, more: readonly string[] = []): string =>
  [...from, `To: <${DEMO}>`, 'Subject: submission', dated(), `Message-ID: <${id}@hauspost.test>`, ...more, '', 'text', ''].join('\r\n');

interface Answer {
  readonly code: number;
  readonly words: string;
}

/** The first answer that is no agreement, or the answer to the end of data. The dialogue is over then. */
const send = async (smtp: Smtp, envelope: string, to: string, text: string): Promise<Answer> => {
  const mail = await smtp.command(`MAIL FROM:<${envelope}>`);
  const rcpt = mail.code === 250 ? await smtp.command(`RCPT TO:<${to}>`) : mail;
  const { code, lines } = rcpt.code === 250 ? await smtp.data(text) : rcpt;
  smtp.close();
  return { code, words: lines.join(' ') };
};

const isTaken = ({ code, words }: Answer): void => assert.equal(code, 250, words);
const isRefused = ({ code, words }: Answer): void => assert.ok(code >= 500 && code < 600, `${code} ${words}`);

/** Where and how demo tries to log in: the lines of it, and the codes that answer them. */
type Try = readonly [what: string, where: 25 | 587 | 465, tls: boolean, lines: (demo: Login) => readonly string[], codes: readonly number[]];
const LOGINS: readonly Try[] = [
  ['AUTH PLAIN with an initial response', 587, true, (demo) => [`AUTH PLAIN ${plain(demo)}`], [235]],
  ['AUTH PLAIN step by step', 587, true, (demo) => ['AUTH PLAIN', plain(demo)], [334, 235]],
  ['AUTH LOGIN', 587, true, ({ user, pass }) => ['AUTH LOGIN', base64(user), base64(pass)], [334, 334, 235]],
  ['AUTH LOGIN with an initial response', 587, true, ({ user, pass }) => [`AUTH LOGIN ${base64(user)}`, base64(pass)], [334, 235]],
  ['AUTH PLAIN', 465, true, (demo) => [`AUTH PLAIN ${plain(demo)}`], [235]],
  ['AUTH LOGIN', 465, true, ({ user, pass }) => ['AUTH LOGIN', base64(user), base64(pass)], [334, 334, 235]],
  ['the address in another case', 465, true, ({ user, pass }) => [`AUTH PLAIN ${plain({ user: user.toUpperCase(), pass })}`], [235]],
  ['AUTH PLAIN in clear', 587, false, (demo) => [`AUTH PLAIN ${plain(demo)}`], [530]],
  ['AUTH LOGIN in clear', 587, false, () => ['AUTH LOGIN'], [530]],
  ['mail in clear', 587, false, () => [`MAIL FROM:<${DEMO}>`], [530]],
  ['AUTH PLAIN in clear', 25, false, (demo) => [`AUTH PLAIN ${plain(demo)}`], [503]],
  ['AUTH PLAIN under TLS', 25, true, (demo) => [`AUTH PLAIN ${plain(demo)}`], [503]],
  ['AUTH LOGIN under TLS', 25, true, () => ['AUTH LOGIN'], [503]],
  ['a login that is given up', 587, true, () => ['AUTH PLAIN', '*'], [334, 501]],
  ['a second login', 587, true, (demo) => [`AUTH PLAIN ${plain(demo)}`, `AUTH PLAIN ${plain(demo)}`], [235, 503]],
  ['CRAM-MD5', 587, true, () => ['AUTH CRAM-MD5'], [535]],
  ['ANONYMOUS', 465, true, () => [`AUTH ANONYMOUS ${base64('demo')}`], [535]],
  ['EXTERNAL', 465, true, () => [`AUTH EXTERNAL ${base64(DEMO)}`], [535]],
  ['a wrong password', 587, true, ({ user }) => [`AUTH PLAIN ${plain({ user, pass: 'wrong' })}`], [535]],
  ['a wrong password', 465, true, ({ user }) => ['AUTH LOGIN', base64(user), base64('wrong')], [334, 334, 535]],
  ['an empty password', 587, true, ({ user }) => [`AUTH PLAIN ${plain({ user, pass: '' })}`], [535]],
  ['the right password in another case', 587, true, ({ user, pass }) => [`AUTH PLAIN ${plain({ user, pass: pass.toUpperCase() })}`], [535]],
  ['an unknown account', 587, true, ({ pass }) => [`AUTH PLAIN ${plain({ user: 'nobody@hauspost.test', pass })}`], [535]],
  ['a disabled account', 587, true, () => [`AUTH PLAIN ${plain({ user: 'gone@hauspost.test', pass: 'gone-password' })}`], [535]],
  ['an alias', 587, true, ({ pass }) => [`AUTH PLAIN ${plain({ user: 'sales@second.test', pass })}`], [535]],
  ['a name without domain', 587, true, ({ pass }) => [`AUTH PLAIN ${plain({ user: 'demo', pass })}`], [535]],
  ['SQL in the name', 587, true, ({ pass }) => [`AUTH PLAIN ${plain({ user: "' OR '1'='1' -- @hauspost.test", pass })}`], [535]],
  ['somebody else as whom to act', 587, true, ({ user, pass }) => [`AUTH PLAIN ${base64(`carl@hauspost.test\0${user}\0${pass}`)}`], [535]],
];

/** Greeted, EHLO said, not logged in. */
const opened = async (server: Server, port: 25 | 587 | 465, tls: boolean): Promise<Smtp> => {
  const localAddress = CLIENT;
  if (tls && port !== 25) return server.client(port);
  const { smtp } = await Smtp.open(await server.machine.dial({ host: '127.0.0.1', port, localAddress }));
  await smtp.command(`EHLO ${CLIENT_NAME}`);
  if (tls) {
    await smtp.startTls(server.trust);
    await smtp.command(`EHLO ${CLIENT_NAME}`);
  }
  return smtp;
};

const SIGNED = /^DKIM-Signature:/im;

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let imap: ImapFlow;
    let abroad: Outside;
    before(async () => {
      server = await serve(release);
      abroad = await outside(server.machine);
      await prepare(server);
      imap = await server.imap(server.demo);
    });
    after(async () => {
      imap?.close();
      await abroad?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    test('M12: AUTH PLAIN and LOGIN, nothing else, and only under TLS on 587 and 465', async () => {
      for (const [port, tls, offer] of [
        [25, false, undefined],
        [25, true, undefined],
        [587, false, undefined],
        [587, true, 'AUTH PLAIN LOGIN'],
        [465, true, 'AUTH PLAIN LOGIN'],
      ] as const) {
        const smtp = await opened(server, port, tls);
        const { lines } = await smtp.command(`EHLO ${CLIENT_NAME}`);
        assert.deepEqual(
          lines.filter((line) => line.startsWith('AUTH')),
          offer === undefined ? [] : [offer],
          `${port}: ${lines.join('|')}`,
        );
        assert.equal(lines.includes('STARTTLS'), port !== 465 && !tls, `${port}: ${lines.join('|')}`);
        smtp.close();
      }
    });

    // At once: each refusal takes two seconds.
    describe('logins', { concurrency: LOGINS.length }, () => {
      for (const [what, port, tls, lines, codes] of LOGINS) {
        test(`M12: ${what} on ${port}: ${codes.join(', ')}`, async () => {
          const smtp = await opened(server, port, tls);
          const got: number[] = [];
          for (const line of lines(server.demo)) got.push((await smtp.command(line)).code);
          smtp.close();
          assert.deepEqual(got, codes);
        });
      }
    });

    test('M12: 465 speaks nothing in clear', async () => {
      const dialogue = new Dialogue(await server.machine.dial({ host: '127.0.0.1', port: 465, localAddress: CLIENT }));
      dialogue.send(`EHLO ${CLIENT_NAME}\r\n`);
      assert.doesNotMatch(await dialogue.untilEnd(), /220|250|mail\.hauspost\.test/);
    });

    test('M12: what comes in clear behind STARTTLS is never obeyed', async () => {
      const { smtp } = await Smtp.open(await server.machine.dial({ host: '127.0.0.1', port: 587, localAddress: CLIENT }));
      await smtp.command(`EHLO ${CLIENT_NAME}`);
      await smtp.startTls(server.trust, 'NOOP\r\n');
      assert.equal((await smtp.command(`EHLO ${CLIENT_NAME}`)).lines[0], 'mail.hauspost.test');
      assert.equal((await smtp.command('QUIT')).code, 221);
      smtp.close();
    });

    for (const port of [587, 465] as const) {
      test(`M12: mail on ${port} is taken after a login and arrives; without one it is not`, async () => {
        isRefused(await send(await server.client(port), DEMO, DEMO, header([`From: <${DEMO}>`], `m12-${port}-anonymous`)));
        isRefused(await send(await server.client(port), DEMO, FRIEND, header([`From: <${DEMO}>`], `m12-${port}-relay`)));
        isTaken(await send(await server.client(port, server.demo), DEMO, DEMO, header([`From: <${DEMO}>`], `m12-${port}`)));
        await fetched(imap, 'INBOX', `<m12-${port}@hauspost.test>`);
      });

      test(`M3: a send-only account sends on ${port}`, async () => {
        isTaken(await send(await server.client(port, ROBOT), ROBOT.user, DEMO, header([`From: <${ROBOT.user}>`], `m3-${port}`)));
        await fetched(imap, 'INBOX', `<m3-${port}@hauspost.test>`);
      });
    }

    for (const [what, envelope, ...from] of MAY) {
      test(`M13: demo may send with ${what}`, async () => {
        isTaken(await send(await server.client(587, server.demo), envelope, DEMO, header(from, 'm13')));
      });
    }

    for (const [what, envelope, ...from] of MAY_NOT) {
      test(`M13: demo may not send with ${what}`, async () => {
        isRefused(await send(await server.client(587, server.demo), envelope, DEMO, header(from, 'm13-not')));
      });
    }

    test('M13: where From is missing it becomes the envelope sender, and is judged and signed as that', async () => {
      isTaken(await send(await server.client(587, server.demo), 'sales@second.test', DEMO, header([], 'm13-completed')));
      const got = await fetched(imap, 'INBOX', '<m13-completed@hauspost.test>');
      assert.deepEqual(got.match(/^From:.*$/gim), ['From: sales@second.test']);
      isRefused(await send(await server.client(587, server.demo), 'carl@hauspost.test', DEMO, header([], 'm13-not')));
    });

    test('M13: a From whose name is folded is no header, and does not become one', async () => {
      const text = header([`From: <${DEMO}>`], 'm13-folded').replace('\r\n\r\n', '\r\nFrom\r\n : <carl@hauspost.test>\r\n\r\n');
      isTaken(await send(await server.client(587, server.demo), DEMO, DEMO, text));
      const [head = '', body] = (await arrived(imap, '<m13-folded@hauspost.test>')).split('\r\n\r\n');
      assert.deepEqual(head.match(/^From.*$/gim), [`From: <${DEMO}>`]);
      assert.equal(body, 'From\r\n : <carl@hauspost.test>');
    });

    test('M13: nothing of what was refused arrived', async () => {
      isTaken(await send(await server.client(587, server.demo), DEMO, DEMO, header([`From: <${DEMO}>`], 'm13-last')));
      await fetched(imap, 'INBOX', '<m13-last@hauspost.test>');
      const lock = await imap.getMailboxLock('INBOX');
      const found = [await imap.search({ header: { 'message-id': '<m13@' } }), await imap.search({ header: { 'message-id': '<m13-not@' } })];
      lock.release();
      assert.deepEqual(
        found.map((each) => (each || []).length),
        [MAY.length, 0],
      );
    });

    test('M12, M14: outside, nothing tells of the client; an attached message is untouched; the signature is right', async () => {
      const traces = ['X-Mailer: Mailer 1', 'x-mailer:Mailer 1', 'User-Agent: Agent 2\r\n (folded)', 'X-Originating-IP: [192.0.2.9]'];
      const attached = [
        'Received: from inner.example by attached.example; Tue, 24 Nov 2026 02:00:00 +0000',
        'X-Mailer: Inner 1',
        'User-Agent: Inner 2',
        'X-Originating-IP: [192.0.2.8]',
        'From: <inner@attached.example>',
        'Subject: inner',
        '',
        'X-Mailer: in the text',
      ].join('\r\n');
      const more = [...traces, 'X-Mailer-Version: kept', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b'];
      const text = header([`From: <${DEMO}>`], 'm12-traces', more).replace(
        '\r\n\r\ntext\r\n',
        `\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nouter text\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n${attached}\r\n--b--\r\n`,
      );
      isTaken(await send(await server.client(465, server.demo), DEMO, FRIEND, text));
      const { source, from, to } = await abroad.message('m12-traces');
      assert.deepEqual([from, to], [DEMO, [FRIEND]]);
      const [outer = '', ...rest] = source.split('\r\n\r\n');
      assert.doesNotMatch(outer, /^(X-Mailer|User-Agent|X-Originating-IP):|folded/im);
      assert.match(outer, /^X-Mailer-Version: kept/m);
      for (const trace of [CLIENT, CLIENT_NAME, 'Authenticated', 'Authentication-Results']) assert.ok(!source.includes(trace), `${trace}: ${outer}`);
      assert.ok(rest.join('\r\n\r\n').includes(attached), 'the attached message is as it was');

      assert.deepEqual(await signatures(source, fromUnbound(server.machine)), bothAre('hauspost.test'));
      const tampered = source.replace('outer text', 'other text');
      assert.deepEqual(await signatures(tampered, fromUnbound(server.machine)), bothAre('hauspost.test', 'neutral'));
    });

    test('M1: Authentication-Results that a login wrote is taken out, as that of a stranger; what has another name stays', async () => {
      const forged = [
        'Authentication-Results: mail.hauspost.test; dkim=pass header.d=bank.example',
        'authentication-results: mail.hauspost.test;\r\n\tspf=pass smtp.mailfrom=bank.example',
        'X-Authentication-Results: kept',
      ];
      for (const to of [DEMO, FRIEND])
        isTaken(await send(await server.client(587, server.demo), DEMO, to, header([`From: <${DEMO}>`], 'm1-forged', forged)));
      for (const got of [await fetched(imap, 'INBOX', '<m1-forged@hauspost.test>'), (await abroad.message('m1-forged')).source]) {
        assert.doesNotMatch(got, /bank\.example/);
        assert.match(got, /^X-Authentication-Results: kept\r$/m);
      }
    });

    test('M12: what a login sends is not marked, whatever it looks like: outside nothing says so, and here it is in INBOX', async () => {
      const odd = (id: string): string =>
        header([`From: "service@paypal.com" <${DEMO}>`], id)
          .replace('Subject: submission', 'Subject: YOUR ACCOUNT WILL BE CLOSED TODAY UNLESS YOU CONFIRM YOUR PASSWORD')
          .replace(`To: <${DEMO}>`, 'To: undisclosed-recipients:;');
      isTaken(await send(await server.client(587, server.demo), DEMO, FRIEND, odd('m12-odd')));
      isTaken(await send(await server.client(587, server.demo), DEMO, DEMO, odd('m12-odd-here')));
      const { source } = await abroad.message('m12-odd');
      for (const seen of [source, await fetched(imap, 'INBOX', '<m12-odd-here@hauspost.test>')]) assert.doesNotMatch(seen, /^X-Spam:/im);
      const score = await until(
        'the filter says what it thinks of it',
        async () => /<m12-odd@hauspost\.test>.*\[(-?[\d.]+)\/15/.exec(await server.machine.journalSoFar())?.[1],
        30_000,
        200,
      );
      assert.ok(Number(score) >= 6, `the score ${score}, which marks mail of strangers`);
      assert.deepEqual(await signatures(source, fromUnbound(server.machine)), bothAre('hauspost.test'));
      isRefused(await send(await server.client(587, server.demo), DEMO, FRIEND, header([`From: <${DEMO}>`], 'm12-gtube').replace('text', GTUBE)));
    });

    /** Once it is: mail of that login, seen outside. */
    const signed = (domain: string, login: Login, from: string): Promise<Received> => {
      let n = 0;
      return until(
        `mail from ${domain} is signed`,
        async () => {
          n += 1;
          const id = `m14-${domain}-${n}`;
          isTaken(await send(await server.client(587, login), from, FRIEND, header([`From: <${from}>`], id)));
          const got = await abroad.message(id);
          return SIGNED.test(got.source) ? got : undefined;
        },
        180_000,
        1_000,
      );
    };

    test('M14: signed with the key of the From domain, also where it is not that of the login, and for a domain that was just added', async () => {
      const begun = performance.now();
      const { source } = await signed('second.test', server.demo, 'sales@second.test');
      console.log(`    signed ${Math.round(performance.now() - begun)} ms after it was first tried`);
      assert.deepEqual(await signatures(source, fromKeys(server.machine)), bothAre('second.test'));
    });

    for (const [who, at] of [
      ['a stranger', undefined],
      ['loopback by IPv4', {}],
      ['loopback by IPv6', { host: '::1' }],
    ] as const) {
      test(`M14: mail without a login is not signed, whoever it says it is from: ${who}`, async () => {
        const id = `m14-${who.replaceAll(' ', '-')}`;
        const text = header(['From: <carl@hauspost.test>'], id);
        isTaken(await send(await server.stranger(at), who === 'a stranger' ? FRIEND : 'carl@hauspost.test', DEMO, text));
        assert.doesNotMatch(await arrived(imap, `<${id}@hauspost.test>`), SIGNED);
      });
    }

    test('M14: redirected mail is not signed, whoever it says it is from', async () => {
      isTaken(await send(await server.stranger(), FRIEND, 'away@hauspost.test', header(['From: <carl@hauspost.test>'], 'm14-redirect')));
      const { source } = await abroad.message('m14-redirect');
      assert.match(source, /^From: <carl@hauspost\.test>\r$/m);
      assert.doesNotMatch(source, SIGNED);
    });

    test('M14: a bounce is not signed, also where the host name is a domain with a key', async () => {
      const keeper: Login = { user: 'keeper@mail.hauspost.test', pass: 'keeper-password' };
      await server.order('domain', 'add', 'mail.hauspost.test');
      await server.account(keeper);
      const { source } = await signed('mail.hauspost.test', keeper, keeper.user);
      assert.deepEqual(await signatures(source, fromKeys(server.machine)), bothAre('mail.hauspost.test'));
      isTaken(await send(await server.client(587, server.demo), DEMO, 'refused@outside.test', header([`From: <${DEMO}>`], 'm14-bounced')));
      await imap.mailboxOpen('INBOX');
      const bounce = await until(
        'the bounce is in INBOX',
        async () => {
          await imap.noop();
          const [uid] = (await imap.search({ from: 'MAILER-DAEMON' }, { uid: true })) || [];
          const got = uid === undefined ? false : await imap.fetchOne(String(uid), { source: true }, { uid: true });
          return got === false ? undefined : got.source?.toString('latin1');
        },
        30_000,
        100,
      );
      const [own = ''] = bounce.split('\r\n\r\n');
      assert.match(own, /^From: .*<MAILER-DAEMON@mail\.hauspost\.test>\r$/m);
      assert.match(bounce, /refused@outside\.test/);
      assert.doesNotMatch(own, SIGNED);
    });
  });
}
