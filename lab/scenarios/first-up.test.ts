/** C1, C2, C3, C4, C6, C7: from a bare Debian to a mail read, and the commands that keep it one. Each kind of machine, nothing cached but downloads. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  allRun,
  boot,
  type Kind,
  listening,
  type Machine,
  network,
  PUBLIC,
  type Server,
  served,
  serverOn,
  shownPassword,
  type UpRecord,
  upRecord,
} from '../index.ts';
import { UNANSWERED } from '../operator.ts';
import { statusTells } from '../parts/status.ts';

const HAUSPOST = '/opt/hauspost/hauspost';
const KINDS: readonly Kind[] = [
  { release: 'bookworm', init: 'systemd' },
  { release: 'trixie', init: 'systemd' },
];
/** Of those that apply asks whether they are well; dkim-keys answers nobody. */
const PROBED = ['unbound', 'mariadb', 'redis', 'rspamd', 'dovecot', 'postfix', 'nginx'];
const DAEMONS = ['unbound', 'mariadb', 'redis', 'rspamd', 'dovecot', 'postfix', 'nginx', 'dkim-keys'];

const json = async (machine: Machine, ...words: readonly string[]): Promise<{ code: number; stderr: string; document: unknown }> => {
  const { code, stdout, stderr } = await machine.run([HAUSPOST, ...words, '--json'], { ms: 300_000 });
  assert.equal(stdout.trimEnd().split('\n').length, 1, `exactly one JSON document on standard output, not: ${stdout}`);
  return { code, stderr, document: JSON.parse(stdout) };
};

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

    test("C1: the host's own resolver is left alone", async () => {
      assert.equal((await machine.run(['cat', '/etc/resolv.conf'])).stdout, 'nameserver 192.0.2.53\n');
    });

    test('C6: everything runs after a reboot, without a manual step', async () => {
      const { code, document } = await json(machine, 'status');
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
      const { code, document } = await json(machine, 'selftest');
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
      const { document: accounts } = await json(machine, 'account', 'list');
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
      const first = await json(machine, 'plan');
      assert.deepEqual([first.code, first.document], [0, { changes: [], generation: 1, findings: [UNANSWERED] }]);
      const apply = await json(machine, 'apply');
      assert.deepEqual([apply.code, apply.document], [0, { applied: false, generation: 1, changes: [], probes: [], findings: [UNANSWERED] }]);
      const up = await json(machine, 'up', '--yes');
      assert.equal(up.code, 0, up.stderr);
      assert.equal((up.document as { applied: boolean }).applied, false);
      assert.equal((up.document as { generation: number }).generation, 1);
    });

    test('C2: down stops all daemons, up starts them, mail and accounts stay', async () => {
      assert.equal((await json(machine, 'down')).code, 0);
      assert.match(
        (await machine.run([HAUSPOST, 'status'])).stdout,
        /^Not running: unbound, mariadb, redis, rspamd, dovecot, postfix, nginx, dkim-keys; 'hauspost up' starts/m,
      );
      const listening = await machine.run(['sh', '-c', 'cat /proc/net/tcp /proc/net/tcp6 | awk \'$4 == "0A" {print $2}\'']);
      assert.deepEqual(listening.stdout.trim(), '', 'nothing listens any more');
      const up = await json(machine, 'up');
      assert.equal(up.code, 0, `it only starts what was stopped, and asks nothing: ${up.stderr}`);
      await allRun(machine);
      assert.deepEqual((await json(machine, 'plan')).document, { changes: [], generation: 1, findings: [UNANSWERED] });
      const { document } = await json(machine, 'account', 'list');
      assert.deepEqual(
        (document as { address: string }[]).map(({ address }) => address),
        ['demo@hauspost.test'],
      );
    });

    statusTells(() => server);

    if (kind.release === 'bookworm') {
      test('from a trial to the real thing: the file says public, apply, and others reach it', async () => {
        await using lan = await network();
        await lan.join(machine, PUBLIC.addresses);
        const client = await lan.host('laptop.elsewhere.example', { v4: '198.18.0.77', v6: '2001:2::77' });
        const file = `[server]\nprofile = "public"\nhostname = "${PUBLIC.hostname}"\npostmaster = "demo@hauspost.test"\n`;
        await machine.run(['sh', '-c', 'cat >/etc/hauspost/hauspost.toml'], { input: file });
        await assert.rejects(client.dial({ host: PUBLIC.addresses.v4, port: 993 }), { code: 'ECONNREFUSED' });
        const apply = await json(machine, 'apply', '--yes');
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
      });
    }
  });
}
