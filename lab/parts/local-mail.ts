/**
 * M24: what programs of the machine write to any name of the host reaches the postmaster; a stranger reaches the roles there, nobody else. Here the host
 * name is a mail domain, too: whoever has an account there gets what is his, also from programs, bounces and filters.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImapFlow, SearchObject } from 'imapflow';
import { dated } from '../dated.ts';
import { fetched, type Login, type Reply, type Server, type Smtp, until } from '../index.ts';
import { ok, orders } from '../people.ts';

const HOST = 'mail.hauspost.test';
const ANNA: Login = { user: 'anna@hauspost.test', pass: 'a-password' };
const BERT: Login = { user: `bert@${HOST}`, pass: 'another-password' };
const ROBOT: Login = { user: 'meter@hauspost.test', pass: 'a-third-password' };

/** Arguments of sendmail(1), and who calls it; `-t` takes the recipient from the header. */
type Local = readonly [what: string, user: string, argv: readonly string[], to: string];
const LOCAL: readonly Local[] = [
  ['as cron(8) calls it', 'root', ['-i', '-FCronDaemon', '-B8BITMIME', '-oem', 'root'], 'root'],
  ["as cron(8) calls it for another user's job", 'root', ['-i', '-FCronDaemon', '-B8BITMIME', '-oem', 'www-data'], 'www-data'],
  ['to root', 'www-data', ['root'], 'root'],
  ['to root in another case', 'root', ['Root'], 'Root'],
  ['to root with a tag', 'root', ['root+backup'], 'root+backup'],
  ['to the postmaster', 'root', ['postmaster'], 'postmaster'],
  ['to the postmaster', 'daemon', ['-i', 'postmaster'], 'postmaster'],
  ['to MAILER-DAEMON', 'root', ['MAILER-DAEMON'], 'MAILER-DAEMON'],
  ['to MAILER-DAEMON at the host', 'mail', [`mailer-daemon@${HOST}`], `mailer-daemon@${HOST}`],
  ['to a Unix account', 'www-data', ['daemon'], 'daemon'],
  ['to a Unix account at the host', 'root', [`_rspamd@${HOST}`], `_rspamd@${HOST}`],
  ['to a name that nobody has', 'root', ['nobody-such'], 'nobody-such'],
  ['to a name that nobody has, at the host', 'www-data', [`nobody-such@${HOST}`], `nobody-such@${HOST}`],
  ['to the host in another case', 'root', ['abuse@Mail.Hauspost.Test'], 'abuse@Mail.Hauspost.Test'],
  ['by the header', 'www-data', ['-t', '-oi'], 'root'],
  ['by the header, at the host', 'root', ['-t'], `someone@${HOST}`],
  ['in the name of nobody', 'root', ['-f', '<>', 'root'], 'root'],
  ['in the name of somebody', 'www-data', ['-f', ANNA.user, 'root'], 'root'],
  ['to a name that a row says otherwise of', 'root', [`reports@${HOST}`], `reports@${HOST}`],
  ['to a name that has an account', 'root', ['bert'], 'bert'],
  ['to a name that has an account, in another case', 'www-data', ['BERT@Mail.Hauspost.Test'], 'BERT@Mail.Hauspost.Test'],
  ['to an account with a tag', 'www-data', [`bert+jobs@${HOST}`], `bert+jobs@${HOST}`],
  ['to an alias that leads to an account at the host', 'root', ['team'], 'team'],
];
/** As cron(8) of Debian writes it; what has eight bits and does not say which is marked by the filter. */
const MIME = 'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit';
/** As unattended-upgrades says that nobody wrote it, and then some. */
const AUTOMATIC = 'Auto-Submitted: auto-generated\nPrecedence: bulk\nList-Unsubscribe: <mailto:root@mail.hauspost.test>\n';
const TO_ANNA = `reports@${HOST}`;
type Reader = 'postmaster' | 'anna' | 'bert';
const readerOf = (to: string): Reader => (to === TO_ANNA ? 'anna' : /^(bert|team)\b/i.test(to) ? 'bert' : 'postmaster');

const ROLES = ['root', 'postmaster', 'mailer-daemon', 'MAILER-DAEMON', 'abuse', 'hostmaster', 'Root', 'postmaster+tag', 'reports'];
const NO_ROLES = ['nobody-such', 'daemon', 'www-data', 'demo', 'anna', 'vmail', '_rspamd', 'cron', 'webmaster', 'roots', 'postmaster.x'];

const answer = async (smtp: Smtp, from: string, to: string): Promise<Reply> => {
  assert.equal((await smtp.command(`MAIL FROM:<${from}>`)).code, 250);
  const reply = await smtp.command(`RCPT TO:<${to}>`);
  smtp.close();
  return reply;
};

