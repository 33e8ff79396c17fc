/** C1, C2 without systemd: `up --foreground` as a container's main process, runit below it. Debian 12, an image without any init. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { boot, lastingListeners, LOCAL_LISTENERS, type Machine, served, serverOn, until } from '../index.ts';
import { launched } from '../operator.ts';
import { signsAfterSql } from '../signing.ts';

const HAUSPOST = '/opt/hauspost/hauspost';
const KIND = { release: 'bookworm', init: 'none' } as const;
/** In the order of their start. */
const DAEMONS = ['unbound', 'redis', 'rspamd', 'mariadb', 'dovecot', 'postfix', 'nginx', 'dkim-keys', 'upkeep'];

/** Waits until it holds. */
const holds = (what: string, condition: () => Promise<boolean>, ms: number): Promise<true> =>
  until(what, async () => (await condition()) || undefined, ms, 250);

const shell = async (machine: Machine, script: string, ...words: readonly string[]): Promise<string> =>
  (await machine.run(['sh', '-c', script, 'shell', ...words])).stdout.trim();

const supervisedPid = (machine: Machine, daemon: string): Promise<string> => shell(machine, 'cat /etc/hauspost/runit/$1/supervise/pid', daemon);

const allIsWell = async (machine: Machine): Promise<boolean> => {
  const ran = await machine.run([HAUSPOST, 'selftest', '--json'], { ms: 120_000 });
  return ran.code === 0 && (JSON.parse(ran.stdout) as { ok: boolean }).ok;
};

