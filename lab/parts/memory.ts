/** What a machine with little memory does: its daemons have small numbers, and under load nothing is killed and nothing is lost. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { dated } from '../dated.ts';
import { emptied, inMailbox } from '../delivered.ts';
import { HAUSPOST, type Machine, type Release, type Server, until } from '../index.ts';
import type { Memory, MemoryFigures } from '../memory.ts';
import { ok } from '../people.ts';
import { emptyTally, handOver, putOff } from '../senders.ts';
import { base64Line, sentence } from '../words.ts';
import { largestArrive } from './sizes.ts';

/** What a virtual machine that is sold with 1 GB tells. */
export const SOLD_AS_1_GB = 957;

type Get = () => Server;

/** What the running daemons say of themselves; memory in MB. */
export interface Numbers {
  readonly mariadbPages: number;
  readonly mariadbConnections: number;
  readonly redis: number;
  readonly unboundMessages: number;
  readonly unboundSets: number;
  readonly imapSessions: number;
  readonly postfixProcesses: number;
  readonly postfixForOneClient: number;
  readonly rspamdMost: number;
}

const MB = 2 ** 20;

const said = async (machine: Machine, argv: readonly string[]): Promise<string> => ok(await machine.run(argv)).stdout.trim();
const number = async (machine: Machine, argv: readonly string[]): Promise<number> => Number(await said(machine, argv));

/** `doveconf -h` of 2.3 has no setting of a service, so the whole is read. */
const processLimit = (dump: string, service: string): number => {
  const [, block = ''] = new RegExp(`^service ${service} \\{\\n((?:  .*\\n)*)`, 'm').exec(dump) ?? [];
  return Number(/^ {2}process_limit = (\d+)$/m.exec(block)?.[1]);
};

export const numbersOf = async (machine: Machine): Promise<Numbers> => {
  const variables = await said(machine, ['mariadb', '-N', '-e', 'SELECT @@innodb_buffer_pool_size, @@max_connections']);
  const [pages = 0, connections = 0] = variables.split('\t').map(Number);
  const redis = await said(machine, ['redis-cli', '-s', '/run/redis/redis-server.sock', '--raw', 'CONFIG', 'GET', 'maxmemory']);
  const unbound = (option: string): Promise<number> => number(machine, ['unbound-control', 'get_option', option]);
  const postfix = (parameter: string): Promise<number> => number(machine, ['postconf', '-h', parameter]);
  return {
    mariadbPages: pages / MB,
    mariadbConnections: connections,
    redis: Number(redis.split('\n')[1]) / MB,
    unboundMessages: (await unbound('msg-cache-size')) / MB,
    unboundSets: (await unbound('rrset-cache-size')) / MB,
    imapSessions: processLimit(`${await said(machine, ['doveconf', '-n'])}\n`, 'imap'),
    postfixProcesses: await postfix('default_process_limit'),
    postfixForOneClient: await postfix('smtpd_client_connection_count_limit'),
    rspamdMost: (await number(machine, ['cat', '/sys/fs/cgroup/memory/system.slice/rspamd.service/memory.limit_in_bytes'])) / MB,
  };
};

/** Of a machine with 1 GB and one with 24, as docs/system.md and the daemons' pages say them. */
export const SMALL: Numbers = {
  ...{ mariadbPages: 32, mariadbConnections: 128, redis: 64, unboundMessages: 8, unboundSets: 16 },
  ...{ imapSessions: 128, postfixProcesses: 64, postfixForOneClient: 16, rspamdMost: 768 },
};
export const LARGE: Numbers = {
  ...{ mariadbPages: 768, mariadbConnections: 500, redis: 512, unboundMessages: 32, unboundSets: 64 },
  ...{ imapSessions: 3072, postfixProcesses: 500, postfixForOneClient: 50, rspamdMost: 12_288 },
};

