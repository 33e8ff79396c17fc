/**
 * C13: lists of any length in little memory; and 100,000 accounts with 300,000 aliases beside 100 with 300. Two machines of
 * a release take turns, command by command, so that whatever else the processors do slows both.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Crowd, nameOf, settle, sql } from '../crowd.ts';
import { collect, ended, HAUSPOST, type Output, oneDocument, type Server, serve } from '../index.ts';
import { jsons, ok } from '../people.ts';
import { ready } from '../ready.ts';
import { onEachRelease } from '../scenario.ts';

/** More than the first where something seems slower: a few figures of a few milliseconds each are moved by what else the processors do. */
const ROUNDS = { least: 2, most: 8 };
const REPETITIONS = 2;
/** Of what takes a few milliseconds; the first of a session is not counted. No more than the errors that Postfix forgives (postconf(5), smtpd_soft_error_limit). */
const QUICK = 6;
const RATIO = 2;
const FIRST_MS = 8000;

const SMALL = 'small.test';
const BIG = 'big.test';
/** In both: the same domains, whose keys each order about a domain looks at, and 100 people in one. In the second one more, up to 100,000 in all, half of them in one domain. */
const crowds = (big: number, part: number): readonly Crowd[] => [
  { domain: SMALL, accounts: 100 },
  { domain: BIG, accounts: big },
  ...Array.from({ length: 10 }, (_, index) => ({ domain: `part${index}.test`, accounts: part })),
];
const FEW = crowds(0, 0);
const MANY = crowds(49_900, 5000);
const SPECIAL = [
  "INSERT INTO domains (domain) VALUES ('catch.test')",
  `INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
   VALUES (NULL, 'catch.test', 'user0000001', '${SMALL}', 1), ('chain', '${SMALL}', 'first0000002', '${SMALL}', 1)`,
];

/** Who else works on the processors only ever adds to a time: of those measured, the one that a quarter of them does not exceed. */
const quartile = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 2] ?? Number.NaN;

/** Milliseconds by what was done. */
type Times = Map<string, number[]>;
const noted = (times: Times, what: string, ms: number): void => void times.set(what, [...(times.get(what) ?? []), ms]);

/** Lower quartiles, in milliseconds. */
interface Row {
  readonly what: string;
  readonly few: number;
  readonly many: number;
}

/** A machine, and what it took there. */
interface Side {
  readonly server: Server;
  readonly times: Times;
}

/** Its keys stay when it is removed. How long a new pair takes is chance, twice the rest of the order at times, and nobody's number of accounts decides it. */
const KEYED = 'keyed.test';
const BEFORE = [
  ['tls-policy', 'list'],
  ['domain', 'add', KEYED],
  ['domain', 'remove', KEYED],
] as const;

let made = 0;
/**
 * Each order once, with names that were never there, but for the domain's. Lists of one domain are among them. Left out are the lists of everything,
 * `domain list` (which counts what is in each domain), `account list` and `alias list`: they show all rows, and so take as much longer as there are more. What holds for them is the memory, below.
 */
const orders = (): readonly (readonly [string, readonly string[]])[] => {
  const name = `new${++made}`;
  const [person, other, alias] = [`${name}@${SMALL}`, `${name}@${BIG}`, `to-${name}@${SMALL}`];
  return [
    ['account list DOMAIN', ['account', 'list', SMALL]],
    ['alias list DOMAIN', ['alias', 'list', SMALL]],
    ['account add', ['account', 'add', person]],
    ['account add, long domain', ['account', 'add', other]],
    ['alias add', ['alias', 'add', alias, person]],
    ['alias set', ['alias', 'set', alias, '--disabled']],
    ['alias remove', ['alias', 'remove', alias]],
    ['account remove', ['account', 'remove', person, '--yes']],
    ['account remove, long domain', ['account', 'remove', other, '--yes']],
    ['domain add', ['domain', 'add', KEYED]],
    ['domain remove', ['domain', 'remove', KEYED]],
  ];
};

const commands = async (sides: readonly Side[]): Promise<void> => {
  const open = sides.map((side) => ({ side, program: ready(side.server.machine) }));
  for (const { program } of open) for (const words of BEFORE) ok(await program.run(words));
  for (const [what, words] of Array.from({ length: REPETITIONS }, orders).flat())
    for (const { side, program } of open) {
      const output = await program.run(words);
      ok(output);
      noted(side.times, what, output.ms);
    }
  for (const { program } of open) await program[Symbol.asyncDispose]();
};

const KINDS: Readonly<Record<string, { readonly address: (number: number) => string; readonly code: number }>> = {
  account: { address: (number) => nameOf(number, SMALL), code: 250 },
  'account with a tag': { address: (number) => nameOf(number, SMALL).replace('@', '+tag@'), code: 250 },
  alias: { address: (number) => `second${nameOf(number, SMALL).slice('user'.length)}`, code: 250 },
  'alias of an alias': { address: () => `chain@${SMALL}`, code: 250 },
  'catch-all': { address: (number) => `anybody${number}@catch.test`, code: 250 },
  'nobody of a long domain': { address: (number) => `nobody${number}@${BIG}`, code: 550 },
};

