/** M1, M2, M3, M6, M16: what a stranger may send here, and that it arrives as it was sent. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { CLIENT, fetched, type Login, type Release, type Reply, type Server, type Smtp, STRANGER, serve } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const FROM = 'friend@outside.test';
const ANNA: Login = { user: 'anna@second.test', pass: 'anna-password' };
const ROBOT: Login = { user: 'robot@hauspost.test', pass: 'robot-password' };
const SCANNER: Login = { user: 'scanner@third.test', pass: 'scanner-password' };

const prepare = async (server: Server): Promise<void> => {
  for (const domain of ['second.test', 'third.test']) await server.order('domain', 'add', domain);
  await server.account(ANNA);
  for (const login of [ROBOT, SCANNER]) await server.account(login, '--send-only');
  await server.account({ user: 'gone@hauspost.test', pass: 'gone-password' }, '--disabled');
  for (const [source = '', ...destinations] of [
    ['team@hauspost.test', 'demo@hauspost.test', 'anna@second.test'],
    ['chain@second.test', 'team@hauspost.test'],
    ['away@hauspost.test', FROM],
    ['mixed@hauspost.test', 'robot@hauspost.test', 'demo@hauspost.test', 'gone@hauspost.test'],
    ['onlyrobot@hauspost.test', 'robot@hauspost.test'],
    ['fleet@hauspost.test', 'onlyrobot@hauspost.test'],
    ['devices@second.test', 'robot@hauspost.test', 'scanner@third.test'],
    ['onlygone@hauspost.test', 'gone@hauspost.test'],
    ['nowhere@hauspost.test', 'nobody@hauspost.test'],
    ['@third.test', 'anna@second.test'],
  ]) {
    await server.order('alias', 'add', source, ...destinations);
  }
};

/** The answer to RCPT TO, written to the letter; nothing is sent. */
const recipient = async (smtp: Smtp, path: string, from = FROM): Promise<Reply> => {
  try {
    const mail = await smtp.command(`MAIL FROM:<${from}>`);
    assert.equal(mail.code, 250, mail.lines.join(' '));
    return await smtp.command(`RCPT TO:${path}`);
  } finally {
    smtp.close();
  }
};

const isRefused = ({ code, lines }: Reply): void => assert.ok(code >= 500 && code < 600, `${code} ${lines.join(' ')}`);

/** On 25 and on submission alike. */
const ACCEPTED: readonly (readonly [string, string])[] = [
  ['M2: an account', '<demo@hauspost.test>'],
  ['M2: an account of another domain', '<anna@second.test>'],
  ['M2: an alias with several destinations', '<team@hauspost.test>'],
  ['M2: an alias of an alias', '<chain@second.test>'],
  ['M2: an alias that leads outside', '<away@hauspost.test>'],
  ['M2: the postmaster without a domain (RFC 5321 4.5.1)', '<postmaster>'],
  ['M8: a role of a domain', '<abuse@second.test>'],
  ['M8: a role where a catch-all takes the rest', '<Hostmaster@third.test>'],
  ['M2: a quoted local part', '<"demo"@hauspost.test>'],
  ['M2: whatever a catch-all takes', '<anything@third.test>'],
  ['M3: an alias with a destination that receives', '<mixed@hauspost.test>'],
  ['M3: the same with a tag', '<mixed+tag@hauspost.test>'],
  ['M6: another case', '<DEMO@Hauspost.TEST>'],
  ['M6: a tag', '<demo+tag@hauspost.test>'],
  ['M6: an empty tag', '<demo+@hauspost.test>'],
  ['M6: tags within a tag, in another case', '<Demo+List+More@hauspost.test>'],
  ['M6: an alias with a tag', '<team+tag@hauspost.test>'],
];
const REFUSED: readonly (readonly [string, string])[] = [
  ['M2: an unknown user', '<nobody@hauspost.test>'],
  ['M2: an unknown user with a tag', '<nobody+tag@hauspost.test>'],
  ['M2: nothing before the tag', '<+demo@hauspost.test>'],
  ['M2: a known name in another domain of ours', '<demo@second.test>'],
  ['M2: an unknown domain', '<demo@elsewhere.test>'],
  ['M2: a subdomain of ours', '<demo@sub.hauspost.test>'],
  ['M2: a known name at the host', '<demo@mail.hauspost.test>'],
  ['M2: a known name without a domain', '<demo>'],
  ['M2: a look-alike without its last letter', '<dem@hauspost.test>'],
  ['M2: a look-alike with an accent', '<d\xc3\xa9mo@hauspost.test>'],
  ['M2: SQL in the local part', "<'or'1'='1@hauspost.test>"],
  ['M2: a wildcard of SQL', '<%@hauspost.test>'],
  ['M2: one letter as a wildcard of SQL', '<dem_@hauspost.test>'],
  ['M2: an alias that leads nowhere', '<nowhere@hauspost.test>'],
  ['M2: a disabled account', '<gone@hauspost.test>'],
  ['M2: an alias that leads to a disabled account alone', '<onlygone@hauspost.test>'],
  ['M3: a send-only account', '<robot@hauspost.test>'],
  ['M3: a send-only account in another case', '<ROBOT@hauspost.test>'],
  ['M3: a send-only account with a tag', '<robot+tag@hauspost.test>'],
  ['M3: an alias that leads to a send-only account alone', '<onlyrobot@hauspost.test>'],
  ['M3: the same with a tag', '<onlyrobot+tag@hauspost.test>'],
  ['M3: an alias of such an alias', '<fleet@hauspost.test>'],
  ['M3: an alias that leads to several of them alone', '<devices@second.test>'],
  ['M3: a send-only account where a catch-all takes the rest', '<scanner@third.test>'],
  ['M3: the same with a tag', '<scanner+tag@third.test>'],
];