const unitNames = (release: Release): readonly string[] => [
  ...['unbound', 'mariadb', 'redis-server', 'rspamd', 'dovecot', 'nginx', 'hauspost-dkim-keys', 'hauspost-upkeep'],
  release === 'bookworm' ? 'postfix@-' : 'postfix',
];

/** Process and restarts of each unit. */
const units = (machine: Machine, release: Release): Promise<string> =>
  said(machine, ['systemctl', 'show', '--property=Id,MainPID,NRestarts', ...unitNames(release)]);

/** Rspamd's workers, of which each that ends is replaced by another. */
const workers = async (machine: Machine): Promise<readonly string[]> => {
  const rspamd = await said(machine, ['systemctl', 'show', '--value', '--property=MainPID', 'rspamd']);
  return (await said(machine, ['pgrep', '-P', rspamd])).split('\n');
};

const lines = (octets: number, lineOf: (line: number) => string): string => {
  const made: string[] = [];
  for (let length = 0; length < octets; ) {
    const line = lineOf(made.length);
    made.push(line);
    length += line.length + 2;
  }
  return made.join('\r\n');
};

const MESSAGES = 200;
const SMALL_ONES = 4;
const idOf = (number: number): string => `<mixed-${number}@outside.test>`;

const isLarge = (number: number): boolean => number % 40 === 0;

/** Five of 20 to 40 MB, every other one a text and an attachment; thirty-five of 200 kB; the others 4 kB. */
const octetsOf = (number: number): number => (isLarge(number) ? (15 + number / 8) * MB : number % 5 === 0 ? 200_000 : 4000);

