/** C1, C2, C3, C4, C6, C7: from a bare Debian to a mail read, and the commands that keep it one. Each kind of machine, nothing cached but downloads. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  allRun,
  boot,
  type Host,
  type Kind,
  listening,
  type Machine,
  type Network,
  network,
  type Output,
  PUBLIC,
  type Server,
  served,
  serverOn,
  shownPassword,
  type UpRecord,
  upRecord,
} from '../index.ts';
import { type Failure, type Finding, UNANSWERED } from '../operator.ts';
import { statusTells } from '../parts/status.ts';

const HAUSPOST = '/opt/hauspost/hauspost';
const KINDS: readonly Kind[] = [
  { release: 'bookworm', init: 'systemd' },
  { release: 'trixie', init: 'systemd' },
];
/** Of those that apply asks whether they are well; dkim-keys and upkeep answer nobody. */
const PROBED = ['unbound', 'redis', 'rspamd', 'mariadb', 'dovecot', 'postfix', 'nginx'];
const DAEMONS = ['unbound', 'redis', 'rspamd', 'mariadb', 'dovecot', 'postfix', 'nginx', 'dkim-keys', 'upkeep'];

const FILE = '/etc/hauspost/hauspost.toml';
const POSTMASTER = `postmaster@${PUBLIC.domain}`;
const REAL = `profile = "public"\nhostname = "${PUBLIC.hostname}"\npostmaster = "${POSTMASTER}"`;

interface Answer {
  readonly code: number;
  readonly stderr: string;
  readonly document: unknown;
}

const answerOf = ({ code, stdout, stderr }: Output): Answer => {
  assert.equal(stdout.trimEnd().split('\n').length, 1, `exactly one JSON document on standard output, not: ${stdout}`);
  return { code, stderr, document: JSON.parse(stdout) };
};

/** In the process that stays. */
const json = async ({ hauspost }: Server, ...words: readonly string[]): Promise<Answer> => answerOf(await hauspost([...words, '--json']));

/** In a process of its own, as a person's shell begins it. */
const jsonOfOne = async ({ machine }: Server, ...words: readonly string[]): Promise<Answer> =>
  answerOf(await machine.run([HAUSPOST, ...words, '--json'], { ms: 300_000 }));

