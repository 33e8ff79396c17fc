/**
 * M20: the clock jumps 400 days ahead, so that the certificate has run out, and back again, and then as far behind. Every daemon runs on or is back
 * by itself, at the latest after Dovecot's pause, mail flows once the certificate is renewed, and status, plan and apply say what has happened.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockOfNewPrograms, ownClock } from '../clock.ts';
import { dated } from '../dated.ts';
import { allRun, type Server, until } from '../index.ts';
import { announcedSize, answered, configure, exits, type Finding, generations, inOwnProcesses, type Plan } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';
import { holdUpkeep } from '../upkeep.ts';

const DAY_S = 86_400;
const FAR_S = 400 * DAY_S;

/** The own authority is made for ten years. */
const BEYOND_S = 11 * 365 * DAY_S;
/** Less than two of them are left. */
const NEAR_ITS_END_S = 3000 * DAY_S;

const ANOTHER_SIGNS = /^warning: the server's own authority is another one from now on \(until \d{4}-\d\d-\d\d\), /m;

interface Status {
  readonly services: readonly { readonly name: string; readonly state: string; readonly since: string }[];
  readonly findings: readonly Finding[];
  readonly drift: readonly string[];
}

const shell = async ({ machine }: Server, script: string, input = ''): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script], { input });
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
  return stdout;
};

/** Which one signs, by its key and dates. */
const authority = (server: Server): Promise<string> => shell(server, 'openssl x509 -in /var/lib/hauspost/tls/ca.pem -noout -fingerprint -sha256');

const status = async (server: Server): Promise<Status> => (await answered<Status>(server, 'status')).document;

/** But for the one about the lab's resolver. */
const told = async (server: Server): Promise<readonly string[]> =>
  (await status(server)).findings.map(({ code }) => code).filter((code) => code !== 'resolver.not-validated');

const selfTest = async (server: Server): Promise<boolean> => {
  const { code, document } = await answered<{ ok: boolean; steps: readonly { name: string; ok: boolean; detail: string }[] }>(server, 'selftest');
  const failed = document.steps.filter(({ ok }) => !ok).map(({ name, detail }) => `${name} (${detail})`);
  if (failed.length > 0) console.log(`    self-test: ${failed.join('; ')}`);
  assert.equal(code === 0, document.ok);
  return document.ok;
};

/** Days by which the machine's clock is ahead of the host's. */
const daysAhead = async (server: Server): Promise<number> => Math.round((Number(await shell(server, 'date +%s')) - Date.now() / 1000) / DAY_S) || 0;

/** Which daemons' first processes are others than before. */
const begunAnew = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string =>
  [...after].flatMap(([name, pid]) => (before.get(name) === pid ? [] : [name])).join(' ') || 'none';

const UNITS = ['unbound', 'mariadb', 'redis-server', 'rspamd', 'dovecot', 'nginx', 'hauspost-dkim-keys', 'hauspost-upkeep'];
const pids = async (server: Server): Promise<ReadonlyMap<string, string>> => {
  const text = await shell(
    server,
    `systemctl show --property=MainPID --value ${UNITS.map((unit) => `${unit}.service`).join(' ')}; pgrep -x -P 1 master`,
  );
  const found = text.split('\n').filter((line) => line !== '');
  return new Map([...UNITS, 'postfix'].map((name, index) => [name, found[index] ?? '']));
};

/** Strangers' mail is taken and delivered. */
const mailIn = async (server: Server, name: string, ms = 60_000): Promise<void> => {
  const id = `<${name}@outside.test>`;
  const smtp = await server.stranger();
  for (const line of ['MAIL FROM:<friend@outside.test>', `RCPT TO:<${server.demo.user}>`]) assert.equal((await smtp.command(line)).code, 250, line);
  const lines = ['From: <friend@outside.test>', `To: <${server.demo.user}>`, `Message-ID: ${id}`, dated(), 'Subject: a jump', '', 'Hello.', ''];
  assert.equal((await smtp.data(lines.join('\r\n'))).code, 250);
  smtp.close();
  const isThere = async (): Promise<true | undefined> =>
    (await server.machine.run(['grep', '--recursive', '--quiet', '--fixed-strings', id, '/var/vmail/mailboxes'])).code === 0 || undefined;
  await until(`${id} is in a mailbox`, isThere, ms, 500);
};

/** When its clock goes back Dovecot starts nothing new for three minutes (master: "waiting for 180.000 seconds"); then Postfix may try again after some more. */
const PAUSE_MS = 300_000;