const message = (id: string, number: number, octets: number): string => {
  const attached = octets > MB && number % 80 !== 0;
  const type = attached
    ? ['Content-Type: application/octet-stream; name="large.bin"', 'Content-Transfer-Encoding: base64']
    : ['Content-Type: text/plain; charset=us-ascii'];
  return [
    ...['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), `Subject: number ${number}`],
    ...['MIME-Version: 1.0', ...type, '', lines(octets, (line) => (attached ? base64Line(number + line) : sentence(number * 1000 + line)))],
  ].join('\r\n');
};

const mixed = (number: number): string => message(idOf(number), number, octetsOf(number));

/** The large ones come one after the other: two texts of 25 and 35 MB that are scanned at once are more than 1 GB has room for (survivesWant). */
const mixedMail = (get: Get): void => {
  test(`${MESSAGES} messages on ${SMALL_ONES + 1} connections, 20 to 40 MB each on one of them: all that were answered with 250 are there`, async () => {
    const server = get();
    const tally = emptyTally();
    const numbers = Array.from({ length: MESSAGES }, (_, index) => index + 1);
    const [large, small] = [numbers.filter(isLarge), numbers.filter((number) => !isLarge(number))];
    const begun = performance.now();
    const sending = [large, ...Array<number[]>(SMALL_ONES).fill(small)].map((some) => handOver(server, tally, mixed, () => some.shift()));
    await Promise.all(sending);
    const seconds = (performance.now() - begun) / 1000;
    await emptied(server);
    console.log(`    ${tally.answered.size} of ${MESSAGES} answered with 250 in ${seconds.toFixed(0)} s, ${putOff(tally)} attempts put off`);
    for (const [words, times] of tally.later) console.log(`      ${times} times ${words}`);
    assert.deepEqual([tally.refused, tally.answered.size], [[], MESSAGES]);
    const found = await inMailbox(server, '<mixed-');
    assert.deepEqual(
      [...tally.answered].filter((number) => !found.has(idOf(number))),
      [],
    );
  });
};

const BURST = 100;

/** All connect at the same time, and each hands its message over as soon as it is greeted. */
const burst = (get: Get): void => {
  test(`${BURST} connections at once: each message is accepted, at once or when it comes again`, async () => {
    const server = get();
    const tally = emptyTally();
    const text = (number: number): string => message(`<burst-${number}@outside.test>`, 1000 + number, 4000);
    const one = (number: number): Promise<void> => {
      const numbers = [number];
      return handOver(server, tally, text, () => numbers.pop());
    };
    const begun = performance.now();
    await Promise.all(Array.from({ length: BURST }, (_, number) => one(number)));
    const seconds = (performance.now() - begun) / 1000;
    await emptied(server);
    console.log(`    ${tally.answered.size} of ${BURST} answered with 250 in ${seconds.toFixed(0)} s, ${putOff(tally)} attempts put off`);
    assert.deepEqual([tally.refused, tally.answered.size], [[], BURST]);
    assert.equal((await inMailbox(server, '<burst-')).size, BURST);
  });
};

/** In INBOX. */
const largest = async (server: Server): Promise<{ readonly uid: number; readonly size: number }> => {
  const imap = await server.imap(server.demo);
  await imap.getMailboxLock('INBOX');
  let found = { uid: 0, size: 0 };
  for await (const { uid, size = 0 } of imap.fetch('1:*', { size: true })) if (size > found.size) found = { uid, size };
  await imap.logout();
  return found;
};

const SESSIONS = 20;

const sessions = (get: Get): void => {
  test(`${SESSIONS} IMAP sessions read what is there; five of them fetch a large message at the same time`, async () => {
    const server = get();
    const open = await Promise.all(Array.from({ length: SESSIONS }, () => server.imap(server.demo)));
    const large = await largest(server);
    const counts = await Promise.all(
      open.map(async (imap) => {
        const lock = await imap.getMailboxLock('INBOX');
        let count = 0;
        for await (const { envelope } of imap.fetch('1:*', { envelope: true })) if (envelope !== undefined) count += 1;
        lock.release();
        return count;
      }),
    );
    assert.ok(
      counts.every((count) => count === counts[0] && count > 0),
      String(counts),
    );
    const sizes = await Promise.all(
      open.slice(0, 5).map(async (imap) => {
        const lock = await imap.getMailboxLock('INBOX');
        const message = await imap.fetchOne(String(large.uid), { source: true }, { uid: true });
        lock.release();
        return message === false ? 0 : (message.source?.length ?? 0);
      }),
    );
    assert.deepEqual(sizes, Array(5).fill(large.size));
    console.log(`    ${counts[0]} messages in INBOX, the largest of ${(large.size / MB).toFixed(0)} MB`);
    await Promise.all(open.map((imap) => imap.logout()));
  });
};

const LESSONS = 60;

const learning = (get: Get): void => {
  test(`spam learn of ${LESSONS} messages`, async () => {
    const { machine } = get();
    const lessons = Array.from({ length: LESSONS }, (_, index) => message(`<lesson-${index + 1}@outside.test>`, 2001 + index, 20_000));
    const put = `mkdir /root/learn && perl -0 -ne 'chomp; open(my $file, ">", "/root/learn/$.") or die; print $file $_'`;
    ok(await machine.run(['sh', '-c', put], { input: lessons.join('\0') }));
    const learn = ok(await machine.run([HAUSPOST, 'spam', 'learn', '--spam', '/root/learn'], { ms: 300_000 }));
    assert.equal(learn.stdout, `Learned as spam: ${LESSONS} new, 0 known, 0 skipped.\n`);
  });
};

/** `get` answers with a server that has SOLD_AS_1_GB. */
export const carriesLoad = (get: Get, memory: () => Memory, release: Release): void => {
  let before: readonly unknown[] = [];
  const lives = async (): Promise<readonly unknown[]> => [await units(get().machine, release), await workers(get().machine)];
  test('its daemons run', async () => {
    before = await lives();
  });
  // First: what a burst leaves behind for minutes, idle processes of Postfix and Dovecot, takes the room of the largest scan.
  largestArrive(get);
  mixedMail(get);
  burst(get);
  sessions(get);
  learning(get);
  test('the kernel killed nothing, no daemon ended meanwhile, and none of their workers', async () => {
    assert.equal(memory().figures().killed, 0);
    assert.deepEqual(await lives(), before);
  });
};

/** As one text that Rspamd parses: it takes most of its memory. */
const largeHtml = (number: number): string => {
  const body = lines(48 * MB, (line) => `<p class="c${line % 9}">${sentence(number * 1000 + line)}</p>`);
  const head = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: <want-${number}@outside.test>`, dated(), 'Subject: large'];
  return [...head, 'MIME-Version: 1.0', 'Content-Type: text/html; charset=us-ascii', '', `<html><body>\r\n${body}\r\n</body></html>`].join('\r\n');
};

/** In MB; what is beyond it is killed. Until the machine is switched off. */
const rspamdMay = async (machine: Machine, mb: number): Promise<void> =>
  void ok(await machine.run(['systemctl', 'set-property', '--runtime', 'rspamd.service', `MemoryMax=${mb}M`]));

/** What the kernel takes when there is no more: a scan beyond MemoryMax, and three large texts at once. */
export const survivesWant = (get: Get, memory: () => Memory, release: Release): void => {
  test('a scan beyond MemoryMax: that scanner alone is killed and replaced, the sender hears 451, and is accepted once there is room', async () => {
    const server = get();
    const [before, scanners] = [await units(server.machine, release), await workers(server.machine)];
    const killed = memory().figures().killed;
    const tally = emptyTally();
    const numbers = [1];
    const [, held = 0] =
      memory()
        .units()
        .find(([unit]) => unit === 'rspamd') ?? [];
    await rspamdMay(server.machine, held + 200);
    const sending = handOver(server, tally, largeHtml, () => numbers.pop());
    await until('it was put off', () => putOff(tally) > 0 || undefined, 180_000);
    await rspamdMay(server.machine, SMALL.rspamdMost);
    await sending;
    console.log(`    ${memory().figures().killed - killed} killed; put off: ${[...tally.later.keys()].join('; ')}`);
    assert.deepEqual([tally.answered.size, tally.refused], [1, []]);
    assert.ok(memory().figures().killed > killed);
    assert.ok(
      [...tally.later.keys()].every((words) => /^end of data: 451 4\.7\.1 /.test(words)),
      String([...tally.later.keys()]),
    );
    assert.equal(await units(server.machine, release), before);
    const replaced = async (): Promise<true | undefined> => (await workers(server.machine)).length === scanners.length || undefined;
    await until('there are as many workers as before', replaced, 30_000, 200);
  });

  test('three large texts at once, each of which fits alone: all are accepted, at once or when they come again', async () => {
    const server = get();
    const before = await units(server.machine, release);
    const tally = emptyTally();
    const numbers = [2, 3, 4];
    await Promise.all(Array.from({ length: 3 }, () => handOver(server, tally, largeHtml, () => numbers.pop())));
    await emptied(server);
    console.log(`    ${putOff(tally)} attempts put off: ${[...tally.later.keys()].join('; ')}`);
    assert.deepEqual([tally.answered.size, tally.refused], [3, []]);
    assert.equal((await inMailbox(server, '<want-')).size, 4);
    assert.equal(await units(server.machine, release), before);
  });
};

/** Each test is a phase: prints the most memory that it held, and what the kernel had to do. */
export const phases = (memory: () => Memory): void => {
  let stop: (() => number) | undefined;
  let begun: MemoryFigures = { held: 0, cache: 0, met: 0, majorFaults: 0, killed: 0 };
  beforeEach(() => {
    begun = memory().figures();
    stop = memory().watch();
  });
  afterEach(({ name }) => {
    const now = memory().figures();
    const units = memory()
      .units()
      .slice(0, 5)
      .map(([unit, mb]) => `${unit} ${mb}`);
    console.log(
      `    ${name}: held ${stop?.()} MB at most, ${now.held} at the end (${units.join(', ')}) with ${now.cache} MB of files cached; limit met ${now.met - begun.met} times, ${now.majorFaults - begun.majorFaults} major faults${now.killed > begun.killed ? `, ${now.killed - begun.killed} killed` : ''}`,
    );
  });
};
