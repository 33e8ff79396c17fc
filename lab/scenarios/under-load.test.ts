/**
 * M20, M21 under load: while a stranger hands over a thousand numbered messages on several connections, one process after the other is killed
 * as the kernel does it when memory is short. Every one comes back by itself, and each message that was answered with 250 is in the mailbox.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Server, STRANGER, Smtp, until } from '../index.ts';
import { onEachRelease } from '../scenario.ts';

const MESSAGES = 1_000;
/** The contract's. */
const AT_LEAST = 900;
const CONNECTIONS = 6;
/** What a client does not send a second message on; then it comes anew, as the many senders of a busy hour would. */
const A_CONNECTION = 10;
/** A number is given up after so long; the next try is after a pause, as by a sender with a queue. */
const PATIENCE_MS = 100_000;
const PAUSE_MS = 500;
const BACK_MS = 60_000;
const EMPTY_MS = 120_000;

/** A program, and whose child it is: process 1's, or of the child of process 1 that has that name. */
type Victim = readonly [what: string, program: string, parent?: string];
const VICTIMS: readonly Victim[] = [
  ['mariadbd', 'mariadbd'],
  ['redis', 'redis-server'],
  ['rspamd', 'rspamd'],
  ["Dovecot's master", 'dovecot'],
  ["Dovecot's lmtp", 'lmtp', 'dovecot'],
  ["Postfix's master", 'master'],
  ['qmgr', 'qmgr', 'master'],
  ['cleanup', 'cleanup', 'master'],
];

const pids = async ({ machine }: Server, [, program, parent]: Victim): Promise<readonly string[]> => {
  const above = parent === undefined ? '1' : (await machine.run(['pgrep', '-x', '-P', '1', parent])).stdout.trim();
  if (above === '') return [];
  const { stdout } = await machine.run(['pgrep', '-x', '-P', above, program]);
  return stdout.split('\n').filter((line) => line !== '');
};

const idOf = (number: number): string => `<load-${number}@outside.test>`;

const WORDS = 'amber brook cedar delta ember frost glade haven inlet jetty knoll larch marsh north ocean prairie quarry ridge stone thorn'.split(' ');