for (const kind of KINDS) {
  describe(`${kind.release}, ${kind.init}`, () => {
    let machine: Machine;
    let record: UpRecord;
    let server: Server;
    before(async () => {
      machine = await boot({ image: await served(kind) });
      record = await upRecord(machine);
      server = await serverOn(machine);
    });
    after(async () => {
      await (server ?? machine)?.[Symbol.asyncDispose]();
    });

    test('C1: up ends well, with a self-test and what a mail program needs', () => {
      console.log(`    up took ${(record.ms / 1000).toFixed(0)} s after ${(record.preparedMs / 1000).toFixed(0)} s for Node and dependencies`);
      assert.equal(record.code, 0, record.stderr);
      assert.match(record.stdout, /IMAP localhost\s+port 993 TLS, or 143 STARTTLS/);
      assert.match(record.stdout, /SMTP localhost\s+port 465 TLS, or 587 STARTTLS/);
      assert.match(record.stdout, /demo@hauspost\.test/);
      assert.match(shownPassword(record, 'demo@hauspost.test'), /^[0-9a-z-]{20,}$/);
      assert.doesNotMatch(record.stdout, /FAIL/);
      assert.ok(!`${record.stdout}${record.stderr}`.includes('\u001b'), 'no colour without a terminal');
      assert.ok(record.stderr.includes(`warning: ${UNANSWERED.message}\n         ${UNANSWERED.remedy}\n`), record.stderr);
    });

    test('C1: Rspamd found its patterns compiled when it started for the first time', () => {
      console.log(`    Rspamd's first start took ${record.rspamdLoaded} s of a processor; those patterns take nine`);
      assert.ok(record.rspamdLoaded > 0 && record.rspamdLoaded < 4, String(record.rspamdLoaded));
    });

    test("C1: the host's own resolver is left alone", async () => {
      assert.equal((await machine.run(['cat', '/etc/resolv.conf'])).stdout, 'nameserver 192.0.2.53\n');
    });

    test('C6: everything runs after a reboot, without a manual step', async () => {
      const { code, document } = await jsonOfOne(server, 'status');
      assert.equal(code, 0);
      const status = document as { services: { name: string; state: string; version: string; memory_mb: number; since: string }[]; drift: string[] };
      assert.deepEqual(
        status.services.map(({ name, state }) => [name, state]),
        DAEMONS.map((name) => [name, 'running']),
      );
      for (const service of status.services) {
        assert.match(service.version, /^[0-9]+(\.[0-9]+)+$/);
        assert.ok(Date.parse(service.since) <= Date.now() && service.memory_mb > 0, JSON.stringify(service));
      }
      assert.deepEqual(status.drift, []);
      const complaints = (await machine.journal())
        .split('\n')
        .filter((line) => /Connect failed to database|connect to milter|connect to Mysql/i.test(line));
      assert.deepEqual(complaints, [], 'nobody looked for one who had not started yet');
    });

    test('C7: the self-test sends and reads real mail', async () => {
      const { code, document } = await jsonOfOne(server, 'selftest');
      const { ok, steps } = document as { ok: boolean; steps: { name: string; ok: boolean; ms: number; detail: string }[] };
      assert.ok(ok && code === 0, JSON.stringify(steps));
      assert.deepEqual(steps.map(({ name }) => name).toSorted(), [
        'alias',
        'dkim',
        'forged sender',
        'gtube',
        'imap',
        'inbound',
        'marked mail',
        'postmaster',
        'send-only',
        'submission',
        'wrong password',
      ]);
      const { document: accounts } = await json(server, 'account', 'list');
      assert.deepEqual(
        (accounts as { address: string }[]).map(({ address }) => address),
        ['demo@hauspost.test'],
        'it cleans up after itself',
      );
      assert.deepEqual(
        (await machine.run(['sh', '-c', 'ls /var/vmail/mailboxes/hauspost.test'])).stdout.split('\n').filter((name) => name.includes('selftest')),
        [],
      );
    });

    test('C3, C4: a second apply, plan and up change nothing', async () => {
      const first = await json(server, 'plan');
      assert.deepEqual([first.code, first.document], [0, { changes: [], generation: 1, findings: [UNANSWERED] }]);
      const apply = await json(server, 'apply');
      assert.deepEqual([apply.code, apply.document], [0, { applied: false, generation: 1, changes: [], probes: [], findings: [UNANSWERED] }]);
      const up = await json(server, 'up', '--yes');
      assert.equal(up.code, 0, up.stderr);
      assert.equal((up.document as { applied: boolean }).applied, false);
      assert.equal((up.document as { generation: number }).generation, 1);
    });

    test('C2: down stops all daemons, up starts them, mail and accounts stay', async () => {
      assert.equal((await json(server, 'down')).code, 0);
      assert.match(
        (await machine.run([HAUSPOST, 'status'])).stdout,
        /^All daemons are stopped, as 'hauspost down' leaves them; 'hauspost up' starts them\.\n\nSERVICE /,
      );
      const listening = await machine.run(['sh', '-c', 'cat /proc/net/tcp /proc/net/tcp6 | awk \'$4 == "0A" {print $2}\'']);
      assert.deepEqual(listening.stdout.trim(), '', 'nothing listens any more');
      const up = await json(server, 'up');
      assert.equal(up.code, 0, `it only starts what was stopped, and asks nothing: ${up.stderr}`);
      await allRun(machine);
      assert.deepEqual((await json(server, 'plan')).document, { changes: [], generation: 1, findings: [UNANSWERED] });
      const { document } = await json(server, 'account', 'list');
      assert.deepEqual(
        (document as { address: string }[]).map(({ address }) => address),
        ['demo@hauspost.test'],
      );
    });

    statusTells(() => server);

    if (kind.release === 'bookworm') {
      describe('in the world', () => {
        let lan: Network;
        let client: Host;
        before(async () => {
          lan = await network();
          await lan.join(machine, PUBLIC.addresses);
          client = await lan.host('laptop.elsewhere.example', { v4: '198.18.0.77', v6: '2001:2::77' });
        });
        after(() => lan?.[Symbol.asyncDispose]());

        test('from a trial to the real thing, in the order of README: the file says public, apply, others reach it, and the toy domain goes', async () => {
          await machine.run(['sed', '-i', `s/^profile = "local"$/${REAL.replaceAll('\n', '\\n')}/`, FILE]);
          await assert.rejects(client.dial({ host: PUBLIC.addresses.v4, port: 993 }), { code: 'ECONNREFUSED' });
          assert.equal((await json(server, 'domain', 'add', PUBLIC.domain)).code, 0);
          assert.equal((await json(server, 'account', 'add', POSTMASTER)).code, 0);
          const removal = ['domain', 'remove', 'hauspost.test', '--with-everything', '--yes'];
          const early = await json(server, ...removal);
          assert.deepEqual([early.code, (early.document as { error: { code: string } }).error.code], [3, 'postmaster.lost']);

          const apply = await json(server, 'apply', '--yes');
          const done = apply.document as { applied: boolean; generation: number; probes: { service: string; name: string; ok: boolean }[] };
          assert.deepEqual([apply.code, done.applied, done.generation], [0, true, 2], apply.stderr);
          assert.deepEqual(Object.keys(done).toSorted(), ['applied', 'changes', 'findings', 'generation', 'probes']);
          assert.deepEqual([...new Set(done.probes.map(({ service }) => service))], PROBED);
          for (const probe of done.probes) assert.deepEqual(probe, { service: probe.service, name: probe.name, ok: true });
          for (const name of ['postfix smtp on 0.0.0.0', 'dovecot lmtp', 'rspamd milter'])
            assert.ok(
              done.probes.some((probe) => probe.name === name),
              name,
            );
          assert.ok(listening(machine).includes('tcp 0.0.0.0:993 dovecot'));
          (await client.dial({ host: PUBLIC.addresses.v4, port: 993 })).destroy();

          const gone = await json(server, ...removal);
          assert.equal(gone.code, 0, gone.stderr);
          const { accounts, moved_to: moved } = gone.document as { accounts: { first: readonly string[] }; moved_to: string };
          assert.deepEqual(accounts.first, ['demo@hauspost.test']);
          assert.match(moved, /^\/var\/vmail\/removed\/@hauspost\.test\./);
          assert.deepEqual((await json(server, 'domain', 'list')).document, [{ domain: PUBLIC.domain, accounts: 1, aliases: 0 }]);
          assert.equal((await json(server, 'selftest')).code, 0);
        });

        test('left altogether, and back in the trial, whose domain is gone: every command goes by what is in place, and says what is lacking', async () => {
          const codes = async (command: string): Promise<readonly string[]> =>
            ((await json(server, command)).document as { findings: readonly Finding[] }).findings.map(({ code }) => code);
          assert.equal((await json(server, 'down')).code, 0);
          assert.ok(!(await codes('status')).includes('resolver.no-answer'), 'that it is stopped is said already');
          const stopped = await server.hauspost(['doctor']);
          assert.match(stopped.stdout, /^Attention: names .*: its own resolver is not there \(127\.0\.0\.1, port 53\)\.\n {2}'hauspost up' starts/m);

          assert.equal((await json(server, 'rollback', '0', '--yes')).code, 0);
          const none = await json(server, 'status');
          assert.deepEqual([none.code, (none.document as Failure).error.code], [4, 'server.none']);
          const beforeIt = (await json(server, 'rollback', '--yes')).document as Failure;
          assert.equal(beforeIt.error.message, 'none is in place, so that there is none before it');
          assert.match((await server.hauspost(['generations'])).stdout, /\n\nNone of them is in place\. In the checkout '\.\/hauspost rollback N'/);

          const back = await json(server, 'rollback', '1', '--yes');
          assert.equal(back.code, 0, back.stderr);
          assert.match(
            back.stderr,
            /^warning: nobody here .* postmaster, demo@hauspost\.test, since hauspost\.test is not .*\n +'hauspost domain add hauspost\.test' adds it, 'hauspost account add/m,
          );
          const told = ['config.not-in-place', UNANSWERED.code, 'postmaster.unread'];
          for (const command of ['status', 'doctor']) assert.deepEqual(await codes(command), told, command);
          const { code, document } = await json(server, 'selftest');
          const { steps } = document as { steps: readonly { name: string; ok: boolean; detail: string }[] };
          const failed = steps.filter((step) => !step.ok).map(({ name, detail }) => `${name}: ${detail}`);
          assert.deepEqual([code, failed.length], [1, 1], 'among those who are there, one of whom has the name of a postmaster');
          assert.match(
            failed[0] ?? '',
            /^postmaster: nobody here receives the mail of the postmaster, demo@hauspost\.test, since hauspost\.test is not /,
          );
          assert.equal((await json(server, 'domain', 'add', 'hauspost.test')).code, 0);
          assert.equal((await json(server, 'account', 'add', 'demo@hauspost.test')).code, 0);
          assert.deepEqual(await codes('status'), told.slice(0, 2));
          assert.equal((await json(server, 'selftest')).code, 0);
        });

        test('begun anew over the people of before: up makes the account of the postmaster where nobody reads his mail', async () => {
          assert.equal(
            (await machine.run(['mariadb', 'vmail', '-e', "DELETE FROM accounts; DELETE FROM domains WHERE domain = 'hauspost.test'"])).code,
            0,
          );
          assert.equal((await json(server, 'rollback', '0', '--yes')).code, 0);
          assert.equal((await machine.run(['mv', FILE, '/root/'])).code, 0);
          const up = await machine.run([HAUSPOST, 'up', '--hostname', PUBLIC.hostname, '--domain', PUBLIC.domain, '--yes'], { ms: 300_000 });
          assert.equal(up.code, 0, up.stderr);
          assert.match(shownPassword(up, POSTMASTER), /^[0-9a-z-]{20,}$/);
          assert.doesNotMatch(up.stderr, /nobody here receives/);
          assert.deepEqual((await json(server, 'domain', 'list')).document, [{ domain: PUBLIC.domain, accounts: 1, aliases: 0 }]);
        });
      });
    }
  });
}