describe('a container', () => {
  let machine: Machine;
  before(async () => {
    machine = await boot({ image: await served(KIND), main: [HAUSPOST, 'up', '--foreground', '--yes'] });
    await holds('the main process says that the server runs', async () => (await machine.journal()).includes('the mail server runs'), 300_000);
  });
  after(() => machine?.[Symbol.asyncDispose]());

  test('C1: the self-test passed before it said that the server runs', async () => {
    const said = await machine.journal();
    assert.equal(said.match(/ ok self-test: /g)?.length, 11, said);
    assert.equal(said.indexOf('failed'), -1, said);
  });

  test('C1: daemons start in order, each before the next, and Rspamd, whose first start takes long, before Postfix', async () => {
    const said = await machine.journal();
    const begins = DAEMONS.map((daemon) => said.indexOf(`... start ${daemon}\n`));
    const ends = DAEMONS.map((daemon) => said.indexOf(` ok start ${daemon}`));
    assert.ok(begins.every((at) => at >= 0) && ends.every((at) => at >= 0), said);
    assert.deepEqual(
      begins,
      begins.toSorted((a, b) => a - b),
      said,
    );
    for (let n = 1; n < DAEMONS.length; n += 1) {
      const next = DAEMONS[n - 1] === 'rspamd' ? DAEMONS.indexOf('postfix') : n;
      assert.ok((ends[n - 1] ?? 0) < (begins[next] ?? 0), `${DAEMONS[next]} started too early:\n${said}`);
    }
  });

  test('C6: status tells since when daemons run, as runsv noted it, and has nothing to say of the clock', async () => {
    const { stdout } = await machine.run([HAUSPOST, 'status', '--json']);
    const { services, findings } = JSON.parse(stdout) as { services: readonly { since: string }[]; findings: readonly { code: string }[] };
    for (const { since } of services) assert.ok(Math.abs(Date.now() - Date.parse(since)) < 600_000, since);
    assert.deepEqual(
      findings.map(({ code }) => code).filter((code) => code.startsWith('clock.')),
      [],
    );
  });

  test('a daemon that is killed comes back, and mail flows again', async () => {
    for (const daemon of ['dovecot', 'rspamd', 'postfix']) {
      const before = await supervisedPid(machine, daemon);
      await machine.run(['kill', '-KILL', before]);
      await holds(`${daemon} runs again`, async () => ![before, '', '0'].includes(await supervisedPid(machine, daemon)), 30_000);
    }
    await holds('the self-test passes', () => allIsWell(machine), 90_000);
  });

  test('D1, M14: mail of a domain that SQL added is signed within 60 s', async () => {
    assert.ok((await signsAfterSql(await serverOn(machine), 'inserted.test')) < 60_000);
    const log = (): Promise<string> => shell(machine, 'cat /var/log/hauspost/dkim-keys/current');
    await holds('its log says so', async () => (await log()).includes('DKIM key made for inserted.test'), 30_000);
  });

  test("M23: listeners are exactly the contract's, on loopback, each by its own daemon", async () => {
    assert.deepEqual(await lastingListeners(machine), LOCAL_LISTENERS);
  });

  test('M29: owners and modes of keys, secrets, generations and logs', async () => {
    const stat = (find: string): Promise<string> => shell(machine, `find ${find} -exec stat -c '%U:%G %a %n' {} + | sort`);
    const each = async (find: string, expected: RegExp): Promise<void> => {
      const lines = (await stat(find)).split('\n');
      for (const line of lines) assert.match(line, expected, find);
    };
    await each('/var/lib/hauspost/secrets -type f', /^root:root 600 /);
    await each('/var/lib/hauspost/secrets -maxdepth 0', /^root:root 700 /);
    await each('/var/lib/hauspost/generations -maxdepth 1 -type d', /^root:root 700 /);
    await each('/var/lib/hauspost/tls/key.pem', /^root:root 600 /);
    await each('/var/lib/rspamd/dkim -name *.key', /^root:_rspamd 440 /);
    await each('/var/log/hauspost -mindepth 1 -type d', /^root:adm 750 /);
    for (const daemon of DAEMONS) {
      const read = ['cat', `/var/log/hauspost/${daemon}/current`];
      for (const user of ['vmail', 'www-data', 'postfix']) assert.notEqual((await machine.run(read, { user })).code, 0, `${user} reads ${daemon}`);
      assert.equal((await machine.run(['setpriv', '--reuid=www-data', '--regid=www-data', '--groups=adm', ...read])).code, 0, 'who is in adm may');
    }
  });

  test('each process of Rspamd may have as many addresses as the machine has memory, twice what it may take', async () => {
    const limits = await shell(
      machine,
      "grep -lx rspamd /proc/[0-9]*/comm | sed 's/comm$/limits/' | xargs awk '/^Max data size/ {print $4}' | sort -u",
    );
    const total = Number(await shell(machine, "awk '/^MemTotal/ {print $2}' /proc/meminfo")) * 1024;
    assert.match(limits, /^[0-9]+$/);
    assert.ok(Math.abs(Number(limits) / total - 1) < 0.1, `${limits} of ${total}`);
  });

  test('M19: a session lives through the renewal of the certificate; a stop leaves none behind', async () => {
    const server = await serverOn(machine);
    const imap = await server.imap(server.demo);
    const print = (): Promise<string> =>
      shell(machine, 'openssl s_client -connect 127.0.0.1:993 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256');
    const was = await print();
    assert.match(was, /=[0-9A-F:]{95}$/);
    await shell(machine, 'rm /var/lib/hauspost/tls/chain.pem');
    const apply = await server.hauspost(['apply', '--json']);
    assert.equal(apply.code, 0, apply.stderr);
    await holds('another certificate is served', async () => /=/.test(await print()) && (await print()) !== was, 20_000);
    // Where a reload ends sessions it does so after five seconds (docs/dovecot.md).
    const begun = performance.now();
    while (performance.now() - begun < 7000) await imap.noop();
    assert.ok(imap.usable);
    const ofDovecot = (): Promise<string> => shell(machine, 'readlink /proc/[0-9]*/exe | grep /dovecot');
    assert.match(await ofDovecot(), /\/imap$/m);
    const ended = new Promise((resolve) => imap.once('close', resolve));
    assert.equal((await server.hauspost(['down'])).code, 0);
    await holds('nothing of Dovecot is left', async () => (await ofDovecot()) === '', 10_000);
    await ended;
    const up = await server.hauspost(['up', '--yes']);
    assert.equal(up.code, 0, up.stderr);
  });

  test('process 1 buries orphans', async () => {
    await machine.run(['sh', '-c', '(sleep 0.1 &) ; exit 0']);
    const zombies = (): Promise<string> => shell(machine, 'cat /proc/[0-9]*/stat 2>/dev/null | awk \'$3 == "Z" && $4 == 1 {print}\'');
    await holds('no zombie is left below process 1', async () => (await zombies()) === '', 10_000);
  });

  test('M28: logs of every daemon are kept by svlogd for seven days', async () => {
    for (const daemon of DAEMONS) {
      const log = `/var/log/hauspost/${daemon}`;
      assert.equal(await shell(machine, 'test -f $1/current && echo there', log), 'there', daemon);
    }
    assert.match(await shell(machine, 'cat /var/log/hauspost/postfix/current'), /postfix\/qmgr/);
    // One more than the seven days that are kept; svlogd names files by time (TAI64N) and removes the oldest when it rotates.
    const old = [1, 2, 3, 4, 5, 6, 7, 8].map((second) => `@400000000000000${second}00000000.s`);
    await shell(machine, 'cd /var/log/hauspost/postfix && touch "$@"', ...old);
    // svlogd(8): SIGALRM makes it rotate a log that is not empty.
    await shell(
      machine,
      'pkill -ALRM -f "svlogd -tt /var/log/hauspost/postfix" || for p in /proc/[0-9]*; do case "$(tr "\\0" " " <$p/cmdline 2>/dev/null)" in "svlogd -tt /var/log/hauspost/postfix ") kill -ALRM ${p#/proc/};; esac; done',
    );
    await holds('an older log appears', async () => /@4000{5}[^0]/.test(await shell(machine, 'ls /var/log/hauspost/postfix')), 10_000);
    const kept = (await shell(machine, 'ls /var/log/hauspost/postfix')).split('\n');
    assert.deepEqual(
      old.filter((name) => !kept.includes(name)),
      old.slice(0, 1),
    );
  });

  test('C2: SIGTERM stops the daemons in the reverse order and ends with 0; a second start brings all back, and refuses others meanwhile', async () => {
    const { code, stderr, stdout } = await machine.stop();
    const said = stdout + stderr;
    assert.equal(code, 0, said);
    const stops = DAEMONS.toReversed().map((daemon) => said.lastIndexOf(` ok stop ${daemon}`));
    assert.ok(
      stops.every((at) => at >= 0),
      said,
    );
    assert.deepEqual(
      stops,
      stops.toSorted((a, b) => a - b),
      said,
    );
    await machine.start();
    await holds('it has begun to start daemons', async () => (await machine.journal()).includes('... start '), 60_000);
    const apply = await machine.run([HAUSPOST, 'apply', '--yes']);
    assert.equal(apply.code, 4, apply.stderr);
    assert.match(apply.stderr, /^hauspost: another change is under way: 'hauspost up' \(process [0-9]+\)\n/m);
    await holds('the server runs again', async () => (await machine.journal()).includes('the mail server runs'), 300_000);
    assert.equal((await machine.journal()).match(/ ok self-test: /g)?.length, 11);
  });
});

