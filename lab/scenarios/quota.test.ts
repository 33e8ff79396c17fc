/** M7: how much an account may hold: at RCPT, behind aliases, in IMAP, changed while it runs, and when many deliver at once. */
import { clockOfNewPrograms } from '../clock.ts';
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { emptied, fetched, type Login, outside, type Received, type Reply, type Server, type Smtp, until } from '../index.ts';
import { json, ok, orders, text as words } from '../people.ts';
import { configure } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';

const FROM = 'friend@outside.test';
const KB = 1024;
const MB = 1024 * KB;
const person = (name: string): Login => ({ user: `${name}@hauspost.test`, pass: `password-of-${name}` });
const [SMALL, CROWD, FREE] = [person('small'), person('crowd'), person('free')];
/** Deliveries to one account at once, at most. */
const AT_ONCE = 10;

let made = 0;
/** Words that no other message has. */
const message = (octets: number): { readonly id: string; readonly text: string } => {
  const number = ++made;
  const id = `<quota-${number}@outside.test>`;
  const head = [`From: <${FROM}>`, 'To: <small@hauspost.test>', `Message-ID: ${id}`, dated(), `Subject: parcel ${number}`];
  const line = (index: number): string => `Parcel ${number}, page ${index}: ${((number * 7919 + index) * 104_729).toString(36).padEnd(40, 'x')}`;
  const lines = [...head, 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii', ''];
  for (let size = 0; size < octets; size += 70) lines.push(line(size).padEnd(68, '.').slice(0, 68));
  return { id, text: `${lines.join('\r\n')}\r\n` };
};

/** MAIL with the size announced, or without; then RCPT. */
const envelope = async (smtp: Smtp, to: string, announced?: number): Promise<Reply> => {
  const mail = await smtp.command(`MAIL FROM:<${FROM}>${announced === undefined ? '' : ` SIZE=${announced}`}`);
  return mail.code === 250 ? smtp.command(`RCPT TO:<${to}>`) : mail;
};

const recipient = async (server: Server, to: string, announced?: number): Promise<string> => {
  const smtp = await server.stranger();
  const { code, lines } = await envelope(smtp, to, announced);
  smtp.close();
  return `${code} ${lines.join(' ')}`;
};

/** A session whose recipient is accepted; `send` sends the message, which is accepted, too, and answers with its id. */
const opened = async (server: Server, to: string, octets: number): Promise<{ send(): Promise<string> }> => {
  const { id, text } = message(octets);
  const smtp = await server.stranger();
  assert.equal((await envelope(smtp, to)).code, 250);
  return {
    send: async () => {
      const { code, lines } = await smtp.data(text);
      assert.equal(code, 250, lines.join(' '));
      smtp.close();
      return id;
    },
  };
};
const send = async (server: Server, to: string, octets: number): Promise<string> => (await opened(server, to, octets)).send();

const arrives = async (server: Server, login: Login, id: string): Promise<void> => {
  const imap = await server.imap(login);
  await fetched(imap, 'INBOX', id);
  await imap.logout();
};

const queued = async ({
  machine,
}: Server): Promise<readonly { readonly queue_name: string; readonly recipients: readonly { readonly delay_reason?: string }[] }[]> =>
  ok(await machine.run(['postqueue', '-j']))
    .stdout.split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));

/** Until nothing is being delivered: all that is left was put off. Why, for each. */
const putOff = (server: Server): Promise<readonly string[]> =>
  until(
    'the queue is at rest',
    async () => {
      const list = await queued(server);
      return list.every(({ queue_name }) => queue_name === 'deferred') ? list.map(({ recipients }) => recipients[0]?.delay_reason ?? '') : undefined;
    },
    90_000,
    200,
  );

const flushed = async (server: Server): Promise<void> => void ok(await server.machine.run(['postqueue', '-f']));

/** As `putOff`, once so many messages were tried again: who looks at once sees those that wait, or none where one changes its queue. */
const putOffAgain = async (server: Server, messages: number): Promise<readonly string[]> => {
  const tried = async (): Promise<number> => (await server.machine.journalSoFar()).match(/ status=deferred /g)?.length ?? 0;
  const wanted = (await tried()) + messages;
  await flushed(server);
  await until(`${messages} are tried again`, async () => (await tried()) >= wanted || undefined, 90_000, 200);
  return putOff(server);
};

