/** C7, C1: each step of the self-test is seen failing once, on a server that is broken in the way that the step is there to notice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allRun, oneDocument, type Server, until } from '../index.ts';
import { exits, type Failure } from '../operator.ts';
import { ok } from '../people.ts';
import { sql } from '../sql.ts';
import { holdUpkeep } from '../upkeep.ts';

interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

interface Break {
  readonly what: string;
  /** For sh(1); our files are edited as an operator would who knows better. */
  readonly script: string;
  /** Steps that notice it, and their words. */
  readonly failing: Readonly<Record<string, RegExp>>;
}

const ANYBODY = 'passdb anybody {\\n  driver = static\\n  skip = authenticated\\n  fields {\\n    nopassword = yes\\n  }\\n}\\n';
const REFUSED_CONNECTION = /ECONNREFUSED/;

/** Each with what it does not disturb, so that a run takes all of them at once. */
const BREAKS: readonly (readonly Break[])[] = [
  [
    {
      what: "the filter's reject is off",
      script: `sed -i 's/^gtube_patterns.*/gtube_patterns = "disable";/' /etc/rspamd/override.d/options.inc`,
      failing: { gtube: /^it was accepted$/ },
    },
    {
      what: 'nobody asks whose the sender is',
      script: 'postconf -P 127.0.0.1:587/inet/smtpd_sender_restrictions=reject_non_fqdn_sender',
      failing: { 'forged sender': /^it was accepted$/ },
    },
    { what: 'any password is right', script: `printf '${ANYBODY}' >>/etc/dovecot/dovecot.conf`, failing: { 'wrong password': /^IMAP let it in$/ } },
    {
      what: 'nobody asks who receives',
      script: 'postconf -e smtpd_recipient_restrictions=reject_non_fqdn_recipient smtpd_reject_unlisted_recipient=no',
      failing: { 'send-only': /^it was accepted$/ },
    },
  ],
  [
    {
      what: 'the script for marked mail keeps it',
      script: 'echo "keep;" >/etc/dovecot/sieve/spam.sieve',
      failing: { 'marked mail': /^it did not arrive in Spam / },
    },
    {
      what: 'the DKIM key is gone',
      script: 'rm /var/lib/rspamd/dkim/hauspost.test/*.key',
      failing: { dkim: /^no valid signature of hauspost\.test: / },
    },
    {
      what: 'what was verified is told to nobody',
      script: "sed -i 's/^use .*/use = [];/' /etc/rspamd/override.d/milter_headers.conf",
      failing: { inbound: /^it has no Authentication-Results$/ },
    },
    {
      what: 'nobody asks for aliases',
      script: 'postconf -e virtual_alias_maps=',
      failing: { alias: /^refused with 550 /, postmaster: /^mail to postmaster@hauspost\.test is refused with 550 / },
    },
  ],
  [
    {
      what: 'submission is closed',
      script: 'postconf -M# 127.0.0.1:587/inet',
      failing: { submission: REFUSED_CONNECTION, alias: REFUSED_CONNECTION, 'send-only': REFUSED_CONNECTION, 'forged sender': REFUSED_CONNECTION },
    },
    {
      what: 'IMAP is closed',
      script: "sed -i 's/^protocols = .*/protocols = lmtp sieve/' /etc/dovecot/dovecot.conf",
      failing: {
        imap: REFUSED_CONNECTION,
        inbound: REFUSED_CONNECTION,
        dkim: REFUSED_CONNECTION,
        'wrong password': REFUSED_CONNECTION,
        'marked mail': REFUSED_CONNECTION,
      },
    },
  ],
];

const ALL = ['imap', 'inbound', 'submission', 'dkim', 'alias', 'send-only', 'wrong password', 'forged sender', 'postmaster', 'gtube', 'marked mail'];
const KEPT = '/etc/postfix /etc/dovecot /etc/rspamd /var/lib/rspamd/dkim';

const restarted = async ({ machine }: Server): Promise<void> => {
  ok(await machine.run(['systemctl', 'restart', 'rspamd', 'dovecot', 'postfix'], { ms: 120_000 }));
  await allRun(machine);
};

/** Stopped it still counts as running, but sees no file that is away for a moment, and starts no `dkim sync`, which would write keys that are gone on purpose. */
const signalDkimKeys = async ({ machine }: Server, signal: 'STOP' | 'CONT'): Promise<void> =>
  void ok(await machine.run(['systemctl', 'kill', '--kill-whom=main', `--signal=${signal}`, 'hauspost-dkim-keys']));