const timed = async <T>({ times }: Side, what: string, counts: boolean, work: () => Promise<T>): Promise<T> => {
  const begun = performance.now();
  const value = await work();
  if (counts) noted(times, what, performance.now() - begun);
  return value;
};

let asked = 0;
/** Answers to RCPT TO in turn, from sessions that are too short for the delay that errors earn. */
const recipients = async (sides: readonly Side[]): Promise<void> => {
  for (const [kind, { address, code }] of Object.entries(KINDS)) {
    const sessions = await Promise.all(sides.map(async (side) => ({ side, smtp: await side.server.stranger() })));
    for (const { smtp } of sessions) await smtp.command('MAIL FROM:<friend@outside.test>');
    for (let time = 0; time < QUICK; time += 1) {
      asked += 1;
      for (const { side, smtp } of sessions) {
        const reply = await timed(side, `RCPT: ${kind}`, time > 0, () => smtp.command(`RCPT TO:<${address(1 + (asked % 100))}>`));
        assert.equal(reply.code, code, `${kind}: ${reply.lines.join(' ')}`);
      }
    }
    for (const { smtp } of sessions) smtp.close();
  }
};

const logins = async (sides: readonly Side[]): Promise<void> => {
  for (let time = 0; time < QUICK; time += 1)
    for (const side of sides) {
      const login = { user: nameOf(1, SMALL), pass: 'secret' };
      const imap = await timed(side, 'IMAP login', time > 0, () => side.server.imap(login));
      await imap.logout();
    }
};

/** The most that the program's memory ever was, in MB, told by the kernel at its end. */
const PEAK = `--import=data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write(process.getBuiltinModule('node:fs').readFileSync('/proc/self/status', 'latin1').match(/VmHWM:.*/)[0]));",
)}`;
const peakOf = ({ stderr }: Output): number => Number(/VmHWM:\s+(\d+) kB/.exec(stderr)?.[1]) / 1024;

/** A list under way: nothing of it is read beyond the first piece until the test says so. */
const paused = async ({ machine }: Server): Promise<{ readonly pid: string; readonly rest: () => Promise<Output> }> => {
  const child = machine.spawn(['sh', '-c', `echo $$; exec ${HAUSPOST} account list --json`]);
  child.stdin.end();
  const stderr = collect(child.stderr);
  const first = await new Promise<string>((resolve) => {
    let text = '';
    const more = (chunk: Buffer): void => {
      text += chunk.toString();
      if (text.length < 1000) return;
      child.stdout.off('data', more).pause();
      resolve(text);
    };
    child.stdout.on('data', more);
  });
  const [pid = '', ...begun] = first.split('\n');
  const rest = async (): Promise<Output> => {
    const stdout = collect(child.stdout);
    child.stdout.resume();
    return { code: await ended(child), stdout: begun.join('\n') + stdout.text(), stderr: stderr.text() };
  };
  return { pid, rest };
};

interface Account {
  readonly address: string;
  readonly used_mb?: number;
}

