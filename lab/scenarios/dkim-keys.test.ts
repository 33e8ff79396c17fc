/** D1: a domain that plain SQL adds is DKIM-signed within a minute, nobody needs to call a command, and nobody hears of it every ten seconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childrenOf } from '../children.ts';
import { HAUSPOST, type Server, until } from '../index.ts';
import { answered, exits, type Finding } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';
import { isSignedTwice, keyFiles, loginOf, ownKeys, received, signsAfterSql } from '../signing.ts';
import { sql } from '../sql.ts';

const LOOP = '/usr/local/lib/hauspost/dkim-keys';
const UNIT = 'hauspost-dkim-keys.service';

const log = async ({ machine }: Server): Promise<readonly string[]> =>
  (await machine.run(['journalctl', '--no-pager', '--output=cat', `_SYSTEMD_UNIT=${UNIT}`, '+', `UNIT=${UNIT}`])).stdout
    .split('\n')
    .filter((line) => line !== '');

const shell = async ({ machine }: Server, script: string): Promise<void> => {
  const { code, stderr } = await machine.run(['sh', '-c', script]);
  assert.equal(code, 0, stderr);
};

const findings = async (server: Server): Promise<readonly string[]> =>
  (await answered<{ findings: readonly Finding[] }>(server, 'status')).document.findings
    .filter(({ code }) => code.startsWith('dkim.'))
    .map(({ message }) => message);

/** Lines since, once there is one that matches. */
const said = (server: Server, before: readonly string[], what: RegExp): Promise<readonly string[]> =>
  until(
    `the log says ${what}`,
    async () => {
      const since = (await log(server)).slice(before.length);
      return since.some((line) => what.test(line)) ? since : undefined;
    },
    90_000,
    500,
  );

/** The same loop at ten times its speed, for what it says and when; how soon a domain signs is seen before that. */
const hasten = async (server: Server): Promise<void> => {
  await shell(
    server,
    `sed -i 's/pause=\\([0-9]*\\)0$/pause=\\1/' ${LOOP} && test "$(grep -c 'pause=[14]$' ${LOOP})" = 2 && systemctl restart ${UNIT}`,
  );
};

/** Ticks of the loop: each starts another sleep. */
const ticks = async ({ machine }: Server, count: number): Promise<void> => {
  const loop = (await machine.run(['systemctl', 'show', '--property=MainPID', '--value', UNIT])).stdout.trim();
  const sleeper = (): string => childrenOf(machine, loop, 'sleep').join(' ');
  for (let seen = 0, last = ''; seen <= count; ) {
    const now = await until('it looks again', () => sleeper() || undefined, 60_000, 20);
    if (now !== last) seen += 1;
    last = now;
    await until('it wakes up', () => sleeper() !== now || undefined, 60_000, 100);
  }
};

const SCANNERS = '^rspamd: rspamd_proxy process';

const scanners = async ({ machine }: Server): Promise<readonly string[]> =>
  (await machine.run(['pgrep', '-f', SCANNERS])).stdout.split('\n').filter((pid) => pid !== '');

/** Rspamd's own main process begins them anew. */
const killScanners = async (server: Server): Promise<void> => {
  const before = await scanners(server);
  assert.ok(before.length > 1, before.join(' '));
  await shell(server, `kill -KILL ${before.join(' ')}`);
  const areBack = async (): Promise<true | undefined> => {
    const now = await scanners(server);
    return (now.length === before.length && !now.some((pid) => before.includes(pid))) || undefined;
  };
  await until('others have taken their places', areBack, 60_000, 200);
};

/** Each on a connection of its own. */
const MESSAGES = 6;
let rounds = 0;

const allAreSigned = async (server: Server, domain: string): Promise<true | undefined> => {
  rounds += 1;
  const login = loginOf(domain);
  for (let n = 0; n < MESSAGES; n += 1)
    if (!isSignedTwice(await received(server, server.client(587, login), login.user, `${domain}-again-${rounds}-${n}`))) return undefined;
  return true;
};

/** Changes with each touch. */
const mapsOf = async ({ machine }: Server): Promise<string> => (await machine.run(['sh', '-c', 'stat -c "%n %z" /var/lib/rspamd/dkim/*.map'])).stdout;

