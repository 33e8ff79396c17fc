/** M1, M2, M3, M6, M8, M16: what a stranger may send here, and that it arrives as it was sent; and that nobody smuggles, in or out. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { CLIENT, fetched, type Release, type Server, type Smtp, STRANGER, serve, until } from '../index.ts';
import { GTUBE, testPatterns } from '../parts/patterns.ts';
import { ACCEPTED, ANNA, FROM, isRefused, recipient, refusedAt, relaysAt, ROBOT, settleRecipients } from '../parts/recipients.ts';
import { smuggledIn, smuggledOut } from '../parts/smuggling.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const CLIENTS: readonly (readonly [string, Readonly<{ host?: string; localAddress?: string }>])[] = [
  ['a stranger', { localAddress: STRANGER }],
  ['a client without a name', { localAddress: CLIENT }],
  ['the machine itself by IPv4', {}],
  ['the machine itself by IPv6', { host: '::1' }],
];

/** Lines that transport must not change: dots, blanks at the end, empty lines, long ones, eight bits. */
const BODY = [
  '.',
  '..',
  '.starts with a dot',
  'ends with blanks  ',
  '\tbegins with a tab',
  '',
  'long '.repeat(199),
  'Gr\xc3\xbc\xc3\x9fe, \xff\xfe',
  '',
  'From here on',
  '',
  '',
  '',
].join('\r\n');

const message = (id: string): string =>
  [
    `From: <${FROM}>`,
    'To: <demo@hauspost.test>',
    'Subject: table',
    `Message-ID: <${id}@outside.test>`,
    dated(),
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    BODY,
  ].join('\r\n');

const deliver = async (smtp: Smtp, to: string, text: string): Promise<void> => {
  assert.equal((await smtp.command(`MAIL FROM:<${FROM}> BODY=8BITMIME`)).code, 250);
  assert.equal((await smtp.command(`RCPT TO:<${to}>`)).code, 250);
  const end = await smtp.data(text);
  assert.equal(end.code, 250, end.lines.join(' '));
  smtp.close();
};

const FORGED = 'boss@hauspost.test';
/** Above 15 points by rules of the package alone: who sends it may not, it has two types, no version of MIME and no date, a loud subject, and a word in two scripts. */
const worst = (id: string, text = 'C\xd0\xbenfirm now.'): string =>
  [
    `From: "service@paypal.com" <${FORGED}>`,
    'To: undisclosed-recipients:;',
    'Subject: YOUR ACCOUNT WILL BE CLOSED TODAY UNLESS YOU CONFIRM YOUR PASSWORD',
    `Message-ID: <${id}@outside.test>`,
    'Content-Type: text/plain',
    'Content-Type: text/plain',
    '',
    text,
    '',
  ].join('\r\n');

/** The answer to the end of data. */
const answered = async (smtp: Smtp, to: readonly string[], text: string): Promise<number> => {
  for (const line of [`MAIL FROM:<${FORGED}>`, ...to.map((each) => `RCPT TO:<${each}>`)]) assert.equal((await smtp.command(line)).code, 250, line);
  const { code } = await smtp.data(text);
  smtp.close();
  return code;
};

