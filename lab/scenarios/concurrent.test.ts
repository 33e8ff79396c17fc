/**
 * C4: two at once. Of changes that begin at the same moment one is made and the others are refused with exit 4, naming who is at work; while
 * it is, plan and status say so. Then the machine is started anew with MariaDB slow, and a change asked for while daemons are still starting.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import { dated } from '../dated.ts';
import { allRun, collect, ended, fetched, HAUSPOST, type Machine, type Server, until } from '../index.ts';
import { announcedSize, answered, configure, exits, type Failure, type Finding, generations, launched, type Plan } from '../operator.ts';
import { canLogIn } from '../people.ts';
import { keyFiles } from '../signing.ts';
import { onEachRelease } from '../scenario.ts';
import { sql } from '../sql.ts';
import { holdUpkeep } from '../upkeep.ts';

interface Run {
  readonly command: string;
  readonly pid: number;
  readonly code: number;
  readonly document: Partial<Failure> & { readonly applied?: boolean };
}

/** Each command in a process of its own, all begun at the same moment; a command's process id is that of the program. */
const atOnce = async ({ machine }: Server, ...lists: readonly (readonly string[])[]): Promise<readonly Run[]> => {
  const script = 'echo $$; read -r go; exec "$@" </dev/null';
  const children = lists.map((words) => machine.spawn(['sh', '-c', script, 'sh', HAUSPOST, ...words, '--json']));
  const said = children.map((child) => ({ stdout: collect(child.stdout), stderr: collect(child.stderr) }));
  await until('all stand ready', () => said.every(({ stdout }) => stdout.text().includes('\n')) || undefined, 20_000);
  for (const child of children) child.stdin.write('go\n');
  const codes = await Promise.all(children.map(ended));
  return lists.map((words, index) => {
    const [pid = '', document = ''] = said[index]?.stdout.text().trim().split('\n') ?? [];
    assert.match(document, /^\{/, said[index]?.stderr.text());
    return {
      command: words.filter((word) => /^[a-z]+$/.test(word)).join(' '),
      pid: Number(pid),
      code: codes[index] ?? -1,
      document: JSON.parse(document),
    };
  });
};

/** One at least did its work; who was refused names one of the others as it was started. */
const onlyRefused = (runs: readonly Run[]): void => {
  const told = JSON.stringify(runs);
  assert.ok(
    runs.some(({ code }) => code === 0),
    told,
  );
  for (const run of runs.filter(({ code }) => code !== 0)) {
    assert.deepEqual([run.code, run.document.error?.code], [4, 'lock.held'], told);
    const names = runs
      .filter((other) => other !== run)
      .map(({ command, pid }) => `another change is under way: 'hauspost ${command}' (process ${pid})`);
    assert.ok(names.includes(run.document.error?.message ?? ''), told);
  }
};

const outcome = (runs: readonly Run[]): string => runs.map(({ command, code }) => `${command} ${code}`).join(', ');

/** All is in order again, and nothing is left to do. */
const inOrder = async (server: Server): Promise<void> => {
  await exits(server, 0, 'up', '--yes');
  const { code, document } = await answered<Plan>(server, 'plan');
  assert.deepEqual([code, document.changes, document.interrupted, document.under_way], [0, [], undefined, undefined]);
};

const size = (megabytes: number): string => `[mail]\nmessage_size_limit = "${megabytes}M"\n`;

const letter = (id: string, to: string): string =>
  ['From: <friend@outside.test>', `To: <${to}>`, `Message-ID: ${id}`, dated(), 'Subject: before the boot', '', 'Hello.', ''].join('\r\n');

const told = async (server: Server, command: string): Promise<readonly string[]> =>
  (await answered<{ findings: readonly Finding[] }>(server, command)).document.findings.map(({ code }) => code);

const twoAtOnce = (get: () => Server): void => {
  test('C4: of three applies at the same moment one makes the change; the others name it, or find nothing left to do', async () => {
    const server = get();
    for (const megabytes of [21, 22]) {
      const before = await generations(server);
      await configure(server, size(megabytes));
      const runs = await atOnce(server, ...[1, 2, 3].map(() => ['apply', '--yes']));
      onlyRefused(runs);
      assert.equal(runs.filter(({ document }) => document.applied === true).length, 1, JSON.stringify(runs));
      assert.deepEqual([await announcedSize(server), (await generations(server)).length], [`SIZE ${megabytes * 1024 * 1024}`, before.length + 1]);
      assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, []);
      console.log(`    ${outcome(runs)}`);
    }
  });

  test('C4: apply beside rollback, up and down; an account and a lesson need no turn', async () => {
    const server = get();
    for (const [index, other] of [['rollback', '1', '--yes'], ['up', '--yes'], ['down']].entries()) {
      await configure(server, size(30 + index));
      const runs = await atOnce(server, ['apply', '--yes'], other);
      console.log(`    ${outcome(runs)}`);
      onlyRefused(runs);
      await inOrder(server);
      assert.equal(await announcedSize(server), `SIZE ${(30 + index) * 1024 * 1024}`);
    }
    await configure(server, size(40));
    const demo = server.demo.user;
    await server.machine.run(['sh', '-c', 'echo another-password >/root/password; mkdir /root/lessons; cat >/root/lessons/1'], {
      input: letter('<lesson@outside.test>', demo),
    });
    // Stands still meanwhile: a session is ended and a message learned by daemons, which the apply makes read anew in the end.
    const apply = await launched(server.machine, ['apply', '--yes'], '... check ');
    await server.machine.run(['kill', '-STOP', apply.pid]);
    const beside = await server.machine.run(['sh', '-c', `exec ${HAUSPOST} account passwd ${demo} --password-stdin </root/password`]);
    assert.equal(beside.code, 0, beside.stderr);
    const lesson = await server.machine.run([HAUSPOST, 'spam', 'learn', '--ham', '/root/lessons']);
    assert.equal(lesson.code, 0, lesson.stderr);
    await server.machine.run(['kill', '-CONT', apply.pid]);
    assert.equal(await apply.ended, 0, apply.said());
    assert.equal(await canLogIn(server, { user: demo, pass: 'another-password' }), true);
    const back = await server.machine.run(['sh', '-c', `exec ${HAUSPOST} account passwd ${demo} --password-stdin`], {
      input: `${server.demo.pass}\n`,
    });
    assert.equal(back.code, 0, back.stderr);
    await inOrder(server);
  });

  test('C3, C6: in the middle of a change plan and status name who makes it, and call it neither interrupted nor drift; nobody is asked', async () => {
    const server = get();
    const { machine } = server;
    await configure(server, size(49));
    const change = await launched(machine, ['rollback', '1', '--yes'], ' ok write files');
    const { pid } = change;
    await machine.run(['kill', '-STOP', pid]);
    const holder = `'hauspost rollback' (process ${pid})`;
    const { document } = await answered<Plan>(server, 'plan');
    assert.deepEqual([document.under_way, document.interrupted], [holder, undefined]);
    assert.ok(document.changes.length > 0 && document.changes.every(({ drift }) => !drift), JSON.stringify(document.changes));
    const status = (await answered<{ under_way?: string; interrupted?: number; drift: readonly string[] }>(server, 'status')).document;
    assert.deepEqual([status.under_way, status.interrupted, status.drift], [holder, undefined, []]);
    const words = `A change is being made at this moment by ${holder}; look again when it has ended.`;
    for (const [code, command] of [
      [2, 'plan'],
      [0, 'status'],
    ] as const) {
      const said = (await exits(server, code, command)).stdout;
      assert.ok(said.includes(words) && !said.includes('interrupted'), said);
    }
    for (const command of [['apply'], ['rollback'], ['up'], ['down'], ['apply', '--yes']]) {
      const refused = await answered<Failure>(server, ...command);
      assert.deepEqual([refused.code, refused.document.error.message], [4, `another change is under way: ${holder}`], command.join(' '));
    }
    for (const command of ['upkeep', 'doctor']) assert.ok(!(await told(server, command)).includes('change.interrupted'), command);
    await machine.run(['kill', '-CONT', pid]);
    assert.equal(await change.ended, 0, change.said());
    assert.equal(await announcedSize(server), 'SIZE 52428800');
    const after = await answered<Plan>(server, 'plan');
    assert.deepEqual([after.document.under_way, after.document.interrupted], [undefined, undefined]);
  });

  test('C4, M19: upkeep that waits for an apply goes by what that one put in place, not by what was there before', async () => {
    const server = get();
    const { machine } = server;
    // By itself it would wait for the apply in the place of the one below.
    await holdUpkeep(machine);
    await configure(server, 'hostname = "post.hauspost.test"\n');
    // The certificate of the new name lies there by now, and the configuration of the old one is in place.
    const change = await launched(machine, ['apply', '--yes'], '... check ');
    await machine.run(['kill', '-STOP', change.pid]);
    const keeper = await launched(machine, ['upkeep'], `waits for 'hauspost apply' (process ${change.pid})`);
    await machine.run(['kill', '-CONT', change.pid]);
    assert.equal(await change.ended, 0, change.said());
    assert.equal(await keeper.ended, 0, keeper.said());
    await inOrder(server);
    const shown = await machine.run(['sh', '-c', 'openssl s_client -connect 127.0.0.1:993 </dev/null 2>/dev/null | openssl x509 -noout -subject']);
    assert.match(shown.stdout, /CN ?= ?post\.hauspost\.test/);
  });

  test('C4, M19: upkeep that waits for an apply which is killed makes no daemon read what that one has left, and says why', async () => {
    const server = get();
    const { machine } = server;
    const reloads = async (): Promise<number> => (await machine.journal()).match(/ Reloading (?:dovecot|postfix\S*|nginx)\.service/g)?.length ?? 0;
    // Back to the name of before.
    await configure(server, size(50));
    const change = await launched(machine, ['apply', '--yes'], '... check ');
    await machine.run(['kill', '-STOP', change.pid]);
    const keeper = await launched(machine, ['upkeep'], `waits for 'hauspost apply' (process ${change.pid})`);
    const before = await reloads();
    assert.ok(before > 0, 'the journal tells of them');
    await machine.run(['kill', '-CONT', change.pid]);
    await change.says(' ok write files');
    await machine.run(['kill', '-KILL', change.pid]);
    assert.notEqual(await change.ended, 0);
    assert.equal(await keeper.ended, 1, keeper.said());
    const why = /a change \(to generation \d+\) was interrupted, and the machine is between two configurations; no daemon/;
    await until(
      () => `it says why; it says ${keeper.result()}`,
      () => why.test(keeper.result()) || undefined,
      10_000,
    );
    assert.equal(await reloads(), before);
    const { document } = await answered<Plan>(server, 'plan');
    assert.ok(document.interrupted !== undefined, JSON.stringify(document));
    // Mail flows, and nothing is renewed from now on: whoever looks is told, and the log as well.
    assert.deepEqual(await told(server, 'upkeep'), ['change.interrupted']);
    assert.ok((await told(server, 'doctor')).includes('change.interrupted'));
    await exits(server, 1, 'doctor');
    await exits(server, 0, 'apply', '--yes');
    assert.ok(!(await told(server, 'doctor')).includes('change.interrupted'));
    await exits(server, 0, 'upkeep');
    await inOrder(server);
  });
};

