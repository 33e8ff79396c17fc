/** M1, M2, M3, M6, M16: what a stranger may send here, and that it arrives as it was sent. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { fetched, type Release, type Reply, type Server, type Smtp, serve } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const FROM = 'friend@outside.test';

const prepare = async (server: Server): Promise<void> => {
  const run = async (words: readonly string[], input?: string): Promise<void> => {
    const { code, stderr } = await server.hauspost(words, input);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
  };
  await run(['domain', 'add', 'second.test']);
  await run(['account', 'add', 'anna@second.test', '--password-stdin'], 'anna-password\n');
  await run(['account', 'add', 'robot@hauspost.test', '--send-only', '--password-stdin'], 'robot-password\n');
  await run(['account', 'add', 'gone@hauspost.test', '--disabled', '--password-stdin'], 'gone-password\n');
  await run(['alias', 'add', 'team@hauspost.test', 'demo@hauspost.test', 'anna@second.test']);
  await run(['alias', 'add', 'chain@second.test', 'team@hauspost.test']);
  await run(['alias', 'add', 'onlyrobot@hauspost.test', 'robot@hauspost.test']);
  await run(['alias', 'add', 'mixed@hauspost.test', 'robot@hauspost.test', 'demo@hauspost.test']);
};

/** The answer to RCPT TO, written to the letter; nothing is sent. */
const recipient = async (server: Server, path: string): Promise<Reply> => {
  const smtp = await server.stranger();
  try {
    const mail = await smtp.command(`MAIL FROM:<${FROM}>`);
    assert.equal(mail.code, 250, mail.lines.join(' '));
    return await smtp.command(`RCPT TO:${path}`);
  } finally {
    smtp.close();
  }
};

const ACCEPTED = [
  '<demo@hauspost.test>',
  '<DEMO@Hauspost.TEST>',
  '<demo+tag@hauspost.test>',
  '<anna@second.test>',
  '<team@hauspost.test>',
  '<chain@second.test>',
  '<mixed@hauspost.test>',
  '<postmaster>',
  '<team+tag@hauspost.test>',
  '<"demo"@hauspost.test>',
];

const REFUSED: readonly (readonly [string, string])[] = [
  ['M2: an unknown user', '<nobody@hauspost.test>'],
  ['M2: an unknown user with a tag', '<nobody+tag@hauspost.test>'],
  ['M2: a known name in another domain of ours', '<demo@second.test>'],
  ['M2: an unknown domain', '<demo@elsewhere.example>'],
  ['M2: a subdomain of ours', '<demo@sub.hauspost.test>'],
  ['M2: a look-alike without its last letter', '<dem@hauspost.test>'],
  ['M2: SQL in the local part', "<'or'1'='1@hauspost.test>"],
  ['M2: a wildcard of SQL', '<%@hauspost.test>'],
  ['M2: one letter as a wildcard of SQL', '<dem_@hauspost.test>'],
  ['M3: a send-only account', '<robot@hauspost.test>'],
  ['M3: a send-only account with a tag', '<robot+tag@hauspost.test>'],
  ['M3: an alias that leads to send-only accounts alone', '<onlyrobot@hauspost.test>'],
  ['M4: a disabled account', '<gone@hauspost.test>'],
  ['M16: relay by percent', '<victim%elsewhere.example@hauspost.test>'],
  ['M16: relay by bang', '<elsewhere.example!victim@hauspost.test>'],
  ['M16: relay by bang alone', '<elsewhere.example!victim>'],
  ['M16: relay by source route', '<@hauspost.test:victim@elsewhere.example>'],
  ['M16: relay by quoted address', '<"victim@elsewhere.example"@hauspost.test>'],
  ['M16: relay by quoted address alone', '<"victim@elsewhere.example">'],
  ['M16: relay by address literal', '<victim@[192.0.2.7]>'],
  ['M16: relay to our own literal', '<victim@elsewhere.example@[127.0.0.1]>'],
  ['M16: relay to another name of loopback', '<victim@localhost>'],
  ['M16: two at signs', '<victim@elsewhere.example@hauspost.test>'],
];

/** Lines that transport must not change: dots, blanks at the end, empty lines, long ones, eight bits. */
const BODY = [
  '.',
  '..',
  '.starts with a dot',
  'ends with blanks  ',
  '',
  `${'long '.repeat(190)}`,
  'Gr\xc3\xbc\xc3\x9fe',
  '',
  'From here on',
  '',
  '',
].join('\r\n');