const count = async (imap: ImapFlow, messageId: string): Promise<number> => {
  const lock = await imap.getMailboxLock('INBOX');
  try {
    await imap.noop();
    return ((await imap.search({ header: { 'message-id': messageId } })) || []).length;
  } finally {
    lock.release();
  }
};

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let imap: ImapFlow;
    before(async () => {
      server = await serve(release);
      await settleRecipients(server);
      imap = await server.imap(server.demo);
    });
    after(async () => {
      imap?.close();
      await server?.[Symbol.asyncDispose]();
    });

    for (const [what, path] of ACCEPTED) {
      test(`${what} is accepted at RCPT on 25 and on submission: ${path}`, async () => {
        const onSubmission = await recipient(await server.client(587, ROBOT), path, ROBOT.user);
        for (const { code, lines } of [await recipient(await server.stranger(), path), onSubmission]) assert.equal(code, 250, lines.join(' '));
      });
    }

    for (const [what, path] of refusedAt('mail.hauspost.test')) {
      test(`${what} is refused at RCPT on 25 and on submission: ${path}`, async () => {
        isRefused(await recipient(await server.stranger(), path));
        isRefused(await recipient(await server.client(587, ROBOT), path, ROBOT.user));
      });
    }

    test('M2: outside, only submission leads on', async () => {
      isRefused(await recipient(await server.stranger(), '<friend@outside.test>'));
      assert.equal((await recipient(await server.client(587, ROBOT), '<friend@outside.test>', ROBOT.user)).code, 250);
    });

    for (const [who, at] of CLIENTS) {
      for (const [how, path] of relaysAt('mail.hauspost.test', STRANGER)) {
        test(`M16: no relay for ${who}, ${how}: ${path}`, async () => isRefused(await recipient(await server.stranger(at), path)));
      }

      test(`M16: no relay for ${who} with a sender of ours, without a sender, or under TLS; an account of ours is accepted`, async () => {
        for (const from of ['demo@hauspost.test', '']) isRefused(await recipient(await server.stranger(at), '<friend@outside.test>', from));
        for (const path of ['<friend@outside.test>', '<demo@hauspost.test>']) {
          const smtp = await server.stranger(at);
          await smtp.startTls(server.trust);
          await smtp.command('EHLO mail.outside.test');
          const answer = await recipient(smtp, path);
          if (path === '<friend@outside.test>') isRefused(answer);
          else assert.equal(answer.code, 250, answer.lines.join(' '));
        }
        assert.equal((await recipient(await server.stranger(at), '<demo@hauspost.test>', '')).code, 250);
      });
    }

    test('M16: nobody may say that he is somebody else', async () => {
      for (const line of ['XCLIENT ADDR=127.0.0.1 LOGIN=demo@hauspost.test', 'XFORWARD ADDR=127.0.0.1', 'VRFY demo@hauspost.test']) {
        const smtp = await server.stranger();
        const { code } = await smtp.command(line);
        assert.ok(code >= 500, `${line}: ${code}`);
        smtp.close();
      }
    });

    for (const tls of [true, false]) {
      test(`M1: arrives ${tls ? 'with' : 'without'} TLS, in time and unchanged`, async () => {
        let [got, ms] = ['', Number.POSITIVE_INFINITY];
        // Whatever else the processors do only ever adds to it.
        for (let n = 1; n <= 3 && ms > 3 * 2_000; n += 1) {
          const id = `m1-${tls}-${n}`;
          const smtp = await server.stranger();
          if (tls) {
            await smtp.startTls(server.trust);
            await smtp.command('EHLO mail.outside.test');
          }
          await deliver(smtp, 'demo@hauspost.test', message(id));
          const accepted = performance.now();
          got = await fetched(imap, 'INBOX', `<${id}@outside.test>`);
          ms = performance.now() - accepted;
          console.log(`    in INBOX ${Math.round(ms)} ms after it was accepted`);
        }
        assert.ok(ms < 3 * 2_000, `${ms} ms`);
        assert.equal(got.slice(got.indexOf('\r\n\r\n') + 4), BODY);
        const results = got.match(/^Authentication-Results:(?:.*\r\n)(?:[ \t].*\r\n)*/gim) ?? [];
        assert.equal(results.length, 1);
        assert.match(results[0] ?? '', /mail\.hauspost\.test;[\s\S]*spf=pass/);
        assert.match(got, tls ? /^\s.*using TLSv1\.[23]/m : /with ESMTP id/);
      });
    }

    test('M1: Authentication-Results that somebody else wrote in our name is taken out', async () => {
      const forged = 'Authentication-Results: mail.hauspost.test; dkim=pass header.d=bank.example\r\n';
      await deliver(await server.stranger(), 'demo@hauspost.test', forged + message('m1-forged'));
      const got = await fetched(imap, 'INBOX', '<m1-forged@outside.test>');
      assert.doesNotMatch(got, /bank\.example/);
      assert.equal(got.match(/^Authentication-Results:/gim)?.length, 1);
    });

    test('M3: dead destinations of a mixed alias are left out, the other one gets the mail, nobody a bounce', async () => {
      await deliver(await server.stranger(), 'mixed@hauspost.test', message('m3-mixed'));
      assert.match(await fetched(imap, 'INBOX', '<m3-mixed@outside.test>'), /^Subject: table/m);
      const { stdout } = await server.machine.run([
        'find',
        '/var/vmail/mailboxes',
        '(',
        '-path',
        '*/robot/*',
        '-o',
        '-path',
        '*/gone/*',
        ')',
        '-type',
        'f',
      ]);
      assert.equal(stdout, '');
      // Dovecot shows it before Postfix hears that it has it; a bounce would stay, since nobody takes it.
      await until('the queue is empty', async () => (await server.machine.run(['postqueue', '-j'])).stdout === '' || undefined, 30_000, 200);
    });

    for (const to of ['demo+tag@hauspost.test', 'DEMO@HAUSPOST.TEST', 'Demo+A+B@Hauspost.Test', 'Team+x@hauspost.test']) {
      test(`M6: ${to} arrives in INBOX, once`, async () => {
        const id = `<m6-${to.length}${to}>`;
        await deliver(await server.stranger(), to, message('x').replace('<x@outside.test>', id));
        await fetched(imap, 'INBOX', id);
        assert.equal(await count(imap, id), 1);
      });
    }

    test('M6: a chain of aliases with many destinations reaches each of them once', async () => {
      await deliver(await server.stranger(), 'chain@second.test', message('m6-chain'));
      const anna = await server.imap({ ...ANNA, user: ANNA.user.toUpperCase() });
      for (const each of [imap, anna]) {
        await fetched(each, 'INBOX', '<m6-chain@outside.test>');
        assert.equal(await count(each, '<m6-chain@outside.test>'), 1);
      }
      anna.close();
    });

    smuggledIn(() => server);
    smuggledOut(() => server);
    testPatterns(() => server);

    test('M8: mail for role names alone is not refused for its score but filed in Spam; for anybody else, also beside them, it is, as are test patterns', async () => {
      const demo = 'demo@hauspost.test';
      for (const to of [[demo], ['abuse@hauspost.test', demo], ['team@hauspost.test']])
        assert.equal(await answered(await server.stranger(), to, worst('m8-worst-not')), 554, to.join(' '));
      assert.equal(await answered(await server.stranger(), ['abuse@hauspost.test'], worst('m8-worst-not', GTUBE)), 554);
      const reader = await server.imap(server.demo);
      for (const [n, to] of [
        ['abuse@hauspost.test'],
        ['postmaster'],
        ['Hostmaster+x@second.test', 'ABUSE@third.test'],
        ['root@mail.hauspost.test'],
      ].entries()) {
        assert.equal(await answered(await server.stranger(), to, worst(`m8-worst-${n}`)), 250, to.join(' '));
        assert.match(await fetched(reader, 'Spam', `<m8-worst-${n}@outside.test>`), /^X-Spam: Yes\r$/m);
      }
      reader.close();
    });

    test('M16: commands before their turn are refused, the same ones in turn are not', async () => {
      const group = `MAIL FROM:<${FROM}>\r\nRCPT TO:<demo@hauspost.test>\r\nDATA\r\n`;
      const inTurn = await server.stranger();
      inTurn.send(group); // PIPELINING is offered: a group may end with DATA (RFC 2920 3.1)
      for (const wanted of [250, 250, 354]) assert.equal((await inTurn.reply()).code, wanted);
      inTurn.close();
      for (const early of [`${group}Message-ID: <early@outside.test>\r\n\r\nx\r\n.\r\n`, `EHLO mail.outside.test\r\n${group}`]) {
        const smtp = await server.stranger();
        smtp.send(early);
        const codes: number[] = [];
        while (!codes.some((code) => code >= 400)) codes.push((await smtp.reply()).code);
        smtp.close();
        assert.ok([503, 521, 550, 554].includes(codes.at(-1) ?? 0), codes.join(' '));
      }
      assert.equal(await count(imap, '<early@outside.test>'), 0);
    });
  });
}