/** Its own words for each: what has the same text is one message to whoever remembers messages by their text. */
const text = (number: number): string => {
  const words = Array.from({ length: 60 }, (_, n) => WORDS[(number * 7 + n * n + (number % 13) * n) % WORDS.length]);
  return [
    'From: <friend@outside.test>',
    'To: <demo@hauspost.test>',
    `Message-ID: ${idOf(number)}`,
    dated(),
    `Subject: number ${number}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `This is number ${number}, ${words.join(' ')}.`,
    '',
  ].join('\r\n');
};

interface Tally {
  /** Numbers that were answered with 250. */
  readonly answered: Set<number>;
  /** Numbers whose end of data got no answer: the server may have them or not. */
  readonly unanswered: Set<number>;
  readonly later: Map<string, number>;
  readonly refused: string[];
}

class Refused extends Error {}

/** One client; `undefined` while it has no connection. */
class Sender {
  #smtp: Smtp | undefined;
  #sent = 0;
  readonly #server: Server;
  readonly #tally: Tally;

  constructor(server: Server, tally: Tally) {
    this.#server = server;
    this.#tally = tally;
  }

  async #connected(): Promise<Smtp> {
    if (this.#sent >= A_CONNECTION) this.close();
    if (this.#smtp !== undefined) return this.#smtp;
    const socket = await this.#server.machine.dial({ host: '127.0.0.1', port: 25, localAddress: STRANGER });
    const { smtp, greeting } = await Smtp.open(socket);
    this.#smtp = smtp;
    this.#sent = 0;
    this.#agreed('greeting', greeting, 220);
    this.#agreed('EHLO', await smtp.command('EHLO mail.outside.test'), 250);
    return smtp;
  }

  #agreed(what: string, { code, lines }: { readonly code: number; readonly lines: readonly string[] }, wanted: number): void {
    if (code === wanted) return;
    const words = `${what}: ${code} ${lines.join(' ')}`;
    if (code >= 500) this.#tally.refused.push(words);
    throw new Refused(words);
  }

  /** Whether the message was answered with 250. A connection on which something went wrong is over. */
  async send(number: number): Promise<boolean> {
    let asked = false;
    try {
      const smtp = await this.#connected();
      this.#agreed('MAIL', await smtp.command('MAIL FROM:<friend@outside.test>'), 250);
      this.#agreed('RCPT', await smtp.command('RCPT TO:<demo@hauspost.test>'), 250);
      asked = true;
      this.#agreed('end of data', await smtp.data(text(number)), 250);
      this.#sent += 1;
      this.#tally.answered.add(number);
      return true;
    } catch (error) {
      const answered = error instanceof Refused;
      if (asked && !answered) this.#tally.unanswered.add(number);
      const words = answered ? error.message : 'no answer';
      this.#tally.later.set(words, (this.#tally.later.get(words) ?? 0) + 1);
      this.close();
      return false;
    }
  }

  close(): void {
    this.#smtp?.close();
    this.#smtp = undefined;
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/** Takes numbers until there are no more. */
const work = async (server: Server, tally: Tally, next: () => number | undefined): Promise<void> => {
  const sender = new Sender(server, tally);
  for (let number = next(); number !== undefined; number = next()) {
    const limit = performance.now() + PATIENCE_MS;
    while (!(await sender.send(number)) && performance.now() < limit) await pause();
  }
  sender.close();
};

/** Kills all processes of the kind, and waits until others do their work. */
const kill = async (server: Server, victim: Victim, answered: () => number): Promise<void> => {
  const before = await until(
    `${victim[0]} runs`,
    async () => ((await pids(server, victim)).length > 0 ? pids(server, victim) : undefined),
    BACK_MS,
    50,
  );
  const at = answered();
  const begun = performance.now();
  const { code, stderr } = await server.machine.run(['kill', '-KILL', ...before]);
  assert.ok(code === 0 || /No such process/.test(stderr), stderr);
  const isBack = async (): Promise<true | undefined> => {
    const now = await pids(server, victim);
    return (now.length > 0 && now.every((pid) => !before.includes(pid))) || undefined;
  };
  await until(`${victim[0]} runs again`, isBack, BACK_MS, 50);
  console.log(`    ${victim[0]} (${before.length}) killed after ${at} messages, back after ${(performance.now() - begun).toFixed(0)} ms`);
};

interface Queue {
  readonly active: number;
  readonly deferred: number;
  readonly hold: number;
}

/** Mail that could not be delivered at once waits five minutes for its next attempt (M15); an operator would not wait either. */
const emptied = async (server: Server): Promise<void> => {
  let queue: Queue | undefined;
  const isEmpty = async (): Promise<true | undefined> => {
    const output = await server.hauspost(['status', '--json']);
    queue = (JSON.parse(output.stdout) as { queue: Queue }).queue;
    if (queue.active + queue.deferred + queue.hold === 0) {
      const { stdout } = await server.machine.run(['postqueue', '-j']);
      return stdout === '' || undefined;
    }
    await server.machine.run(['postqueue', '-f']);
    return undefined;
  };
  await until(() => `the queue is empty: ${JSON.stringify(queue)}`, isEmpty, EMPTY_MS, 1_000);
};

/** How often each number is there, in all folders. */
const arrived = async (server: Server): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  const imap = await server.imap(server.demo);
  for (const { path } of await imap.list()) {
    const lock = await imap.getMailboxLock(path);
    try {
      for await (const { envelope } of imap.fetch('1:*', { envelope: true })) {
        const id = envelope?.messageId ?? '';
        if (id.startsWith('<load-')) found.set(id, (found.get(id) ?? 0) + 1);
      }
    } finally {
      lock.release();
    }
  }
  await imap.logout();
  return found;
};

interface Traces {
  readonly queueIds: Set<string>;
  /** How often Dovecot's reply to it reached Postfix. */
  replies: number;
}

/** What Postfix logged of each number. */
const traces = async ({ machine }: Server): Promise<ReadonlyMap<string, Traces>> => {
  const { stdout } = await machine.run(['journalctl', '--no-pager', '--output=cat', '--unit=postfix*']);
  const [found, of] = [new Map<string, Traces>(), new Map<string, Traces>()];
  for (const line of stdout.split('\n')) {
    const [, queueId = '', id] = /^(\w+): (?:message-id=(<load-[^>]+>)|to=.* status=sent )/.exec(line) ?? [];
    if (id === undefined) {
      const trace = of.get(queueId);
      if (trace !== undefined) trace.replies += 1;
      continue;
    }
    const trace = found.get(id) ?? { queueIds: new Set(), replies: 0 };
    trace.queueIds.add(queueId);
    found.set(id, trace);
    of.set(queueId, trace);
  }
  return found;
};

/** Whether it may be there so often: the 250 for one copy was lost and the client sent another, or the reply of LMTP was lost. */
const mayBe = (times: number, trace: Traces | undefined): boolean => trace !== undefined && (trace.queueIds.size > 1 || trace.replies < times);

const report = (tally: Tally, twice: number, seconds: number): void => {
  const later = [...tally.later.values()].reduce((sum, times) => sum + times, 0);
  console.log(
    `    ${tally.answered.size} of ${MESSAGES} answered with 250 in ${seconds.toFixed(0)} s; ${later} attempts put off, ${tally.unanswered.size} numbers without an answer at the end of data, ${twice} numbers in the mailbox more than once`,
  );
  for (const [words, times] of tally.later) console.log(`      ${times} times ${words}`);
};

onEachRelease((get: () => Server) => {
  test('M20, M21: eight kinds of processes are killed in turn while 1,000 messages arrive: all that were answered with 250 are there', async () => {
    const server = get();
    const tally: Tally = { answered: new Set(), unanswered: new Set(), later: new Map(), refused: [] };
    let handed = 0;
    const next = (): number | undefined => (handed < MESSAGES ? ++handed : undefined);
    const begun = performance.now();
    const workers = Promise.all(Array.from({ length: CONNECTIONS }, () => work(server, tally, next)));
    for (const [turn, victim] of VICTIMS.entries()) {
      const enough = Math.floor(((turn + 1) * MESSAGES) / (VICTIMS.length + 2));
      await until(`${enough} messages are answered`, () => tally.answered.size >= enough || undefined, PATIENCE_MS);
      await kill(server, victim, () => tally.answered.size);
    }
    assert.ok(handed < MESSAGES, 'messages were still coming when the last one was killed');
    await workers;
    const seconds = (performance.now() - begun) / 1_000;
    await emptied(server);
    const found = await arrived(server);
    const twice = [...found].filter(([, times]) => times > 1);
    report(tally, twice.length, seconds);

    assert.deepEqual(tally.refused, [], 'nothing is refused for good');
    assert.ok(tally.answered.size >= AT_LEAST);
    const lost = [...tally.answered].filter((number) => !found.has(idOf(number)));
    assert.deepEqual(lost, [], 'answered with 250, and not there');
    const sent = new Set([...tally.answered, ...tally.unanswered].map(idOf));
    assert.deepEqual(
      [...found.keys()].filter((id) => !sent.has(id)),
      [],
      'there, and never answered',
    );
    const logged = twice.length === 0 ? undefined : await traces(server);
    assert.deepEqual(
      twice.filter(([id, times]) => !mayBe(times, logged?.get(id))),
      [],
      'there more than once, though no reply was lost',
    );
  });
});
