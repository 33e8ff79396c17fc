/**
 * M20: one daemon is stopped while mail comes. It is put off or waits in the queue, is never refused for good and never passes unfiltered; when
 * the daemon is back, everything arrives, once. Strangers and people alike.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_NAME, fetched, type Server, type Smtp, until } from '../index.ts';
import { ok } from '../people.ts';
import { GTUBE } from './patterns.ts';

const MESSAGES = 10;
export const BACK_MS = 120_000;
/** For the answer to a message; RFC 5321 4.5.3.2.6 gives ten minutes. */
export const PATIENCE_MS = 240_000;

type Fate = 'accepted' | 'put off' | 'refused';

export interface Daemon {
  readonly name: string;
  readonly unit: string;
  readonly ordinary: Fate;
  readonly spam: Fate;
  /** A login with the right password, and then a message. */
  readonly login: Fate;
}

export const REDIS: Daemon = { name: 'Redis', unit: 'redis-server', ordinary: 'accepted', spam: 'refused', login: 'accepted' };

export const fateOf = (code: number): Fate => (code < 400 ? 'accepted' : code < 500 ? 'put off' : 'refused');

export const message = (from: string, id: string, text: string, type = 'text/plain'): string =>
  [
    `From: <${from}>`,
    'To: <demo@hauspost.test>',
    `Message-ID: <${id}>`,
    dated(),
    'Subject: without',
    'MIME-Version: 1.0',
    `Content-Type: ${type}`,
    '',
    `${text} (${id})`,
    '',
  ].join('\r\n');

/** What a dialogue ended with that did not get as far as the message; a connection that is closed says "later", too. */
const codeOf = (error: unknown): number => {
  const words = String(error);
  const code = /(?:STARTTLS:|greeted with) ([0-9]{3})/.exec(words)?.[1];
  if (code === undefined && !/closed the connection|ECONNRESET/.test(words)) throw error;
  return Number(code ?? 421);
};

/** The first code that is no agreement, or that of the end of data. */
export const answer = async (open: Promise<Smtp>, from: string, text: string, before: readonly string[] = []): Promise<number> => {
  let smtp: Smtp | undefined;
  try {
    smtp = await open;
    for (const line of [...before, `MAIL FROM:<${from}>`, 'RCPT TO:<demo@hauspost.test>']) {
      const { code } = await smtp.command(line);
      if (code >= 400) return code;
    }
    return (await smtp.data(text, PATIENCE_MS)).code;
  } catch (error) {
    return codeOf(error);
  } finally {
    smtp?.close();
  }
};

export const byStranger = (server: Server, id: string, text = 'Is anybody there?'): Promise<number> =>
  answer(server.stranger(), 'friend@outside.test', message('friend@outside.test', id, text));

export const byDemo = async (server: Server, id: string): Promise<number> => {
  const { user, pass } = server.demo;
  const plain = Buffer.from(`\0${user}\0${pass}`).toString('base64');
  const login = [`EHLO ${CLIENT_NAME}`, `AUTH PLAIN ${plain}`];
  return answer(server.client(587), user, message(user, id, 'From me.'), login);
};

/** By sendmail(1), which takes it whoever is away. */
export const byProgram = async ({ machine }: Server, id: string): Promise<void> => {
  const input = message('root@mail.hauspost.test', id, 'The job is done.').replaceAll('\r\n', '\n');
  ok(await machine.run(['sendmail', '-i', 'demo@hauspost.test'], { input }));
};

/** Mail that waits in the queue is tried again after five minutes (M15), and what pickup(8) could not hand on after one; here at once. */
export const flushed = async ({ machine }: Server): Promise<void> => {
  const isEmpty = async (): Promise<true | undefined> => {
    const handedOn = ok(await machine.run(['find', '/var/spool/postfix/maildrop', '-type', 'f'])).stdout === '';
    if (handedOn && ok(await machine.run(['postqueue', '-j'])).stdout === '') return true;
    // Where pickup(8) is at work it hangs up on who wakes it, and postkick(1) ends by SIGPIPE.
    await machine.run(['postkick', 'public', 'pickup', 'W']);
    ok(await machine.run(['postqueue', '-f']));
    return undefined;
  };
  await until('the queue is empty', isEmpty, BACK_MS, 500);
};