/** A container's main process that gave up would take the container with it. */
const waitsItsTurn = async (machine: Machine): Promise<void> => {
  const apply = await launched(machine, ['apply', '--yes'], '... start ');
  await machine.run(['kill', '-STOP', apply.pid]);
  const main = await launched(machine, ['up', '--foreground', '--yes'], `waits for another change: 'hauspost apply' (process ${apply.pid})\n`);
  await machine.run(['kill', '-CONT', apply.pid]);
  assert.equal(await apply.ended, 0, apply.said());
  await until(
    () => `up goes on; it says ${main.said()}`,
    () => main.said().includes('the mail server runs') || undefined,
    300_000,
    100,
  );
  assert.equal(main.said().match(/ ok self-test: /g)?.length, 11);
  await machine.run(['kill', '-TERM', main.pid]);
  assert.equal(await main.ended, 0, main.said());
};

test('C1: up without --foreground where nobody supervises: daemons run after it has ended', async () => {
  await using machine = await boot({ image: await served(KIND) });
  const up = await machine.run([HAUSPOST, 'up', '--yes'], { ms: 240_000 });
  assert.equal(up.code, 0, up.stderr);
  assert.ok(await allIsWell(machine));
  const down = await machine.run([HAUSPOST, 'down']);
  assert.equal(down.code, 0, down.stderr);
  await waitsItsTurn(machine);
});
