/** M15, M18, M28: how large a message may be, how often it is tried, who hears that it came back, and what the log does not hold. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetched, type Login, outside, type Server, until } from '../index.ts';
import { configure } from '../operator.ts';
import { announced, largestArrive, MB, sizesAreLimited, tries } from '../parts/sizes.ts';
import { ok } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const ROBOT: Login = { user: 'robot@hauspost.test', pass: 'password-of-robot' };
const SUBJECT = 'Kzaphod-beeblebrox';

let sent = 0;
const text = (from: string): { readonly id: string; readonly source: string } => {
  const id = `<queue-${++sent}@outside.test>`;
  const head = [`From: <${from}>`, 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), `Subject: ${SUBJECT} ${sent}`];
  return { id, source: [...head, '', `Number ${sent}.`, ''].join('\r\n') };
};

const sizes = (get: () => Server): void => {
  sizesAreLimited(get);
  largestArrive(get);

  test('M18: as the operator wants it, and the filter with it', async () => {
    const server = get();
    await configure(server, '[mail]\nmessage_size_limit = "2M"\n');
    await server.order('apply', '--yes');
    assert.equal(await announced(server, 25), 2 * MB);
    // While the filter reads its configuration anew, mail is told to come later.
    const settled = (octets: number): Promise<string> =>
      until(
        'an answer that is none of "later"',
        async () => {
          const said = await tries(server, octets);
          return said.startsWith('4') ? undefined : said;
        },
        30_000,
        500,
      );
    assert.match(await settled(1.9 * MB), /^250 /);
    assert.match(await settled(2.1 * MB), /^552 /);
    await configure(server, '');
    await server.order('apply', '--yes');
    assert.match(await settled(2.1 * MB), /^250 /);
  });
};

const returns = (get: () => Server): void => {
  const parameter = async (name: string): Promise<string> => ok(await get().machine.run(['postconf', '-h', name])).stdout.trim();

  test('M15: tried again from five minutes to an hour later, five days long, notices for one', async () => {
    const seconds = async (name: string): Promise<number> => {
      const [, count = '', unit = ''] = /^(\d+)([smhd])$/.exec(await parameter(name)) ?? [];
      return Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? Number.NaN);
    };
    assert.deepEqual(
      await Promise.all(['minimal_backoff_time', 'maximal_backoff_time', 'maximal_queue_lifetime', 'bounce_queue_lifetime'].map(seconds)),
      [300, 3600, 432_000, 86_400],
    );
  });

  /** To somebody outside who is refused for good. */
  const refusedOutside = async (login: Login): Promise<void> => {
    const smtp = await get().client(587, login);
    assert.equal((await smtp.command(`MAIL FROM:<${login.user}>`)).code, 250);
    assert.equal((await smtp.command('RCPT TO:<refused@outside.test>')).code, 250);
    assert.equal((await smtp.data(text(login.user).source)).code, 250);
    smtp.close();
  };
  const notices = async (about: string): Promise<number> => {
    const imap = await get().imap(get().demo);
    const lock = await imap.getMailboxLock('INBOX');
    await imap.noop();
    const hits = (await imap.search({ from: 'MAILER-DAEMON', body: about }, { uid: true })) || [];
    lock.release();
    await imap.logout();
    return hits.length;
  };

  test('M15: who sent it hears that it came back; for a send-only account the postmaster does', async () => {
    const server = get();
    await using far = await outside(server.machine);
    await server.account(ROBOT, '--send-only');
    await server.account({ user: 'writer@hauspost.test', pass: 'password-of-writer' });
    await refusedOutside(ROBOT);
    await until('the postmaster hears of it', async () => ((await notices('refused@outside.test')) === 1 ? true : undefined), 30_000, 300);
    await refusedOutside({ user: 'writer@hauspost.test', pass: 'password-of-writer' });
    const imap = await server.imap({ user: 'writer@hauspost.test', pass: 'password-of-writer' });
    const lock = await imap.getMailboxLock('INBOX');
    await until(
      'the writer hears of it',
      async () => {
        await imap.noop();
        return ((await imap.search({ from: 'MAILER-DAEMON' }, { uid: true })) || []).length === 1 ? true : undefined;
      },
      30_000,
      300,
    );
    lock.release();
    await imap.logout();
    assert.equal(await notices('refused@outside.test'), 1);
    assert.deepEqual(far.received, []);
  });

  test('M28: no log holds a subject', async () => {
    const server = get();
    const { id, source } = text('friend@outside.test');
    const smtp = await server.stranger();
    for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250);
    assert.equal((await smtp.data(source)).code, 250);
    smtp.close();
    const imap = await server.imap(server.demo);
    await fetched(imap, 'INBOX', id);
    await imap.logout();
    const journal = await server.machine.journal();
    assert.ok(journal.includes(id.slice(1, -1)), 'the message itself is in it');
    assert.doesNotMatch(journal, new RegExp(SUBJECT, 'i'));
    const files = await server.machine.run(['grep', '-rlI', SUBJECT, '/var/log']);
    assert.deepEqual([files.code, files.stdout], [1, '']);
  });
};

onEachRelease(sizes, returns);