export const copies = async (server: Server, ids: readonly string[]): Promise<readonly number[]> => {
  const imap = await server.imap(server.demo);
  for (const id of ids) await fetched(imap, 'INBOX', `<${id}>`);
  const lock = await imap.getMailboxLock('INBOX');
  const found = await Promise.all(ids.map(async (id) => ((await imap.search({ header: { 'message-id': `<${id}>` } })) || []).length));
  lock.release();
  await imap.logout();
  return found;
};

export const taken = (what: string, send: () => Promise<number>): Promise<true> =>
  until(
    `${what} is accepted`,
    async () => {
      const code = await send();
      assert.ok(code < 500, `${what}: ${code}`);
      return code === 250 || undefined;
    },
    BACK_MS,
    500,
  );

/** Many at once that cannot be delivered: by that the queue manager gives a destination up, and puts off what comes for it without trying. */
const triedInVain = async ({ machine }: Server): Promise<void> => {
  ok(await machine.run(['postqueue', '-f']));
  const rest = async (): Promise<true | undefined> =>
    !/"queue_name": "(?:active|incoming)"/.test((await machine.run(['postqueue', '-j'])).stdout) || undefined;
  await until('nothing is being delivered', rest, BACK_MS, 300);
};

const whileStopped = async (server: Server, { unit, ...fates }: Daemon, ids: readonly string[], own: string): Promise<void> => {
  await byProgram(server, `program-without-${unit}@hauspost.test`);
  const codes = await Promise.all(ids.map((id) => byStranger(server, id)));
  assert.deepEqual(codes.map(fateOf), Array(ids.length).fill(fates.ordinary), codes.join(' '));
  const marked = await byStranger(server, `gtube-without-${unit}@outside.test`, GTUBE);
  assert.equal(fateOf(marked), fates.spam, `GTUBE: ${marked}`);
  const mine = await byDemo(server, own);
  assert.equal(fateOf(mine), fates.login, `login: ${mine}`);
  await triedInVain(server);
};

/** Whatever became of those that came before: the first who could not be delivered keeps none of those who come now waiting. */
const comesAtOnce = async (server: Server, id: string): Promise<void> => {
  await taken('mail', () => byStranger(server, id));
  const imap = await server.imap(server.demo);
  await fetched(imap, 'INBOX', `<${id}>`);
  await imap.logout();
};

export const without = (get: () => Server, daemon: Daemon): void => {
  const { name, unit, ordinary, spam, login } = daemon;
  test(`M20: without ${name} mail is ${ordinary}, what the filter refuses is ${spam}, a login's mail is ${login}; then it arrives, once`, async () => {
    const server = get();
    const ids = Array.from({ length: MESSAGES }, (_, n) => `without-${unit}-${n}@outside.test`);
    const own = `without-${unit}@hauspost.test`;
    await taken('mail', () => byStranger(server, `with-${unit}@outside.test`));
    // For a while after MariaDB's absence Postfix may still say "later" (docs/postfix.md).
    const refused = await until(
      'GTUBE gets an answer that is none of "later"',
      async () => {
        const code = await byStranger(server, `gtube-with-${unit}@outside.test`, GTUBE);
        return fateOf(code) === 'put off' ? undefined : code;
      },
      BACK_MS,
      500,
    );
    assert.equal(fateOf(refused), 'refused', `GTUBE: ${refused}`);
    ok(await server.machine.run(['systemctl', 'stop', unit]));
    const begun = performance.now();
    await whileStopped(server, daemon, ids, own).finally(() => server.machine.run(['systemctl', 'start', unit]));
    const back = performance.now();
    for (const id of ordinary === 'put off' ? ids : []) await taken(id, () => byStranger(server, id));
    if (login === 'put off') await taken(own, () => byDemo(server, own));
    await comesAtOnce(server, `after-${unit}@outside.test`);
    await flushed(server);
    assert.deepEqual(
      await copies(server, [...ids, own, `program-without-${unit}@hauspost.test`]),
      Array.from({ length: MESSAGES + 2 }, () => 1),
    );
    console.log(
      `    without ${name}: ${(back - begun).toFixed(0)} ms for all answers; all in INBOX ${(performance.now() - back).toFixed(0)} ms after its start`,
    );
  });
};

/** To be asked at the end. */
export const neverThrough = (get: () => Server): void => {
  test('M20: what the filter refuses never came through', async () => {
    const imap = await get().imap(get().demo);
    for (const { path } of await imap.list()) {
      const lock = await imap.getMailboxLock(path);
      assert.deepEqual(await imap.search({ header: { 'message-id': '<gtube-' } }), [], path);
      lock.release();
    }
    await imap.logout();
  });
};