onEachRelease((get) => {
  let jump: (ahead: number) => Promise<void>;
  /** To so many seconds ahead; then all daemons run, whether they ran on or came back. */
  const jumpTo = async (ahead: number): Promise<void> => {
    const server = get();
    const before = await pids(server);
    await jump(ahead);
    assert.equal(await daysAhead(server), Math.round(ahead / DAY_S));
    // File times are the kernel's, and cleanup(8) looks only once in its life whether those are its own clock's (mail_stream.c).
    if (ahead < 0) await shell(server, 'postfix reload');
    await allRun(server.machine);
    console.log(`    ${Math.round(ahead / DAY_S)} days ahead; begun anew: ${begunAnew(before, await pids(server))}`);
  };

  test('M20: far ahead for a moment, beyond the end of the own authority: another one signs; once the clock is right, the one that people trust does', async () => {
    const server = inOwnProcesses(get());
    await holdUpkeep(server.machine);
    const before = await authority(server);
    const set = await clockOfNewPrograms(server.machine);
    for (const _ of ['the first time', 'again']) {
      await set(BEYOND_S);
      assert.match((await exits(server, 0, 'upkeep')).stderr, ANOTHER_SIGNS);
      assert.notEqual(await authority(server), before);
      await set(0);
      const again = await exits(server, 0, 'upkeep');
      assert.match(again.stdout, /^The certificate was renewed; /);
      assert.match(again.stderr, ANOTHER_SIGNS);
      assert.equal(await authority(server), before);
      await shell(server, 'openssl verify -CAfile /var/lib/hauspost/tls/ca.pem /var/lib/hauspost/tls/chain.pem');
    }
    assert.ok(!(await told(server)).includes('tls.authority-ends'));
    await set(NEAR_ITS_END_S);
    assert.ok((await told(server)).includes('tls.authority-ends'));
    await set(0);
    const kept = '/var/lib/hauspost/secrets/own-ca-earlier';
    const modes = await shell(server, `stat -c '%a %U:%G' /var/lib/hauspost/tls/ca.pem /var/lib/hauspost/secrets/own-ca.key ${kept} ${kept}/*`);
    assert.equal(modes, `644 root:root\n600 root:root\n700 root:root\n${'600 root:root\n'.repeat(2)}`);
  });

  test('M20: before, all is well and nothing is said of the clock', async () => {
    const server = get();
    jump = await ownClock(server.machine);
    await allRun(server.machine);
    // It would renew the certificate before anybody looks; it is called below.
    await holdUpkeep(server.machine);
    assert.deepEqual([await daysAhead(server), await told(server), await selfTest(server)], [0, [], true]);
  });

  test('M20: ahead: said by status, plan and apply; the certificate that ran out is renewed without a question, and mail flows', async () => {
    const server = get();
    await jumpTo(FAR_S);
    await mailIn(server, 'ahead');
    assert.deepEqual(await told(server), ['tls.out-of-time', 'clock.set']);
    const said = (await exits(server, 0, 'status')).stdout;
    assert.match(said, /^Attention: the clock was set forward by 400 days since the daemons started\.$/m);
    assert.match(said, /^Attention: the certificate ran out on \d{4}-\d\d-\d\d\.$/m);
    const { code, document } = await answered<Plan>(server, 'plan');
    assert.deepEqual([code, document.changes.map(({ kind }) => kind)], [2, ['certificate']]);
    const { stderr } = await exits(server, 0, 'apply');
    assert.match(stderr, /^warning: the clock was set forward by 400 days since the daemons started$/m);
    assert.deepEqual([await told(server), await selfTest(server)], [['clock.set'], true]);
    assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, []);
    // A generation of that time, and mail that is put off at it.
    await configure(server, '[mail]\nmessage_size_limit = "20M"\n');
    await exits(server, 0, 'apply', '--yes');
    await shell(server, `sendmail -f ${server.demo.user} waits@outside.test`, `From: ${server.demo.user}\nSubject: waits\n\nHello.\n`);
    await until('it is put off', async () => (await shell(server, 'postqueue -j')).includes('"deferred"') || undefined, 60_000, 200);
  });

  test('M20: back: who ends himself over it is back, all of that time is said and mended, and mail flows', async () => {
    const server = get();
    await jumpTo(0);
    const begun = performance.now();
    await mailIn(server, 'back', PAUSE_MS);
    console.log(`    mail taken right after it was in its mailbox ${((performance.now() - begun) / 1000).toFixed(0)} s later`);
    assert.deepEqual(await told(server), ['tls.out-of-time', 'clock.behind']);
    assert.match((await exits(server, 0, 'status')).stdout, /^Attention: the certificate is not valid before \d{4}-\d\d-\d\d\.$/m);
    const numbers = await generations(server);
    assert.match((await exits(server, 0, 'upkeep')).stdout, /^The certificate was renewed; it is valid until \d{4}-\d\d-\d\d\.$/m);
    assert.deepEqual([await told(server), await selfTest(server)], [['clock.behind'], true]);
    assert.match((await exits(server, 0, 'plan')).stdout, /^Attention: the clock says \S+ \S+ \(UTC\), and generation 2 was put in place on /m);
    await configure(server, '');
    await exits(server, 0, 'apply', '--yes');
    assert.deepEqual([await announcedSize(server), await told(server)], ['SIZE 52428800', []]);
    assert.deepEqual(await generations(server), [...numbers, 3]);
    // Its next time is 400 days off; postqueue(1) -f is what the documentation says.
    const tried = async (): Promise<number> =>
      Number(await shell(server, 'journalctl --output=cat | grep -c "to=<waits@outside.test>.*status=deferred"'));
    const before = await tried();
    await shell(server, 'postqueue -f');
    await until('it is tried again', async () => (await tried()) > before || undefined, 60_000, 500);
  });

  test('M20: behind the day of the installation: daemons run and take mail; status says what is wrong; once the clock is right all is well', async () => {
    const server = get();
    await jumpTo(-FAR_S);
    await shell(server, 'systemctl restart dovecot'); // its pause was seen above
    await mailIn(server, 'behind');
    assert.deepEqual(await told(server), ['tls.out-of-time', 'clock.set', 'clock.behind']);
    assert.match((await exits(server, 0, 'status')).stdout, /^Attention: the clock was set back by 400 days since the daemons started\.$/m);
    await jumpTo(0);
    await mailIn(server, 'right');
    assert.deepEqual([(await status(server)).drift, await selfTest(server)], [[], true]);
    assert.equal((await answered<Plan>(server, 'plan')).code, 0);
  });
});
