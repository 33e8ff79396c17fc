/**
 * M31: Debian 12 becomes 13 below a server that is in use, by apt alone as docs/system.md says. Dovecot 2.4 takes nothing of what 2.3 had, so its package cannot
 * be configured, and apt ends with an error; what Hauspost says then is what helps, and nothing that people have is lost.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dated } from '../dated.ts';
import { emptied, inMailbox } from '../delivered.ts';
import { allRun, fetched, serve, type Server } from '../index.ts';
import { answered, type Failure, type Finding, inOwnProcesses, type Plan } from '../operator.ts';
import { canLogIn, ok, text } from '../people.ts';

/** An answer of apt takes a minute or two, its downloads as long as they take. */
const APT_MS = 1_500_000;

const ANNA = { user: 'anna@hauspost.test', pass: 'anna-password' };

let server: Server;
const shell = async (script: string, ms = 120_000): Promise<string> => {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  return ok(await server.machine.run(['sh', '-c', script], { ms, env })).stdout;
};

const handIn = async (id: string): Promise<void> => {
  const head = ['From: root@mail.hauspost.test', `To: ${ANNA.user}`, `Subject: ${id}`, `Message-ID: <${id}>`, dated()];
  ok(await server.machine.run(['sendmail', ANNA.user], { input: `${head.join('\n')}\n\nHello.\n` }));
};

const codes = (findings: readonly Finding[]): readonly string[] => findings.map(({ code }) => code);

before(async () => {
  server = inOwnProcesses(await serve('bookworm'));
  await server.account(ANNA);
  await server.order('alias', 'add', 'info@hauspost.test', ANNA.user);
  await handIn('upgrade.before@hauspost.test');
  const imap = await server.imap(ANNA);
  await fetched(imap, 'INBOX', '<upgrade.before@hauspost.test>');
  await imap.getMailboxLock('INBOX');
  await imap.messageFlagsAdd('1:*', ['\\Answered']);
  await imap.logout();
});
after(() => server?.[Symbol.asyncDispose]());

describe('from Debian 12 to 13', () => {
  test('apt asks nothing, keeps our files, and ends with an error of dovecot-core alone', async () => {
    await server.machine.online();
    await shell("sed -i 's/bookworm/trixie/g' /etc/apt/sources.list && apt-get -qq update", APT_MS);
    const script = `apt-get -yq full-upgrade >/root/upgrade.log 2>&1; echo "$?"; tr -d '\\r' </root/upgrade.log | sed -n '/^Errors were encountered/,/^E:/p'`;
    const said = await shell(script, APT_MS);
    await server.machine.offline();
    assert.equal(said, '100\nErrors were encountered while processing:\n dovecot-core\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n');
    assert.match(await shell('cat /etc/debian_version'), /^13\./);
    await handIn('upgrade.meanwhile@hauspost.test');
  });

  test('status and plan say that Debian is another one, and what helps', async () => {
    const status = await answered<{ findings: readonly Finding[] }>(server, 'status');
    const found = status.document.findings.find(({ code }) => code === 'debian.upgraded');
    assert.match(found?.message ?? '', /^generation 1 was made for Debian bookworm, and this machine is trixie by now/);
    assert.match(found?.remedy ?? '', /^'hauspost apply' makes the configuration for trixie/);
    const plan = (await answered<Plan>(server, 'plan')).document;
    assert.ok(codes(plan.findings).includes('debian.upgraded'));
    assert.ok(plan.changes.length > 20, `${plan.changes.length}`);
  });

  test('apply finishes the packages and makes all of it run', async () => {
    await server.order('apply', '--yes');
    await allRun(server.machine);
    assert.equal(
      await shell("dpkg --audit; dpkg-query -W -f '${db:Status-Abbrev}\\n' dovecot-core; doveconf -n | grep ^dovecot_config_version"),
      'ii \ndovecot_config_version = 2.4.1\n',
    );
    const plan = (await answered<Plan>(server, 'plan')).document;
    assert.deepEqual([plan.changes, codes(plan.findings).includes('debian.upgraded')], [[], false]);
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
  });

  test('people, their mail, and what came meanwhile are there', async () => {
    await emptied(server);
    assert.equal(await canLogIn(server, ANNA), true);
    assert.equal(await canLogIn(server, { ...ANNA, pass: 'another-password' }), false);
    const ids = ['<upgrade.before@hauspost.test>', '<upgrade.meanwhile@hauspost.test>'];
    assert.deepEqual(
      [...(await inMailbox(server, '<upgrade.', ANNA))].toSorted(),
      ids.map((id) => [id, 1]),
    );
    const imap = await server.imap(ANNA);
    await imap.getMailboxLock('INBOX');
    assert.deepEqual(await imap.search({ answered: true, header: { 'message-id': 'upgrade.before' } }), [1]);
    await imap.logout();
    assert.match(await text(server, 'alias', 'list'), /info@hauspost\.test/);
  });

  test('there is no way back to a generation for Debian 12; the one in place comes up after a reboot', async () => {
    const { code, document } = await answered<Failure>(server, 'rollback', '1', '--yes');
    assert.deepEqual([code, document.error.code], [3, 'rollback.dialect']);
    await server.machine.stop();
    await server.machine.start();
    await allRun(server.machine);
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
  });
});
