/** M9: what a reader moves into Spam is learned as spam, what he moves out of it as ham; and nothing else is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { type Server, until } from '../index.ts';
import { ok } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

interface Learned {
  readonly spam: number;
  readonly ham: number;
}

/** What Rspamd has learned, by class, as it counts in Redis; `rspamc stat` is behind by half a minute. */
const learned = async ({ machine }: Server): Promise<Learned> => {
  const count = async (name: string): Promise<number> =>
    Number(ok(await machine.run(['redis-cli', '-s', '/run/redis/redis-server.sock', '--raw', 'HGET', 'RS', name])).stdout.trim());
  return { spam: await count('learns_spam'), ham: await count('learns_ham') };
};

let made = 0;
/** Words that no other message has: Bayes wants some, and knows a message that it has learned already. */
const message = (): { readonly id: string; readonly source: string } => {
  const number = ++made;
  const words = Array.from({ length: 40 }, (_, index) => `w${(number * 7919 + index * 104_729).toString(36)}x${number}`).join(' ');
  const id = `<learn-${number}@outside.test>`;
  const head = `From: Friend <friend@outside.test>\r\nTo: <demo@hauspost.test>\r\nSubject: ${words.slice(0, 40)}\r\nMessage-ID: ${id}\r\nDate: ${new Date().toUTCString()}`;
  return { id, source: `${head}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n${words}\r\n` };
};

const uidOf = async (imap: ImapFlow, folder: string, id: string): Promise<string> => {
  const lock = await imap.getMailboxLock(folder);
  try {
    await imap.noop();
    return String(((await imap.search({ header: { 'message-id': id } }, { uid: true })) || [])[0] ?? '');
  } finally {
    lock.release();
  }
};

const put = async (imap: ImapFlow, folder: string): Promise<string> => {
  const { id, source } = message();
  assert.notEqual(await imap.append(folder, source), false);
  return id;
};

const move = async (imap: ImapFlow, id: string, from: string, to: string, how: 'move' | 'copy' = 'move'): Promise<void> => {
  const uid = await uidOf(imap, from, id);
  assert.notEqual(uid, '', `${id} is in ${from}`);
  const lock = await imap.getMailboxLock(from);
  try {
    assert.notEqual(await (how === 'move' ? imap.messageMove(uid, to, { uid: true }) : imap.messageCopy(uid, to, { uid: true })), false);
  } finally {
    lock.release();
  }
  assert.notEqual(await uidOf(imap, to, id), '', `${id} is in ${to}`);
};

/** From, to, and what of it is learned. */
const MOVES: readonly (readonly [string, string, 'move' | 'copy', Learned])[] = [
  ['INBOX', 'Spam', 'move', { spam: 1, ham: 0 }],
  ['INBOX', 'Spam', 'copy', { spam: 1, ham: 0 }],
  ['Archive', 'Spam', 'move', { spam: 1, ham: 0 }],
  ['Spam', 'INBOX', 'move', { spam: 0, ham: 1 }],
  ['Spam', 'Archive', 'move', { spam: 0, ham: 1 }],
  ['Spam', 'INBOX', 'copy', { spam: 0, ham: 1 }],
  ['Spam', 'Trash', 'move', { spam: 0, ham: 0 }],
  ['INBOX', 'Archive', 'move', { spam: 0, ham: 0 }],
  ['INBOX', 'Trash', 'move', { spam: 0, ham: 0 }],
  ['Trash', 'INBOX', 'move', { spam: 0, ham: 0 }],
];

const learning = (get: () => Server): void => {
  const opened = async (): Promise<ImapFlow> => get().imap(get().demo);

  for (const [from, to, how, expected] of MOVES) {
    const what = expected.spam > 0 ? 'spam' : expected.ham > 0 ? 'ham' : 'nothing';
    test(`M9: ${how} from ${from} to ${to}: ${what} is learned`, async () => {
      const server = get();
      const imap = await opened();
      const before = await learned(server);
      await move(imap, await put(imap, from), from, to, how);
      // The server answers a move once the script has run; what it started may still be at work, so one more is learned for certain.
      await move(imap, await put(imap, 'INBOX'), 'INBOX', 'Spam');
      const wanted = { spam: before.spam + expected.spam + 1, ham: before.ham + expected.ham };
      await until('it is learned', async () => (await learned(server)).spam >= wanted.spam || undefined, 20_000, 100);
      assert.deepEqual(await learned(server), wanted);
      await imap.logout();
    });
  }

  test('M9: what was learned as spam and comes back is ham from then on', async () => {
    const server = get();
    const imap = await opened();
    const before = await learned(server);
    const id = await put(imap, 'INBOX');
    await move(imap, id, 'INBOX', 'Spam');
    await until('it is spam', async () => (await learned(server)).spam === before.spam + 1 || undefined, 20_000, 100);
    await move(imap, id, 'Spam', 'INBOX');
    await until('it is ham', async () => (await learned(server)).ham === before.ham + 1 || undefined, 20_000, 100);
    await imap.logout();
  });

  test('M9: nothing is complained of', async () => {
    const lines = (await get().machine.journal())
      .split('\n')
      .filter((line) => /dovecot.*(?:error|warning|fatal)/i.test(line) && /sieve|learn|script/i.test(line));
    assert.deepEqual(lines, []);
  });

  test('M9: with the filter away a move is a move all the same, and with it back it is learned again', async () => {
    const server = get();
    const imap = await opened();
    ok(await server.machine.run(['systemctl', 'stop', 'rspamd.service'], { ms: 60_000 }));
    const begun = performance.now();
    const id = await put(imap, 'INBOX');
    await move(imap, id, 'INBOX', 'Spam');
    await move(imap, id, 'Spam', 'INBOX');
    console.log(`    two moves without the filter took ${((performance.now() - begun) / 1000).toFixed(1)} s`);
    ok(await server.machine.run(['systemctl', 'start', 'rspamd.service']));
    await until(
      'the filter answers',
      async () => (await server.machine.run(['rspamc', '--connect=/run/rspamd/controller.sock', 'stat'])).code === 0 || undefined,
      30_000,
      200,
    );
    const before = await learned(server);
    await move(imap, id, 'INBOX', 'Spam');
    await until('it is learned', async () => (await learned(server)).spam === before.spam + 1 || undefined, 20_000, 100);
    await imap.logout();
  });

  test('M9, M10: no user gets at the learner or the filter: not by a script, not by the socket', async () => {
    const server = get();
    const sieve = await server.sieve();
    assert.equal((await sieve.login(server.demo)).status, 'OK');
    const keep = 'require "fileinto";\nfileinto "Archive";\n';
    const pipe = 'require ["vnd.dovecot.pipe", "copy"];\npipe :copy "rspamd-learn" ["ham"];\n';
    assert.equal((await sieve.put('keep', keep)).status, 'OK');
    assert.equal((await sieve.put('pipe', pipe)).status, 'NO');
    sieve.close();
    for (const socket of ['/run/dovecot/rspamd-learn', '/run/rspamd/controller.sock']) {
      const script = 'use IO::Socket::UNIX; IO::Socket::UNIX->new(Peer => $ARGV[0]) or exit 1;';
      assert.equal((await server.machine.run(['perl', '-e', script, socket])).code, 0, 'root may');
      assert.equal((await server.machine.run(['perl', '-e', script, socket], { user: 'www-data' })).code, 1, socket);
    }
  });
};

onEachRelease(learning);
