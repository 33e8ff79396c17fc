/**
 * M20, M21 under load: while a stranger hands over a thousand numbered messages on several connections, one process after the other is killed
 * as the kernel does it when memory is short. Every one comes back by itself, and each message that was answered with 250 is in the mailbox.
 */
import { childrenOf } from '../children.ts';
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptied, inMailbox } from '../delivered.ts';
import { type Server, until } from '../index.ts';
import { onEachRelease } from '../scenario.ts';
import { emptyTally, handOver, PATIENCE_MS, putOff, type Tally } from '../senders.ts';
import { WORDS } from '../words.ts';

/** More where the last process is killed late; then until it is back. */
const MESSAGES = 1_000;
const MOST_MESSAGES = 5 * MESSAGES;
/** The contract's. */
const AT_LEAST = 900;
const CONNECTIONS = 6;
const BACK_MS = 60_000;

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

const pids = ({ machine }: Server, [, program, parent]: Victim): readonly string[] => {
  const above = parent === undefined ? ['1'] : childrenOf(machine, '1', parent);
  return above.flatMap((pid) => childrenOf(machine, pid, program));
};

const idOf = (number: number): string => `<load-${number}@outside.test>`;

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

/** Kills all processes of the kind, and waits until others do their work. */
const kill = async (server: Server, victim: Victim, answered: () => number): Promise<void> => {
  const before = await until(
    `${victim[0]} runs`,
    () => {
      const now = pids(server, victim);
      return now.length > 0 ? now : undefined;
    },
    BACK_MS,
    50,
  );
  const at = answered();
  const begun = performance.now();
  const { code, stderr } = await server.machine.run(['kill', '-KILL', ...before]);
  assert.ok(code === 0 || /No such process/.test(stderr), stderr);
  const isBack = (): true | undefined => {
    const now = pids(server, victim);
    return (now.length > 0 && now.every((pid) => !before.includes(pid))) || undefined;
  };
  await until(`${victim[0]} runs again`, isBack, BACK_MS, 50);
  console.log(`    ${victim[0]} (${before.length}) killed after ${at} messages, back after ${(performance.now() - begun).toFixed(0)} ms`);
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

const report = (tally: Tally, handed: number, twice: number, seconds: number): void => {
  console.log(
    `    ${tally.answered.size} of ${handed} answered with 250 in ${seconds.toFixed(0)} s; ${putOff(tally)} attempts put off, ${tally.unanswered.size} numbers without an answer at the end of data, ${twice} numbers in the mailbox more than once`,
  );
  for (const [words, times] of tally.later) console.log(`      ${times} times ${words}`);
};

onEachRelease((get: () => Server) => {
  test('M20, M21: eight kinds of processes are killed in turn while 1,000 messages arrive: all that were answered with 250 are there', async () => {
    const server = get();
    const tally = emptyTally();
    let handed = 0;
    let most = MOST_MESSAGES;
    const next = (): number | undefined => (handed < most ? ++handed : undefined);
    const begun = performance.now();
    const workers = Promise.all(Array.from({ length: CONNECTIONS }, () => handOver(server, tally, text, next)));
    for (const [turn, victim] of VICTIMS.entries()) {
      const enough = Math.floor(((turn + 1) * MESSAGES) / (VICTIMS.length + 2));
      await until(`${enough} messages are answered`, () => tally.answered.size >= enough || undefined, PATIENCE_MS);
      await kill(server, victim, () => tally.answered.size);
    }
    assert.ok(handed < MOST_MESSAGES, 'messages were still coming when the last one was killed');
    most = MESSAGES;
    await workers;
    const seconds = (performance.now() - begun) / 1_000;
    await emptied(server);
    const found = await inMailbox(server, '<load-');
    const twice = [...found].filter(([, times]) => times > 1);
    report(tally, handed, twice.length, seconds);

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
