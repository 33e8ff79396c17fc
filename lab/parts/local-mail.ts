/** M24: what programs of the machine write to any name of the host reaches the postmaster; a stranger reaches the roles there, nobody else. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { fetched, type Login, type Reply, type Server, type Smtp, until } from '../index.ts';
import { ok, orders } from '../people.ts';

const HOST = 'mail.hauspost.test';
const ANNA: Login = { user: 'anna@hauspost.test', pass: 'a-password' };

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
];
/** As cron(8) of Debian writes it; what has eight bits and does not say which is marked by the filter. */
const MIME = 'MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit';
const TO_ANNA = `reports@${HOST}`;

const ROLES = ['root', 'postmaster', 'mailer-daemon', 'MAILER-DAEMON', 'abuse', 'hostmaster', 'Root', 'postmaster+tag', 'reports'];
const NO_ROLES = ['nobody-such', 'daemon', 'www-data', 'demo', 'anna', 'vmail', '_rspamd', 'cron', 'webmaster', 'roots', 'postmaster.x'];

const answer = async (smtp: Smtp, from: string, to: string): Promise<Reply> => {
  assert.equal((await smtp.command(`MAIL FROM:<${from}>`)).code, 250);
  const reply = await smtp.command(`RCPT TO:<${to}>`);
  smtp.close();
  return reply;
};

export const localMail = (get: () => Server): void => {
  before(async () => {
    await get().account(ANNA);
    await orders(get(), ['domain', 'add', HOST], ['alias', 'add', TO_ANNA, ANNA.user]);
  });

  describe('programs of the machine', () => {
    let mailboxes: { readonly postmaster: ImapFlow; readonly anna: ImapFlow } | undefined;
    before(async () => {
      mailboxes = { postmaster: await get().imap(get().demo), anna: await get().imap(ANNA) };
    });
    after(async () => {
      await mailboxes?.postmaster.logout();
      await mailboxes?.anna.logout();
    });
    for (const [number, [what, user, argv, to]] of LOCAL.entries()) {
      test(`M24: mail of ${user}, ${what}, reaches ${to === TO_ANNA ? 'whom the row names' : "the postmaster's account"}: sendmail ${argv.join(' ')}`, async () => {
        const id = `<m24-${number}@${HOST}>`;
        const input = `From: ${user}\nTo: ${to}\nSubject: a job\nMessage-ID: ${id}\n${MIME}\n\nIt is done: Gr\u00fc\u00dfe.\n`;
        ok(await get().machine.run(['sendmail', ...argv], { user, input }));
        assert.ok(mailboxes !== undefined);
        const imap = to === TO_ANNA ? mailboxes.anna : mailboxes.postmaster;
        const source = await fetched(imap, 'INBOX', id);
        assert.ok(source.endsWith(`\r\n\r\nIt is done: ${Buffer.from('Gr\u00fc\u00dfe').toString('latin1')}.\r\n`), source);
        await imap.mailboxOpen('INBOX');
        assert.equal(((await imap.search({ header: { 'message-id': id } })) || []).length, 1, 'once');
      });
    }
  });

  test('M24: what could not be delivered for a Unix account comes back to the postmaster', async () => {
    const { machine, demo } = get();
    const input = 'Subject: a job\nMessage-ID: <m24-back@mail.hauspost.test>\n\nIs there anybody?\n';
    ok(await machine.run(['sendmail', '-i', 'nobody-such@hauspost.test'], { user: 'www-data', input }));
    const imap = await get().imap(demo);
    await imap.mailboxOpen('INBOX');
    const bounced = async (): Promise<true | undefined> => {
      await imap.noop();
      return ((await imap.search({ from: 'MAILER-DAEMON', body: 'nobody-such@hauspost.test' })) || []).length === 1 || undefined;
    };
    await until('the notice is in INBOX', bounced, 30_000, 100);
    await imap.logout();
  });

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