/** Relaying: ways to write an address of outside.test, which exists, or of this host. */
const RELAY: readonly (readonly [string, string])[] = [
  ['plainly', '<friend@outside.test>'],
  ['by percent', '<friend%outside.test@hauspost.test>'],
  ['by percent at the host', '<friend%outside.test@mail.hauspost.test>'],
  ['by percent alone', '<friend%outside.test>'],
  ['by bang', '<outside.test!friend@hauspost.test>'],
  ['by bang alone', '<outside.test!friend>'],
  ['by source route', '<@hauspost.test:friend@outside.test>'],
  ['by two source routes', '<@hauspost.test,@mail.hauspost.test:friend@outside.test>'],
  ['by quoted address', '<"friend@outside.test"@hauspost.test>'],
  ['by quoted address alone', '<"friend@outside.test">'],
  ['by quoted local part', '<"friend"@outside.test>'],
  ['by two at signs', '<friend@outside.test@hauspost.test>'],
  ['by address literal', `<friend@[${STRANGER}]>`],
  ['by literal of ours', '<friend@[127.0.0.1]>'],
  ['by two at signs and a literal of ours', '<friend@outside.test@[127.0.0.1]>'],
  ['by IPv6 literal', '<friend@[IPv6:::1]>'],
  ['by another name of loopback', '<root@localhost>'],
  ['to a Unix account', '<root@debian>'],
  ['without brackets', 'friend@outside.test'],
  ['to a program', '<"|/bin/true"@hauspost.test>'],
  ['to a file', '<"/tmp/x"@hauspost.test>'],
];
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
      await prepare(server);
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

    for (const [what, path] of REFUSED) {
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
      for (const [how, path] of RELAY) {
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
      assert.equal((await server.machine.run(['postqueue', '-j'])).stdout, '');
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

    test('M16: smuggling: an end of data that only others would see does not start a second message', async () => {
      for (const end of ['\n.\n', '\r\n.\n', '\n.\r\n', '\r.\r', '\r\n.\r', '\r.\r\n']) {
        const smtp = await server.stranger();
        await smtp.command(`MAIL FROM:<${FROM}>`);
        await smtp.command('RCPT TO:<demo@hauspost.test>');
        assert.equal((await smtp.command('DATA')).code, 354);
        const id = `smuggle-${Buffer.from(end).toString('hex')}`;
        const [outer, inner] = [`Message-ID: <outer-${id}@outside.test>`, `Message-ID: <inner-${id}@outside.test>`];
        const commands = 'MAIL FROM:<admin@hauspost.test>\r\nRCPT TO:<demo@hauspost.test>\r\nDATA\r\n';
        smtp.send(`${outer}\r\nFrom: <${FROM}>\r\n\r\nouter${end}${commands}${inner}\r\n\r\ninner\r\n.\r\n`);
        assert.equal((await smtp.reply()).code, 250);
        assert.equal((await smtp.command('QUIT')).code, 221, 'one message, one reply');
        smtp.close();
        const got = await fetched(imap, 'INBOX', `<outer-${id}@outside.test>`);
        assert.ok(got.includes(inner), 'the rest is text of the one message');
        assert.equal(await count(imap, `<inner-${id}@outside.test>`), 0, JSON.stringify(end));
      }
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