const message = (id: string): string =>
  [
    `From: <${FROM}>`,
    'To: <demo@hauspost.test>',
    'Subject: table',
    `Message-ID: <${id}@outside.test>`,
    'Date: Tue, 24 Nov 2026 03:00:00 +0000',
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

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let imap: ImapFlow;
    before(async () => {
      server = await serve(release);
      await prepare(server);
      imap = await server.imap(server.demo);
    });
    after(async () => {
      imap?.close();
      await server?.[Symbol.asyncDispose]();
    });

    for (const path of ACCEPTED) {
      test(`M2, M6: accepted at RCPT: ${path}`, async () => {
        const { code, lines } = await recipient(server, path);
        assert.equal(code, 250, lines.join(' '));
      });
    }

    for (const [what, path] of REFUSED) {
      test(`refused at RCPT: ${what}`, async () => {
        const { code, lines } = await recipient(server, path);
        assert.ok(code >= 500 && code < 600, `${code} ${lines.join(' ')}`);
      });
    }

    for (const tls of [true, false]) {
      test(`M1: arrives ${tls ? 'with' : 'without'} TLS, in time and unchanged`, async () => {
        const id = `m1-${tls}`;
        const smtp = await server.stranger();
        if (tls) {
          await smtp.startTls(server.trust);
          await smtp.command('EHLO mail.outside.test');
        }
        await deliver(smtp, 'demo@hauspost.test', message(id));
        const accepted = performance.now();
        const got = await fetched(imap, 'INBOX', `<${id}@outside.test>`);
        const ms = performance.now() - accepted;
        console.log(`    in INBOX ${Math.round(ms)} ms after it was accepted`);
        assert.ok(ms < 3 * 2_000, `${ms} ms`);
        assert.equal(got.slice(got.indexOf('\r\n\r\n') + 4), `${BODY}\r\n`.replace(/(\r\n)$/, BODY.endsWith('\r\n') ? '' : '\r\n'));
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
    });

    test('M3: a dead destination of a mixed alias is left out, the other one gets the mail', async () => {
      await deliver(await server.stranger(), 'mixed@hauspost.test', message('m3-mixed'));
      assert.match(await fetched(imap, 'INBOX', '<m3-mixed@outside.test>'), /^Subject: table/m);
      const { stdout } = await server.machine.run(['find', '/var/vmail/mailboxes', '-path', '*robot*', '-type', 'f']);
      assert.equal(stdout, '');
    });

    test('M6: a chain of aliases with many destinations reaches each of them once', async () => {
      await deliver(await server.stranger(), 'chain@second.test', message('m5-chain'));
      await fetched(imap, 'INBOX', '<m5-chain@outside.test>');
      const anna = await server.imap({ user: 'anna@second.test', pass: 'anna-password' });
      await fetched(anna, 'INBOX', '<m5-chain@outside.test>');
      const lock = await anna.getMailboxLock('INBOX');
      const found = await anna.search({ header: { 'message-id': '<m5-chain@outside.test>' } });
      lock.release();
      assert.equal((found || []).length, 1);
      anna.close();
    });

    test('M16: smuggling: an end of data that only others would see does not start a second message', async () => {
      for (const end of ['\n.\n', '\r\n.\n', '\n.\r\n', '\r.\r', '\r\n.\r']) {
        const smtp = await server.stranger();
        await smtp.command(`MAIL FROM:<${FROM}>`);
        await smtp.command('RCPT TO:<demo@hauspost.test>');
        assert.equal((await smtp.command('DATA')).code, 354);
        const id = `smuggle-${Buffer.from(end).toString('hex')}`;
        smtp.send(
          `Message-ID: <outer-${id}@outside.test>\r\nFrom: <${FROM}>\r\n\r\nouter${end}MAIL FROM:<admin@hauspost.test>\r\nRCPT TO:<demo@hauspost.test>\r\nDATA\r\nMessage-ID: <inner-${id}@outside.test>\r\n\r\ninner\r\n.\r\n`,
        );
        const { code } = await smtp.reply();
        // Accepted as one message, or refused as a whole; never two.
        if (code === 250) assert.equal((await smtp.command('NOOP')).code, 250, 'exactly one reply to what was one message');
        smtp.close();
        if (code === 250) await fetched(imap, 'INBOX', `<outer-${id}@outside.test>`);
        const lock = await imap.getMailboxLock('INBOX');
        const inner = await imap.search({ header: { 'message-id': `<inner-${id}@outside.test>` } });
        lock.release();
        assert.equal((inner || []).length, 0, end);
      }
    });

    test('M16: commands before their turn are refused, the same ones in turn are not', async () => {
      const early = await server.stranger();
      early.send(`MAIL FROM:<${FROM}>\r\nRCPT TO:<demo@hauspost.test>\r\nDATA\r\n`);
      await early.reply();
      await early.reply();
      const data = await early.reply();
      early.close();
      assert.ok(data.code === 354, 'PIPELINING is offered: a group that ends with DATA is in turn');
      const wrong = await server.stranger();
      wrong.send(
        'NOOP\r\nEHLO mail.outside.test\r\nMAIL FROM:<a@outside.test>\r\nRCPT TO:<demo@hauspost.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n',
      );
      const codes: number[] = [];
      for (let n = 0; n < 6; n += 1) codes.push((await wrong.reply().catch(() => ({ code: 0 }))).code);
      wrong.close();
      assert.ok(
        codes.some((code) => code === 503 || code === 554),
        codes.join(' '),
      );
    });
  });
}
