/** M9, C14: what a reader moves into Spam is learned as spam, what he moves out of it as ham; and nothing else is; and what the operator shows it in bulk. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { dirname } from 'node:path/posix';
import { test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { scansOf } from '../history.ts';
import { HAUSPOST, type Server, until } from '../index.ts';
import { ok } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

interface Learned {
  readonly spam: number;
  readonly ham: number;
}

const redis = async ({ machine }: Server, ...words: readonly string[]): Promise<string> =>
  ok(await machine.run(['redis-cli', '-s', '/run/redis/redis-server.sock', '-e', '--raw', ...words])).stdout.trimEnd();

/** What Rspamd has learned, by class, as it counts in Redis; `rspamc stat` is behind by half a minute. */
const learned = async (server: Server): Promise<Learned> => {
  const [spam = 0, ham = 0] = (await redis(server, 'HMGET', 'RS', 'learns_spam', 'learns_ham')).split('\n').map(Number);
  return { spam, ham };
};

let made = 0;
/** Words that no other message has: Bayes wants some, and knows a message that it has learned already. */
const message = (): { readonly id: string; readonly source: string } => {
  const number = ++made;
  const words = Array.from({ length: 40 }, (_, index) => `w${(number * 7919 + index * 104_729).toString(36)}x${number}`).join(' ');
  const id = `<learn-${number}@outside.test>`;
  const head = `From: Friend <friend@outside.test>\r\nTo: <demo@hauspost.test>\r\nSubject: ${words.slice(0, 40)}\r\nMessage-ID: ${id}\r\n${dated()}`;
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
  ['Spam', 'gelöschte elemente/2026', 'move', { spam: 0, ham: 0 }],
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
      await imap.mailboxCreate(to);
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

interface Bulk {
  readonly class: string;
  readonly new: number;
  readonly known: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/** Files of a folder on the machine, and what of it is learned as the flag says. */
const lessonsOn = (get: () => Server) => ({
  put: async (folder: string, files: readonly (readonly [string, string])[]): Promise<void> => {
    const unpack =
      'while ($_ = <STDIN>) { my ($size, $file) = /^(\\d+) (.*)$/; read STDIN, my $text, $size; open F, ">", $file or die; print F $text; close F }';
    const input = files.map(([name, source]) => `${source.length} ${folder}/${name}\n${source}`).join('');
    ok(await get().machine.run(['mkdir', '-p', ...new Set(files.map(([name]) => dirname(`${folder}/${name}`)))]));
    ok(await get().machine.run(['perl', '-e', unpack], { input: Buffer.from(input, 'latin1') }));
  },
  learn: async (flag: string, folder: string): Promise<Bulk> => {
    const { code, stdout, stderr } = await get().hauspost(['spam', 'learn', flag, folder, '--json']);
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Bulk;
  },
});

const counts = ({ new: learnt, known, skipped }: Bulk): readonly number[] => [learnt, known, skipped.length];

const inBulk = (get: () => Server): void => {
  const FOLDER = '/root/lesson';
  const { put, learn } = lessonsOn(get);
  const fill = (folder: string, count: number): Promise<void> =>
    put(
      folder,
      Array.from({ length: count }, (_, index) => [`${index}.eml`, message().source]),
    );
  test('C14: a folder is learned once: what is known is not learned again, what is new is', async () => {
    await fill(FOLDER, 120);
    const before = await learned(get());
    assert.deepEqual(counts(await learn('--spam', FOLDER)), [120, 0, 0]);
    assert.deepEqual(await learned(get()), { spam: before.spam + 120, ham: before.ham });
    assert.deepEqual(counts(await learn('--spam', FOLDER)), [0, 120, 0]);
    await put(FOLDER, [['more.eml', message().source]]);
    assert.deepEqual(counts(await learn('--spam', FOLDER)), [1, 120, 0]);
    assert.deepEqual(await learned(get()), { spam: before.spam + 121, ham: before.ham });
  });

  test('C14: whoever changes his mind is obeyed', async () => {
    const folder = '/root/mind';
    await fill(folder, 12);
    assert.deepEqual(counts(await learn('--spam', folder)), [12, 0, 0]);
    const before = await learned(get());
    assert.deepEqual(counts(await learn('--ham', folder)), [12, 0, 0]);
    assert.equal((await learned(get())).ham, before.ham + 12);
    assert.deepEqual(counts(await learn('--ham', folder)), [0, 12, 0]);
  });

  test('C14: of a Maildir the messages in cur and new; what is none is named', async () => {
    const folder = '/root/maildir';
    await fill(`${folder}/cur`, 3);
    await fill(`${folder}/new`, 2);
    await fill(`${folder}/tmp`, 2);
    await fill(`${folder}/.Archive/cur`, 2);
    const files: Readonly<Record<string, string>> = {
      'dovecot-uidlist': '3 V1 N2\n',
      'cur/picture.png': '\u0089PNG\r\n',
      'cur/many.mbox': 'From friend@outside.test Tue Nov 24 03:00:00 2026\nSubject: x\n\nx\n',
      'cur/short.eml': 'Subject: x\r\n\r\nx\r\n',
    };
    await put(folder, Object.entries(files));
    const found = await learn('--ham', folder);
    assert.deepEqual(counts(found), [5, 0, 3]);
    assert.deepEqual(
      found.skipped.map(({ file }) => file).toSorted(),
      ['many.mbox', 'picture.png', 'short.eml'].map((name) => `${folder}/cur/${name}`),
    );
    for (const { reason } of found.skipped) assert.doesNotMatch(reason, /^$|^</);
    console.log(`    ${found.skipped.map(({ reason }) => reason).join('; ')}`);
  });

  test('C14: who waits is told every few seconds how far it is, on standard error; the counts only grow, and the result stands alone', async () => {
    // Until a run says something twice; one of half a minute, fifteen times what lies between two lines, has to have said something.
    const long = async (many: number): Promise<{ many: number; stderr: string }> => {
      const folder = `/root/progress-${many}`;
      await fill(folder, many);
      const begun = performance.now();
      const { code, stdout, stderr } = await get().machine.run([HAUSPOST, 'spam', 'learn', '--ham', folder], { ms: 120_000 });
      assert.deepEqual([code, stdout], [0, `Learned as ham: ${many} new, 0 known, 0 skipped.\n`], stderr);
      const isLong = stderr.trimEnd().includes('\n') || performance.now() - begun > 30_000;
      return isLong || many > 5000 ? { many, stderr } : long(many * 2);
    };
    const { many, stderr } = await long(400);
    const told = stderr.match(new RegExp(`^ +\\d+ of ${many} messages: \\d+ new, 0 known, 0 skipped$`, 'gm')) ?? [];
    const counts = told.map((line) => (line.match(/\d+/g) ?? []).map(Number));
    assert.ok(told.length >= 1 && told.length === stderr.trimEnd().split('\n').length, stderr);
    for (const [index, [at = 0, of, learnt]] of counts.entries())
      assert.ok(at > (counts[index - 1]?.[0] ?? 0) && at <= many && of === many && learnt === at, stderr);
    console.log(`    ${many} messages, ${told.length} lines`);
  });

  test('C14: an interruption loses nothing: the rest is learned the next time, and nothing twice', async () => {
    // Where all was over before it heard of the interruption, more are learned.
    const cut = async (all: number): Promise<readonly [folder: string, all: number, before: number, stderr: string]> => {
      const folder = `/root/many-${all}`;
      await fill(folder, all);
      const before = (await learned(get())).ham;
      const running = get().machine.run(['sh', '-c', 'echo $$ >/run/learning.pid; exec "$@"', 'sh', HAUSPOST, 'spam', 'learn', '--ham', folder]);
      await until('it learns', async () => (await learned(get())).ham > before + 20 || undefined, 30_000, 20);
      await get().machine.run(['sh', '-c', 'kill -INT "$(cat /run/learning.pid)"']);
      const { code, stderr } = await running;
      if (code === 0 && all < 4000) return cut(all * 2);
      assert.equal(code, 1, stderr);
      return [folder, all, before, stderr];
    };
    const [folder, all, before, stderr] = await cut(1000);
    const [, some, of] = /interrupted after ([0-9]+) of ([0-9]+) messages/.exec(stderr) ?? [];
    assert.ok(Number(some) < all && Number(of) === all, stderr);
    assert.deepEqual(counts(await learn('--ham', folder)), [all - Number(some), Number(some), 0]);
    assert.equal((await learned(get())).ham, before + all);
  });

  test('C14: the record has an end, in number and in time', async () => {
    const more = `for i = 1, 100100 - redis.call('HLEN', 'hauspost_learned') do redis.call('HSET', 'hauspost_learned', 'x' .. i, 'ham') end`;
    await redis(get(), 'EVAL', more, '0');
    await fill('/root/last', 3);
    assert.deepEqual(counts(await learn('--spam', '/root/last')), [3, 0, 0]);
    assert.equal(await redis(get(), 'HLEN', 'hauspost_learned'), '100000');
    const days = Number(await redis(get(), 'TTL', 'hauspost_learned')) / 86_400;
    assert.ok(days > 99 && days <= 100, String(days));
  });

  test('M9: words that tell nothing are forgotten some day', async () => {
    const script = `local seen = 0 for _, key in ipairs(redis.call('KEYS', 'RS*_*')) do if redis.call('TTL', key) > 0 then seen = seen + 1 end end return seen`;
    // Rspamd 3.12 looks through them once a minute; there are so many that each look keeps Redis busy.
    await until('some have a time', async () => Number(await redis(get(), 'EVAL', script, '0')) > 0 || undefined, 240_000, 5000);
  });

  test('M9, C14: where Redis is full it is learned all the same', async () => {
    await redis(get(), 'CONFIG', 'SET', 'maxmemory', '64mb');
    const junk = `perl -e 'print "SET seen$_ ", "x" x 400, " EX 86400\\r\\n" for 1 .. 400000' | redis-cli -s /run/redis/redis-server.sock --pipe`;
    ok(await get().machine.run(['sh', '-c', junk]));
    assert.ok(Number(/^evicted_keys:(\d+)/m.exec(await redis(get(), 'INFO', 'stats'))?.[1]) > 100_000);
    const before = await learned(get());
    await fill('/root/full', 20);
    assert.deepEqual(counts(await learn('--spam', '/root/full')), [20, 0, 0]);
    assert.deepEqual(await learned(get()), { spam: before.spam + 20, ham: before.ham });
  });

  test('C14: when Bayes was emptied, nothing is known', async () => {
    await redis(get(), 'FLUSHALL');
    assert.deepEqual(counts(await learn('--spam', FOLDER)), [121, 0, 0]);
    assert.deepEqual(await learned(get()), { spam: 121, ham: 0 });
  });

  test('C14: without the filter, and without its memory, it says so and changes nothing', async () => {
    const { machine } = get();
    for (const [unit, names] of [
      ['rspamd.service', 'Rspamd'],
      ['redis-server.service', 'Redis'],
    ] as const) {
      ok(await machine.run(['systemctl', 'stop', unit], { ms: 60_000 }));
      await fill(`/root/${unit}`, 1);
      const { code, stderr } = await get().hauspost(['spam', 'learn', '--ham', `/root/${unit}`]);
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`${names} does not answer`));
      ok(await machine.run(['systemctl', 'start', unit], { ms: 60_000 }));
      const taught = await until(
        'it learns again',
        async () => {
          const again = await get().hauspost(['spam', 'learn', '--ham', `/root/${unit}`, '--json']);
          return again.code === 0 ? (JSON.parse(again.stdout) as Bulk) : undefined;
        },
        60_000,
        500,
      );
      assert.deepEqual(counts(taught), [1, 0, 0]);
    }
  });
};