/** Bounces, and what filters send. */
const comesBack = (get: () => Server): void => {
  /** One such message is in INBOX. */
  const comes = async (reader: Login, what: SearchObject): Promise<void> => {
    const imap = await get().imap(reader);
    await imap.mailboxOpen('INBOX');
    const there = async (): Promise<true | undefined> => {
      await imap.noop();
      return ((await imap.search(what)) || []).length === 1 || undefined;
    };
    await until(`${JSON.stringify(what)} is in the INBOX of ${reader.user}`, there, 30_000, 100);
    await imap.logout();
  };

  test('M24, M15: what could not be delivered for a Unix or send-only account comes back to the postmaster, and for another account to that', async () => {
    const senders: readonly (readonly [Login, readonly string[], string])[] = ['', AUTOMATIC].flatMap((header) => [
      [get().demo, [], header] as const,
      [BERT, ['-f', BERT.user], header] as const,
      [get().demo, ['-f', ROBOT.user], header] as const,
    ]);
    for (const [index, [reader, argv, header]] of senders.entries()) {
      const to = `nobody-such-${index}@hauspost.test`;
      const input = `Subject: a job\nMessage-ID: <m24-back-${index}@mail.hauspost.test>\n${header}\nIs there anybody?\n`;
      ok(await get().machine.run(['sendmail', '-i', ...argv, to], { user: 'www-data', input }));
      await comes(reader, { from: 'MAILER-DAEMON', body: to });
    }
  });

  test('M24, M10: a filter redirects to an account at the host, and answers one; what it answers to who reads nothing nobody reads', async () => {
    const script = `require "vacation"; if header "Subject" "pass on" { redirect "bert+filter@${HOST}"; } else { vacation "I am away."; }`;
    const sieve = await get().sieve();
    assert.equal((await sieve.login(ANNA)).status, 'OK');
    assert.equal((await sieve.put('mine', script)).status, 'OK');
    assert.equal((await sieve.command('SETACTIVE "mine"')).status, 'OK');
    const job = `From: <www-data@${HOST}>\nTo: <${ANNA.user}>\nSubject: a program asks\n${MIME}\n\nHello.\n`;
    ok(await get().machine.run(['sendmail', '-i', ANNA.user], { user: 'www-data', input: job }));
    for (const [from, smtp, subject] of [
      ['friend@outside.test', await get().stranger(), 'pass on'],
      [ROBOT.user, await get().client(587, ROBOT), 'a robot asks'],
      [BERT.user, await get().client(587, BERT), 'are you there?'],
    ] as const) {
      assert.equal((await smtp.command(`MAIL FROM:<${from}>`)).code, 250);
      assert.equal((await smtp.command(`RCPT TO:<${ANNA.user}>`)).code, 250);
      const head = [`From: <${from}>`, `To: <${ANNA.user}>`, `Message-ID: <m24-${from}>`, dated(), `Subject: ${subject}`];
      assert.equal((await smtp.data([...head, '', 'Hello.', ''].join('\r\n'))).code, 250);
      smtp.close();
    }
    await comes(BERT, { subject: 'pass on' });
    await comes(BERT, { from: ANNA.user, body: 'I am away.' });
    for (const subject of ['a robot asks', 'a program asks', 'are you there?']) await comes(ANNA, { subject });
    await until('nothing waits', async () => ok(await get().machine.run(['postqueue', '-j'])).stdout === '' || undefined, 30_000, 200);
    const imap = await get().imap(get().demo);
    await imap.mailboxOpen('INBOX');
    assert.deepEqual(await imap.search({ body: 'I am away.' }), []);
    await imap.logout();
    assert.equal((await sieve.command('SETACTIVE ""')).status, 'OK');
    sieve.close();
  });
};

export const localMail = (get: () => Server): void => {
  before(async () => {
    await get().account(ANNA);
    await orders(get(), ['domain', 'add', HOST], ['alias', 'add', TO_ANNA, ANNA.user], ['alias', 'add', `team@${HOST}`, BERT.user]);
    await get().account(BERT);
    await get().account(ROBOT, '--send-only');
  });

  describe('programs of the machine', () => {
    let mailboxes: Readonly<Record<Reader, ImapFlow>> | undefined;
    before(async () => {
      mailboxes = { postmaster: await get().imap(get().demo), anna: await get().imap(ANNA), bert: await get().imap(BERT) };
    });
    after(async () => {
      for (const imap of Object.values(mailboxes ?? {})) await imap.logout();
    });
    for (const [number, [what, user, argv, to]] of LOCAL.entries()) {
      test(`M24: mail of ${user}, ${what}, reaches ${readerOf(to)}: sendmail ${argv.join(' ')}`, async () => {
        const id = `<m24-${number}@${HOST}>`;
        const input = `From: ${user}\nTo: ${to}\nSubject: a job\nMessage-ID: ${id}\n${MIME}\n\nIt is done: Gr\u00fc\u00dfe.\n`;
        ok(await get().machine.run(['sendmail', ...argv], { user, input }));
        assert.ok(mailboxes !== undefined);
        const imap = mailboxes[readerOf(to)];
        const source = await fetched(imap, 'INBOX', id);
        assert.ok(source.endsWith(`\r\n\r\nIt is done: ${Buffer.from('Gr\u00fc\u00dfe').toString('latin1')}.\r\n`), source);
        await imap.mailboxOpen('INBOX');
        assert.equal(((await imap.search({ header: { 'message-id': id } })) || []).length, 1, 'once');
      });
    }
  });

  comesBack(get);
  for (const role of ROLES) {
    test(`M24, M8: a stranger reaches ${role} at the host, and so does a login`, async () => {
      assert.equal((await answer(await get().stranger(), 'friend@outside.test', `${role}@${HOST}`)).code, 250);
      assert.equal((await answer(await get().client(587, ANNA), ANNA.user, `${role}@${HOST}`)).code, 250);
    });
  }
  for (const name of NO_ROLES) {
    test(`M24: ${name} at the host is refused, to a stranger and to a login`, async () => {
      assert.equal((await answer(await get().stranger(), 'friend@outside.test', `${name}@${HOST}`)).code, 550);
      assert.equal((await answer(await get().client(587, ANNA), ANNA.user, `${name}@${HOST}`)).code, 550);
    });
  }
};