const GO = '/run/mariadb-may-start';
/** MariaDB is on its way until it may start, and for five minutes at most. */
const SLOW = `[Service]\nTimeoutStartSec=600\nExecStartPre=/bin/sh -c 'for n in $(seq 3000); do [ ! -e ${GO} ] || exit 0; sleep 0.1; done'\n`;

const state = async (machine: Machine, unit: string): Promise<string> =>
  (await machine.run(['systemctl', 'show', '--property=ActiveState', '--value', unit])).stdout.trim();

/** What Postfix could not hand over while others started it tries again after a minute, or after five (minimal_backoff_time). */
const NEXT_ATTEMPT_MS = 360_000;
const AT_ONCE_MS = 30_000;

/** Where it was not delivered at the first attempt, the log says why. */
const arrivesAfterBoot = async (machine: Machine, imap: ImapFlow, id: string): Promise<void> => {
  const begun = performance.now();
  try {
    await fetched(imap, 'INBOX', id, NEXT_ATTEMPT_MS);
  } finally {
    const ms = performance.now() - begun;
    if (ms > AT_ONCE_MS) {
      const { stdout } = await machine.run(['journalctl', '--boot', '--no-pager', '--output=short-monotonic', '--grep=postfix|milter|lmtp']);
      console.log(`    ${id} took ${(ms / 1000).toFixed(0)} s:\n${stdout.slice(0, 12_000)}`);
    }
  }
};