/** Words of two kinds of mail that have none in common, some for each message. */
const LESSONS = {
  spam: 'casino jackpot bonus winner lottery prize million dollars transfer claim urgent pills cheap discount replica watches offer credit loan bitcoin',
  ham: 'meeting agenda minutes budget garden tomatoes harvest bicycle repair library borrowed chapter exam lecture homework recipe flour butter oven neighbour',
} as const;

const letter = (kind: keyof typeof LESSONS, number: number): { readonly id: string; readonly source: string } => {
  const words = LESSONS[kind].split(' ');
  const text = Array.from({ length: 40 }, (_, index) => words[(number * 7 + index * (1 + (number % 11))) % words.length]);
  const id = `bayes-${kind}-${number}@outside.test`;
  const head = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: <${id}>`, dated(), `Subject: letter ${number}`];
  const mime = ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii'];
  return {
    id,
    source: [...head, ...mime, '', `${text.slice(0, 20).join(' ')}\r\n${text.slice(20).join(' ')} z${(number * 7919).toString(36)}q`, ''].join(
      '\r\n',
    ),
  };
};

/** Rspamd's default: so many of each class before Bayes says anything (`min_learns`). */
const ENOUGH = 200;

const judged = (get: () => Server): void => {
  const { put, learn } = lessonsOn(get);
  const KINDS = ['spam', 'ham'] as const;

  /** What Bayes said of a new message from a stranger: points of both symbols. */
  const pointsOf = async (kind: keyof typeof LESSONS, number: number): Promise<readonly number[]> => {
    const { id, source } = letter(kind, number);
    const smtp = await get().stranger();
    for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250, line);
    assert.equal((await smtp.data(source)).code, 250);
    smtp.close();
    const [scan] = await scansOf(get().machine, id);
    return ['BAYES_SPAM', 'BAYES_HAM'].map((symbol) => scan?.symbols[symbol]?.score ?? 0);
  };

  test('Bayes: says nothing at first; after 200 of each it knows which is which', async () => {
    ok(await get().machine.run(['redis-cli', '-s', '/run/redis/redis-server.sock', 'FLUSHALL']));
    for (const kind of KINDS) assert.deepEqual(await pointsOf(kind, 10_000), [0, 0], kind);
    for (const kind of KINDS) {
      await put(
        `/root/bayes-${kind}`,
        Array.from({ length: ENOUGH }, (_, number) => [`${number}.eml`, letter(kind, number).source]),
      );
      assert.deepEqual(counts(await learn(`--${kind}`, `/root/bayes-${kind}`)), [ENOUGH, 0, 0], kind);
    }
    assert.deepEqual(await learned(get()), { spam: ENOUGH, ham: ENOUGH });
    const [asSpam, asHam] = [await pointsOf('spam', 10_001), await pointsOf('ham', 10_001)];
    console.log(`    Bayes: ${asSpam.join(', ')} points for spam, ${asHam.join(', ')} for ham`);
    assert.ok((asSpam[0] ?? 0) > 4 && asSpam[1] === 0, asSpam.join(', '));
    assert.ok(asHam[0] === 0 && (asHam[1] ?? 0) < -2, asHam.join(', '));
  });

  test('C14: what Bayes would have known for spam is learned as well', async () => {
    const before = await learned(get());
    await put(
      '/root/bayes-more',
      [20_000, 20_001].map((number) => [`${number}.eml`, letter('spam', number).source]),
    );
    assert.deepEqual(counts(await learn('--spam', '/root/bayes-more')), [2, 0, 0]);
    assert.deepEqual(await learned(get()), { spam: before.spam + 2, ham: before.ham });
  });
};

onEachRelease(learning, inBulk, judged);