const broken = ({ stdout }: Output): void => {
  assert.match(stdout, /^\[\{"address":"/);
  assert.throws(() => JSON.parse(stdout));
  assert.doesNotMatch(stdout, /\]\s*$|"error"/);
};

onEachRelease((get, release) => {
  describe('many', () => {
    let many: Server;
    before(async () => {
      many = await serve(release);
      await sql(many.machine, 'ANALYZE TABLE domains, accounts, aliases');
      await settle(get().machine, FEW, 'with aliases');
      await settle(many.machine, MANY, 'with aliases');
      for (const { machine } of [get(), many]) await sql(machine, ...SPECIAL);
    });
    after(() => many?.[Symbol.asyncDispose]());

    // Statistics of the empty tables cost 13 to 30 s here.
    test('right after all of them came by plain SQL, the first answers come at once', async () => {
      const slow: string[] = [];
      for (const [kind, { address, code }] of Object.entries(KINDS)) {
        const smtp = await many.stranger();
        await smtp.command('MAIL FROM:<friend@outside.test>');
        const begun = performance.now();
        assert.equal((await smtp.command(`RCPT TO:<${address(1)}>`)).code, code, kind);
        const ms = performance.now() - begun;
        if (ms > FIRST_MS) slow.push(`${kind}: ${ms.toFixed(0)} ms`);
        smtp.close();
      }
      assert.deepEqual(slow, []);
    });

    test('among 100,000 accounts and 300,000 aliases every answer comes as fast as among 100 and 300, times two', async () => {
      const total = (await jsons(many, ['domain', 'list']))[0] as readonly { readonly accounts: number; readonly aliases: number }[];
      const sum = (what: 'accounts' | 'aliases'): number => total.reduce((all, each) => all + each[what], 0);
      assert.deepEqual([sum('accounts'), sum('aliases')], [100_001, 300_002]);
      // Otherwise the daemon makes keys for all of them meanwhile.
      for (const server of [get(), many]) await server.order('dkim', 'sync');
      const [few, more]: [Side, Side] = [
        { server: get(), times: new Map() },
        { server: many, times: new Map() },
      ];
      const rows = (): readonly Row[] =>
        [...few.times].map(([what, times]) => ({ what, few: quartile(times), many: quartile(more.times.get(what) ?? []) }));
      const slower = (): readonly Row[] => rows().filter((row) => !(row.many <= RATIO * row.few));
      for (let round = 0; round < ROUNDS.least || (round < ROUNDS.most && slower().length > 0); round += 1)
        for (const part of [commands, recipients, logins]) await part(round % 2 === 0 ? [few, more] : [more, few]);
      for (const row of rows())
        console.log(`    ${row.what}: ${row.few.toFixed(1)} ms, with many ${row.many.toFixed(1)} ms, ${(row.many / row.few).toFixed(2)}`);
      assert.deepEqual(slower(), []);
    });

    test('C13: a list whose rest does not come is no document: the database ends, or somebody presses Ctrl-C', async () => {
      const alone = await paused(many);
      const whole = await alone.rest();
      assert.deepEqual([whole.code, (oneDocument(whole) as readonly Account[]).length], [0, 100_001]);

      const pressed = await paused(many);
      ok(await many.machine.run(['kill', '-INT', pressed.pid]));
      const interrupted = await pressed.rest();
      broken(interrupted);
      assert.equal(interrupted.code, 1);
      assert.match(interrupted.stderr, /^hauspost: interrupted before the end of the list$/m);

      const cut = await paused(many);
      ok(await many.machine.run(['systemctl', 'stop', 'mariadb.service']));
      const ends = await cut.rest();
      ok(await many.machine.run(['systemctl', 'start', 'mariadb.service']));
      broken(ends);
      assert.equal(ends.code, 4);
      assert.match(ends.stderr, /^hauspost: the database does not answer at /m);
    });

    test('C13: a reader that goes away is no error', async () => {
      const script = `set -o pipefail; ${HAUSPOST} account list | head -n 2`;
      const { code, stdout, stderr } = await many.machine.run(['bash', '-c', script]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^ADDRESS +QUOTA +STATE\nuser0000001@big\.test +unlimited +enabled\n$/);
    });

    test('C13: 1,000,000 accounts are listed in no more than 200 MB, as JSON and as text', async () => {
      await settle(many.machine, [{ domain: 'million.test', accounts: 900_000 }], 'without aliases');
      const listed = await many.machine.run([HAUSPOST, 'account', 'list', '--json'], { ms: 300_000, env: { NODE_OPTIONS: PEAK } });
      assert.equal(listed.code, 0, listed.stderr);
      const accounts = JSON.parse(listed.stdout) as readonly Account[];
      assert.equal(accounts.length, 1_000_001);
      assert.equal(new Set(accounts.map(({ address }) => address)).size, accounts.length);
      assert.deepEqual(accounts.at(-1), { address: nameOf(100, SMALL), quota_mb: 0, enabled: true, send_only: false });
      const script = `set -o pipefail; ${HAUSPOST} account list | awk 'END { print NR; print }'`;
      const text = await many.machine.run(['bash', '-c', script], { ms: 300_000, env: { NODE_OPTIONS: PEAK } });
      assert.equal(text.code, 0, text.stderr);
      assert.match(text.stdout, /^1000002\nuser0000100@small\.test +unlimited {2}enabled\n$/);
      console.log(`    at most ${peakOf(listed).toFixed(0)} MB as JSON, ${peakOf(text).toFixed(0)} MB as text`);
      for (const peak of [peakOf(listed), peakOf(text)]) assert.ok(peak <= 200, `${peak} MB`);
    });

    test('C13: 300,000 aliases, the domains of 1,000,000 accounts, and what the mailboxes of a domain hold, each in no more than 200 MB', async () => {
      const list = async (...words: readonly string[]): Promise<readonly unknown[]> => {
        const output = await many.machine.run([HAUSPOST, ...words, '--json'], { ms: 300_000, env: { NODE_OPTIONS: PEAK } });
        assert.equal(output.code, 0, output.stderr);
        console.log(`    ${words.join(' ')}: at most ${peakOf(output).toFixed(0)} MB`);
        assert.ok(peakOf(output) <= 200, `${peakOf(output)} MB`);
        return JSON.parse(output.stdout) as readonly unknown[];
      };
      const aliases = (await list('alias', 'list')) as readonly { readonly source: string }[];
      assert.deepEqual([aliases.length, new Set(aliases.map(({ source }) => source)).size], [300_002, 300_002]);
      const domains = (await list('domain', 'list')) as readonly { readonly domain: string; readonly accounts: number }[];
      assert.equal(domains.find(({ domain }) => domain === 'million.test')?.accounts, 900_000);
      assert.equal(
        domains.reduce((all, { accounts }) => all + accounts, 0),
        1_000_001,
      );
      const used = (await list('account', 'list', BIG, '--usage')) as readonly Account[];
      assert.deepEqual([used.length, used.every(({ used_mb: mb }) => mb === 0)], [49_900, true]);
    });
  });
});