const atBoot = (get: () => Server): void => {
  const [taken, posted] = ['<taken@outside.test>', '<posted@outside.test>'] as const;

  test('C4: apply while daemons start at boot waits for them, stops none in the middle, and is made', async () => {
    const server = get();
    const { machine, demo } = server;
    await configure(server, size(60));
    await machine.run(['sh', '-c', 'cat >/etc/systemd/system/mariadb.service.d/slow.conf; systemctl daemon-reload'], { input: SLOW });
    // Accepted and in the queue, where nobody tries it again for five minutes: its time has come when the machine starts.
    await machine.run(['systemctl', 'stop', 'dovecot.service']);
    const smtp = await server.stranger();
    for (const line of ['MAIL FROM:<friend@outside.test>', `RCPT TO:<${demo.user}>`]) assert.equal((await smtp.command(line)).code, 250, line);
    assert.equal((await smtp.data(letter(taken, demo.user))).code, 250);
    smtp.close();
    const waits = async (): Promise<true | undefined> => (await machine.run(['postqueue', '-j'])).stdout.includes('"deferred"') || undefined;
    await until('it waits in the queue', waits, 60_000, 100);
    await machine.run(['sh', '-c', 'find /var/spool/postfix/deferred -type f -exec touch -d "10 minutes ago" {} +']);
    // Handed in by a local program while Postfix is stopped.
    await machine.run(['sh', '-c', 'systemctl stop "postfix@-.service" postfix.service']);
    assert.equal((await machine.run(['sendmail', '-f', demo.user, demo.user], { input: letter(posted, demo.user).replaceAll('\r', '') })).code, 0);

    const before = await generations(server);
    await machine.stop();
    const booted = machine.start();
    void booted.catch(() => undefined); // it is judged below
    const starting = async (): Promise<true | undefined> => (await state(machine, 'mariadb.service').catch(() => '')) === 'activating' || undefined;
    await until('MariaDB is starting', starting, 300_000, 20);
    const apply = await launched(machine, ['apply', '--yes'], '... wait for mariadb');
    const { services } = JSON.parse((await machine.run([HAUSPOST, 'status', '--json'])).stdout) as {
      services: readonly { name: string; state: string }[];
    };
    const states = Object.fromEntries(services.map((each) => [each.name, each.state]));
    assert.deepEqual([states['mariadb'], states['postfix']], ['starting', 'starting'], JSON.stringify(states));
    await machine.run(['touch', GO]);
    assert.equal(await apply.ended, 0, apply.said());
    assert.match(apply.said(), / ok wait for mariadb/);
    assert.doesNotMatch(apply.said(), /start mariadb/);
    await booted;
    assert.deepEqual([await announcedSize(server), (await generations(server)).length], ['SIZE 62914560', before.length + 1]);
  });

  test('C6, M20: after the boot all is back without a manual step: daemons, self-test, queued mail, keys of new domains', async () => {
    const server = get();
    const { machine } = server;
    await allRun(machine);
    const imap = await server.imap(server.demo);
    for (const id of [taken, posted]) await arrivesAfterBoot(machine, imap, id);
    await imap.logout();
    assert.equal((await machine.run(['systemctl', '--failed', '--plain', '--no-legend'])).stdout, '');
    const { document } = await answered<{
      services: readonly { state: string }[];
      drift: unknown;
      queue: unknown;
      findings: readonly { code: string }[];
    }>(server, 'status');
    assert.ok(document.services.every((each) => each.state === 'running'));
    assert.deepEqual([document.drift, document.queue], [[], { active: 0, deferred: 0, hold: 0 }]);
    assert.deepEqual(
      document.findings.map(({ code }) => code),
      ['resolver.not-validated'],
    );
    await sql(machine, "INSERT INTO domains (domain) VALUES ('afterboot.test')");
    await until('its key is made', async () => (await keyFiles(server, 'afterboot.test')) || undefined, 60_000, 500);
    await inOrder(server);
  });
};

onEachRelease(twoAtOnce, atBoot);