export const selfTestFails = (get: () => Server): void => {
  test('C7: each step fails on a server that is broken in its way, exit 1, and no other; mended, all pass', async () => {
    const server = get();
    const { machine } = server;
    // Whenever something is due it also makes DKIM keys that are missing.
    await holdUpkeep(machine);
    await signalDkimKeys(server, 'STOP');
    ok(await machine.run(['sh', '-c', `tar -C / -cpf /root/kept.tar ${KEPT}`]));
    for (const breaks of BREAKS) {
      for (const { what, script } of breaks) assert.equal((await machine.run(['sh', '-ec', script])).code, 0, what);
      await restarted(server);
      const output = await server.hauspost(['selftest', '--json']);
      const { ok: good, steps } = oneDocument(output) as { ok: boolean; steps: readonly Step[] };
      const failed = new Map(steps.filter((step) => !step.ok).map(({ name, detail }) => [name, detail]));
      const expected = breaks.flatMap(({ failing }) => Object.entries(failing));
      assert.deepEqual([output.code, good, [...failed.keys()].toSorted()], [1, false, expected.map(([name]) => name).toSorted()], output.stderr);
      for (const [name, words] of expected) assert.match(failed.get(name) ?? '', words, name);
      assert.equal(steps.length, ALL.length);
      ok(await machine.run(['sh', '-c', `rm -r ${KEPT} && tar -C / -xpf /root/kept.tar`]));
    }
    const seen = BREAKS.flat().flatMap(({ failing }) => Object.keys(failing));
    assert.deepEqual([...new Set(seen)].toSorted(), ALL.toSorted());
    await restarted(server);
    const { code, stdout } = await exits(server, 0, 'selftest');
    assert.deepEqual([code, stdout.match(/^ok {3}/gm)?.length], [0, ALL.length], stdout);
    await signalDkimKeys(server, 'CONT');
    await exits(server, 0, 'plan');
  });

  test('C1: up with a failing self-test exits 1 and says which step; the server runs on, and mended it is well', async () => {
    const server = get();
    await sql(server.machine, 'CREATE TRIGGER everybody_receives BEFORE INSERT ON accounts FOR EACH ROW SET NEW.sendonly = 0');
    const output = await server.hauspost(['up', '--yes', '--json']);
    const { error } = oneDocument(output) as Failure & { error: { result: { selftest: { ok: boolean; steps: readonly Step[] } } } };
    assert.deepEqual([output.code, error.code, error.blame], [1, 'up.selftest-failed', 'failure'], output.stderr);
    assert.match(error.message, /^the server runs, but its self-test failed: send-only \(it was accepted\)$/);
    assert.deepEqual(
      error.result.selftest.steps.filter((step) => !step.ok).map(({ name }) => name),
      ['send-only'],
    );
    assert.match(
      (await exits(server, 1, 'up', '--yes')).stderr,
      /^hauspost: the server runs, but its self-test failed: send-only \(it was accepted\)\n {2}\S/m,
    );
    await sql(server.machine, 'DROP TRIGGER everybody_receives');
    await exits(server, 0, 'up', '--yes');
  });
};

export const selfTestLeavesOthersMail = (get: () => Server): void => {
  test('C7: what it sent and could not deliver does not stay in the queue, and nothing else goes', async () => {
    const server = get();
    const { machine } = server;
    const waiting = async (): Promise<string> => ok(await machine.run(['postqueue', '-j'])).stdout;
    ok(await machine.run(['systemctl', 'stop', 'dovecot.service']));
    ok(await machine.run(['sendmail', 'demo@hauspost.test'], { input: 'Subject: waits\n\nx\n' }));
    await until('it waits', async () => /"queue_name": "deferred".*demo@/.test(await waiting()) || undefined, 30_000, 200);
    await exits(server, 1, 'selftest');
    assert.doesNotMatch(await waiting(), /hauspost-selftest/);
    assert.match(await waiting(), /demo@hauspost\.test/);
    ok(await machine.run(['systemctl', 'start', 'dovecot.service']));
    await allRun(machine);
    ok(await machine.run(['postqueue', '-f']));
    await until('it has arrived', async () => (await waiting()) === '' || undefined, 60_000, 200);
    await exits(server, 0, 'selftest');
  });

  test('C7: nor does what has failed go, while its notice could not be written: its sender hears of it', async () => {
    const server = get();
    const { machine } = server;
    const gone = 'gone@hauspost.test';
    const waiting = async (): Promise<string> => ok(await machine.run(['postqueue', '-j'])).stdout;
    await exits(server, 0, 'account', 'add', gone);
    ok(await machine.run(['systemctl', 'stop', 'dovecot.service']));
    ok(await machine.run(['sendmail', '-f', 'demo@hauspost.test', gone], { input: 'Subject: fails\n\nx\n' }));
    await until('it waits', async () => /"queue_name": "deferred".*gone@/.test(await waiting()) || undefined, 30_000, 200);
    await sql(machine, "DELETE FROM accounts WHERE username = 'gone'");
    ok(await machine.run(['systemctl', 'stop', 'rspamd.service']));
    ok(await machine.run(['systemctl', 'start', 'dovecot.service']));
    ok(await machine.run(['postqueue', '-f']));
    await until('it has failed, for nobody knows whom', async () => /"recipients": \[\]/.test(await waiting()) || undefined, 60_000, 200);
    await exits(server, 0, 'up', '--yes');
    const notices = "grep -rlF 'Final-Recipient: rfc822; gone@hauspost.test' /var/vmail/mailboxes/hauspost.test/demo/mail/new";
    const told = async (): Promise<true | undefined> => {
      ok(await machine.run(['postqueue', '-f']));
      return (await machine.run(['sh', '-c', notices])).code === 0 || undefined;
    };
    await until('the sender is told', told, 60_000, 500);
  });
};