interface Held {
  /** Octets; undefined: no limit is shown. */
  readonly limit: number | undefined;
  readonly usage: number;
}

const shown = async (server: Server, login: Login): Promise<Held> => {
  const imap = await server.imap(login);
  const quota = await imap.getQuota('INBOX');
  await imap.logout();
  const storage = quota === false ? undefined : quota.storage;
  return { limit: storage?.limit === undefined ? undefined : storage.limit, usage: storage?.usage ?? 0 };
};

/** RFC822.SIZE of all in INBOX. */
const sizes = async (imap: ImapFlow): Promise<readonly number[]> => {
  const lock = await imap.getMailboxLock('INBOX');
  try {
    await imap.noop();
    const found: number[] = [];
    for await (const { size } of imap.fetch('1:*', { size: true })) found.push(size ?? 0);
    return found;
  } finally {
    lock.release();
  }
};

const quota = (server: Server, login: Login, value: string): Promise<void> => server.order('account', 'set', login.user, '--quota', value);
const sql = async ({ machine }: Server, statement: string): Promise<void> => void ok(await machine.run(['mariadb', 'vmail', '-e', statement]));

const corners = (get: () => Server): void => {
  test('M7: the announced size is held against the quota, and against nothing where there is none', async () => {
    const server = get();
    await server.account(SMALL, '--quota', '1M');
    await server.account(CROWD, '--quota', '1M');
    await server.account(FREE, '--quota', '0');
    await orders(server, ['alias', 'add', 'toward@hauspost.test', SMALL.user], ['alias', 'add', 'both@hauspost.test', SMALL.user, FREE.user]);
    for (const [size, code] of [
      [undefined, '250'],
      [500 * KB, '250'],
      [900 * KB, '250'],
      [1100 * KB, '452'],
      [20 * MB, '452'],
      [60 * MB, '552'],
    ] as const) {
      assert.match(await recipient(server, SMALL.user, size), new RegExp(`^${code} `), String(size));
      assert.match(await recipient(server, 'SMALL+tag@hauspost.test', size), new RegExp(`^${code} `), `${size}, with a tag`);
      if (code !== '552') assert.match(await recipient(server, FREE.user, size), /^250 /);
    }
  });

  test('M7: what is in it counts, and IMAP shows it', async () => {
    const server = get();
    for (const octets of [400 * KB, 400 * KB]) await arrives(server, SMALL, await send(server, SMALL.user, octets));
    const imap = await server.imap(SMALL);
    const used = (await sizes(imap)).reduce((sum, size) => sum + size, 0);
    await imap.logout();
    const { limit, usage } = await shown(server, SMALL);
    assert.equal(limit, MB);
    // In units of 1024 octets (RFC 9208, section 5.1).
    assert.ok(Math.abs(usage - used) <= KB, `${usage} shown, ${used} there`);
    assert.match(await recipient(server, SMALL.user, 100 * KB), /^250 /);
    assert.match(await recipient(server, SMALL.user, 300 * KB), /^452 .*full/i);
  });

  test('C13: account list --usage says what each mailbox holds', async () => {
    const server = get();
    const imap = await server.imap(SMALL);
    const used = (await sizes(imap)).reduce((sum, size) => sum + size, 0);
    await imap.logout();
    assert.ok(used > 800 * KB && used < 820 * KB, String(used));
    const listed = (await json(server, 'account', 'list', 'hauspost.test', '--usage')) as { address: string; used_mb: number }[];
    const of = ({ user }: Login): number => listed.find(({ address }) => address === user)?.used_mb ?? -1;
    // In thousandths of a MB, of units of 1024 octets.
    assert.ok(Math.abs(of(SMALL) - used / MB) <= 0.006, `${of(SMALL)} MB for ${used} octets`);
    assert.deepEqual([of(CROWD), of(FREE)], [0, 0]);
    const state = { quota_mb: 1, enabled: true, send_only: false };
    assert.deepEqual(
      listed.find(({ address }) => address === SMALL.user),
      { address: SMALL.user, ...state, used_mb: of(SMALL) },
    );
    const lines = (await words(server, 'account', 'list', '--usage')).split('\n');
    assert.match(lines[0] ?? '', /^ADDRESS +USED +QUOTA +STATE$/);
    const line = (login: Login): string => lines.find((each) => each.startsWith(`${login.user} `)) ?? '';
    assert.match(line(SMALL), new RegExp(`^small@hauspost\\.test +${Math.round(of(SMALL) * KB)} KB +1 MB +enabled$`));
    assert.match(line(FREE), /^free@hauspost\.test +0 KB +unlimited +enabled$/);
    assert.deepEqual(
      ((await json(server, 'account', 'list')) as object[]).filter((each) => 'used_mb' in each),
      [],
    );
  });

  test('M7: a quota that somebody changes counts at once, by command and by SQL', async () => {
    const server = get();
    const [small, wide] = ['1M', '3M'];
    await quota(server, SMALL, wide);
    assert.match(await recipient(server, SMALL.user, MB), /^250 /);
    assert.equal((await shown(server, SMALL)).limit, 3 * MB);
    await arrives(server, SMALL, await send(server, SMALL.user, MB));
    await quota(server, SMALL, small);
    assert.match(await recipient(server, SMALL.user), /^452 4\.2\.2 .*full/i);
    await sql(server, "UPDATE accounts SET quota = 4 WHERE username = 'small'");
    assert.match(await recipient(server, SMALL.user), /^250 /);
    await sql(server, "UPDATE accounts SET quota = 1 WHERE username = 'small'");
    assert.match(await recipient(server, SMALL.user), /^452 /);
    await sql(server, "UPDATE accounts SET quota = NULL WHERE username = 'small'");
    assert.equal((await shown(server, SMALL)).limit, 1024 * MB);
    await sql(server, "UPDATE accounts SET quota = 0 WHERE username = 'small'");
    assert.equal((await shown(server, SMALL)).limit, undefined);
    assert.match(await recipient(server, SMALL.user, 40 * MB), /^250 /);
    await quota(server, SMALL, small);
  });

  test('M7: who is full keeps nobody else of the same message from getting it, and may send', async () => {
    const server = get();
    const { id, text } = message(10 * KB);
    const smtp = await server.stranger();
    assert.equal((await envelope(smtp, FREE.user)).code, 250);
    assert.equal((await smtp.command(`RCPT TO:<${SMALL.user}>`)).code, 452);
    assert.equal((await smtp.data(text)).code, 250);
    smtp.close();
    await arrives(server, FREE, id);
    const client = await server.client(587, SMALL);
    assert.equal((await client.command(`MAIL FROM:<${SMALL.user}>`)).code, 250);
    assert.equal((await client.command(`RCPT TO:<${SMALL.user}>`)).code, 452);
    assert.equal((await client.command(`RCPT TO:<${FREE.user}>`)).code, 250);
    client.close();
  });

  test('M7: an alias of the name of an account that is full leads elsewhere, and is not asked; who keeps a copy is', async () => {
    const server = get();
    const asked = async (): Promise<readonly number[]> => {
      const client = await server.client(587, FREE);
      assert.equal((await client.command(`MAIL FROM:<${FREE.user}>`)).code, 250);
      const { code } = await client.command(`RCPT TO:<${SMALL.user}>`);
      client.close();
      const strangers = await Promise.all([SMALL.user, 'Small+tag@hauspost.test'].map((to) => recipient(server, to)));
      return [code, ...strangers.map((line) => Number(line.slice(0, 3)))];
    };
    await orders(server, ['alias', 'add', SMALL.user, FREE.user]);
    assert.deepEqual(await asked(), [250, 250, 250]);
    await arrives(server, FREE, await send(server, SMALL.user, 10 * KB));
    await orders(server, ['alias', 'add', SMALL.user, SMALL.user]);
    assert.deepEqual(await asked(), [452, 452, 452]);
    await orders(server, ['alias', 'remove', SMALL.user]);
    assert.deepEqual(await asked(), [452, 452, 452]);
  });

  test('M7: APPEND is refused with OVERQUOTA, and what is deleted makes room at once', async () => {
    const server = get();
    const imap = await server.imap(SMALL);
    await assert.rejects(imap.append('INBOX', message(10 * KB).text), { serverResponseCode: 'OVERQUOTA' });
    const lock = await imap.getMailboxLock('INBOX');
    await imap.messageDelete('1:2');
    await imap.messageDelete('1:*');
    lock.release();
    assert.match(await recipient(server, SMALL.user, 900 * KB), /^250 /);
    assert.notEqual(await imap.append('INBOX', message(10 * KB).text), false);
    await imap.logout();
  });

  test('M7: by way of an alias mail waits, nobody gets a notice, and it arrives once there is room', async () => {
    const server = get();
    await using far = await outside(server.machine);
    await arrives(server, SMALL, await send(server, SMALL.user, 900 * KB));
    const [alone, together] = [await send(server, 'toward@hauspost.test', 300 * KB), await send(server, 'both@hauspost.test', 300 * KB)];
    await arrives(server, FREE, together);
    const reasons = await putOff(server);
    assert.equal(reasons.length, 2);
    for (const reason of reasons) assert.match(reason, /4[0-9]2 4\.2\.2 .*(?:quota|full)/i);
    assert.equal((await putOffAgain(server, 2)).length, 2);
    await quota(server, SMALL, '3M');
    await emptied(server);
    for (const id of [alone, together]) await arrives(server, SMALL, id);
    assert.deepEqual(far.received, []);
  });

  /** Mail to an account that is full, five days later. */
  const comesBack = async (server: Server, subject: string): Promise<string> => {
    await using far = await outside(server.machine);
    await quota(server, SMALL, '1M');
    await send(server, 'toward@hauspost.test', 200 * KB);
    assert.equal((await putOff(server)).length, 1);
    const lifetime = ok(await server.machine.run(['postconf', '-h', 'maximal_queue_lifetime'])).stdout.trim();
    assert.equal(lifetime, '120h');
    ok(await server.machine.run(['postconf', '-e', 'maximal_queue_lifetime=1s']));
    ok(await server.machine.run(['postfix', 'reload']));
    // A queue manager that is about to end for the reload takes a word to itself, and does nothing.
    const comes = async (): Promise<Received | undefined> => {
      await flushed(server);
      return far.received.find(({ source }) => source.includes(`Subject: ${subject}`));
    };
    const { from, to, source } = await until(`${subject} is outside`, comes, 60_000, 500);
    assert.deepEqual([from, to], ['', [FROM]]);
    assert.match(source, /toward@hauspost\.test|small@hauspost\.test/);
    ok(await server.machine.run(['postconf', '-e', `maximal_queue_lifetime=${lifetime}`]));
    ok(await server.machine.run(['postfix', 'reload']));
    assert.deepEqual(await putOff(server), []);
    assert.equal(far.received.length, 1);
    return source;
  };

  test('M7: what waited for longer than the lifetime of the queue goes back, once', async () => {
    assert.match(await comesBack(get(), 'Undelivered Mail Returned to Sender'), /Quota exceeded \(mailbox for user is full\)/);
  });

  test('M7: in German, if the operator wants it', async () => {
    const server = get();
    await configure(server, 'language = "de"\n[mail]\ndefault_quota = "7M"\nexpire_spam = "4w"\n');
    await server.order('apply', '--yes');
    const source = await comesBack(server, 'Nachricht nicht zugestellt');
    assert.match(source, /Ihre Nachricht konnte nicht allen Empf(?:=C3=A4|\u00c3\u00a4)ngern/);
    assert.match(source, /Das Postfach ist voll/);
    const imap = await server.imap(SMALL);
    await assert.rejects(imap.append('INBOX', message(900 * KB).text), { serverResponseCode: 'OVERQUOTA', responseText: /Das Postfach ist voll/ });
    await imap.logout();
  });

  test('D2: a quota of NULL is the default that is configured, at RCPT and in IMAP; 0 is none', async () => {
    const server = get();
    const row = (name: string, quota: string): string => `('${name}', 'hauspost.test', '{PLAIN}password-of-${name}', ${quota}, 1)`;
    await sql(server, `INSERT INTO accounts (username, domain, password, quota, enabled) VALUES ${row('null', 'NULL')}, ${row('zero', '0')}`);
    const rows: readonly (readonly [string, number | undefined, RegExp])[] = [
      ['null', 7 * MB, /^452 4\.2\.2 /],
      ['zero', undefined, /^250 /],
    ];
    for (const [name, limit, tooMuch] of rows) {
      const imap = await server.imap(person(name));
      const told = await imap.getQuota('INBOX');
      await imap.logout();
      assert.equal(told === false ? undefined : told.storage?.limit, limit, name);
      assert.match(await recipient(server, `${name}@hauspost.test`, 6 * MB), /^250 /, name);
      assert.match(await recipient(server, `${name}@hauspost.test`, 8 * MB), tooMuch, name);
    }
  });

  test('M7: many at once overshoot by no more than one message each, and then it is full', async () => {
    const server = get();
    const octets = 100 * KB;
    // Nobody is full while they are asked for their recipient.
    const sessions = await Promise.all(Array.from({ length: 40 }, () => opened(server, CROWD.user, octets)));
    const sent = await Promise.all(sessions.map((session) => session.send()));
    const left = await putOff(server);
    const imap = await server.imap(CROWD);
    const held = await sizes(imap);
    const used = held.reduce((sum, size) => sum + size, 0);
    console.log(`    ${held.length} of ${sent.length} delivered, ${(used / MB).toFixed(2)} MB in a mailbox of 1 MB`);
    assert.equal(held.length + left.length, sent.length);
    assert.ok(used > MB - octets * 1.1 && used <= MB + AT_ONCE * octets * 1.1, String(used));
    assert.equal((await putOffAgain(server, left.length)).length, left.length);
    assert.equal((await sizes(imap)).length, held.length);
    await imap.logout();
    await quota(server, CROWD, '10M');
    await emptied(server);
    const after = await server.imap(CROWD);
    assert.equal((await sizes(after)).length, sent.length);
    await after.logout();
  });

  test('M7: spam that is older than the operator wants to keep is gone after the next session, and makes room; nothing else is', async () => {
    const server = get();
    const login = person('null');
    const { text: old } = message(6.5 * MB);
    const subjects = async (imap: ImapFlow, folder: string): Promise<readonly string[]> => {
      const lock = await imap.getMailboxLock(folder);
      const found: string[] = [];
      for await (const { envelope } of imap.fetch('1:*', { envelope: true })) found.push(envelope?.subject ?? '');
      lock.release();
      return found;
    };
    const set = await clockOfNewPrograms(server.machine);
    const session = async (days: number, work: (imap: ImapFlow) => Promise<unknown>): Promise<void> => {
      await set(days * 86_400);
      const imap = await server.imap(login);
      await work(imap);
      await imap.logout();
    };
    const held = async (): Promise<readonly (readonly string[])[]> => {
      const imap = await server.imap(login);
      const all = [];
      for (const folder of ['Spam', 'Trash', 'INBOX']) all.push(await subjects(imap, folder));
      await imap.logout();
      return all;
    };
    const named = (subject: string, text = 'Text.'): string => `From: <${FROM}>\r\nSubject: ${subject}\r\n\r\n${text}\r\n`;
    await session(0, async (imap) => {
      await imap.append('Spam', named('old', old));
      for (const folder of ['Trash', 'INBOX']) await imap.append(folder, named('old'));
    });
    await session(20, (imap) => imap.append('Spam', named('young')));
    assert.match(await recipient(server, login.user, MB), /^452 /);
    await session(27, async (imap) => assert.deepEqual(await subjects(imap, 'Spam'), ['old', 'young']));
    assert.deepEqual(await held(), [['old', 'young'], ['old'], ['old']]);
    await session(29, async (imap) => assert.deepEqual(await subjects(imap, 'Spam'), ['old', 'young']));
    await until('there is room', async () => (await recipient(server, login.user, MB)).startsWith('250 ') || undefined, 30_000, 200);
    await set(0);
    assert.deepEqual(await held(), [['young'], ['old'], ['old']]);
  });
};

onEachRelease(corners);