onEachRelease((get) => {
  test('D1, M14: mail of a domain and account that SQL added is signed within 60 s, and a verifier agrees', async () => {
    assert.ok((await signsAfterSql(get(), 'inserted.test')) < 60_000);
    await hasten(get());
  });

  test('M14: scanners that were killed are followed by some that sign for it as well; after that the maps are left alone', async () => {
    const server = get();
    await killScanners(server);
    await until('all its mail is signed', () => allAreSigned(server, 'inserted.test'), 60_000, 500);
    await ticks(server, 4);
    const before = await mapsOf(server);
    assert.match(before, /^\/\S+ed25519\.map .*\n\/\S+selectors\.map .*\n$/);
    await ticks(server, 3);
    assert.equal(await mapsOf(server), before);
  });

  test('M14: its twin, mail of a domain that is not ours, is not signed', async () => {
    const server = get();
    assert.equal(await keyFiles(server, 'outside.test'), '');
    assert.doesNotMatch(await received(server, server.stranger(), 'friend@outside.test', 'not-ours'), /^DKIM-Signature:/im);
  });

  test('M14: nor is what a stranger sends in the name of that domain, whose key is there', async () => {
    const server = get();
    assert.notEqual(await keyFiles(server, 'inserted.test'), '');
    const source = await received(server, server.stranger(), 'anna@inserted.test', 'strangers', 'friend@outside.test');
    assert.match(source, /^From: <anna@inserted\.test>\r$/m);
    assert.doesNotMatch(source, /^DKIM-Signature:/im);
  });

  test('D1: a domain that SQL renamed gets a key by its new name; what is renamed or deleted keeps the old one', async () => {
    const server = get();
    await sql(server.machine, "INSERT INTO domains (domain) VALUES ('Before.test')");
    const key = await ownKeys(server, 'before.test');
    await sql(server.machine, "UPDATE domains SET domain = 'after.test' WHERE domain = 'before.test'");
    const other = await ownKeys(server, 'after.test');
    await sql(server.machine, "DELETE FROM domains WHERE domain = 'after.test'");
    await ticks(server, 2);
    assert.deepEqual([await keyFiles(server, 'before.test'), await keyFiles(server, 'after.test')], [key, other]);
    assert.deepEqual(await findings(server), []);
    await shell(server, 'cd /var/lib/hauspost/secrets/dkim/before.test && mv h*-ed25519 2017 && mv h* h20250102');
    const { document } = await answered<readonly { domain: string; selector: string; since: string | null }[]>(server, 'dkim', 'list');
    assert.deepEqual(
      document.flatMap(({ domain, selector, since }) => (domain === 'before.test' ? [[selector, since]] : [])),
      [
        ['2017', null],
        ['h20250102', '2025-01-02T00:00:00.000Z'],
      ],
    );
    const listed = (await exits(server, 0, 'dkim', 'list')).stdout;
    assert.match(listed, /^Domain before\.test\n\nSELECTOR .*\n2017 .* active +not known .*\nh20250102 .* active +2025-01-02 /m);
    assert.match(listed, /^Domain after\.test\n\nSELECTOR .*\nh(\d{4})(\d\d)(\d\d) +RSA +active +\1-\2-\3 /m);
    const drop = /^Domain before\.test\n[\s\S]*?\n {2}(rm -rf \S.*)$/m.exec(listed)?.[1] ?? '';
    await shell(server, drop);
    assert.deepEqual([await keyFiles(server, 'before.test'), await keyFiles(server, 'after.test')], ['', other]);
    const left = (await exits(server, 0, 'dkim', 'list')).stdout;
    assert.deepEqual(
      ['before', 'after', 'hauspost'].map((name) => left.includes(`\nDomain ${name}.test\n`) || left.startsWith(`Domain ${name}.test\n`)),
      [false, true, true],
    );
  });

  test('nothing is logged while nothing happens', async () => {
    const server = get();
    const before = await log(server);
    await ticks(server, 6);
    assert.deepEqual((await log(server)).slice(before.length), []);
  });

  test('a name that no mail domain has is named once, in the log and by status, and costs nothing after that', async () => {
    const server = get();
    const before = await log(server);
    await sql(server.machine, "INSERT INTO domains (domain) VALUES ('under_score.test'), ('a/../b\\\\$(id)')");
    await said(server, before, /under_score\.test/);
    const told = (await log(server)).slice(before.length);
    await ticks(server, 4);
    assert.deepEqual((await log(server)).slice(before.length), told);
    const shown = await findings(server);
    assert.equal(shown.length, 2, shown.join('\n'));
    for (const name of ['under_score.test', 'a/../b']) assert.ok(shown.some((message) => message.includes(name) && message.includes('no DKIM key')));
    await sql(server.machine, "DELETE FROM domains WHERE domain LIKE 'under%' OR domain LIKE 'a/%'");
    assert.deepEqual(await findings(server), []);
  });

  test('while MariaDB is down it says so once; after that a new domain is signed as ever', async () => {
    const server = get();
    const before = await log(server);
    await shell(server, 'systemctl stop mariadb');
    await said(server, before, /cannot be read/);
    await ticks(server, 4);
    assert.equal((await log(server)).slice(before.length).filter((line) => /cannot be read/.test(line)).length, 1);
    await shell(server, 'systemctl start mariadb');
    await signsAfterSql(server, 'recovered.test');
  });

  test('where Hauspost was moved away, the log says so once and status names the domain; back again, the key is made', async () => {
    const server = get();
    const before = await log(server);
    await shell(server, 'mv /opt/hauspost /opt/moved');
    await sql(server.machine, "INSERT INTO domains (domain) VALUES ('stranded.test')");
    const told = await said(server, before, /no DKIM key could be made for stranded\.test/);
    assert.match(told.join('\n'), /hauspost is no longer where it was installed/);
    const { stdout } = await server.machine.run([HAUSPOST.replace('/opt/hauspost', '/opt/moved'), 'status', '--json'], { ms: 120_000 });
    const document = JSON.parse(stdout) as { findings: readonly Finding[] };
    assert.ok(
      document.findings.some(({ message }) => message.includes('stranded.test')),
      stdout,
    );
    await shell(server, 'mv /opt/moved /opt/hauspost');
    await until('the key is made', async () => (await keyFiles(server, 'stranded.test')) || undefined, 90_000, 500);
    assert.equal((await log(server)).slice(before.length).filter((line) => /could be made/.test(line)).length, 1);
  });
});
