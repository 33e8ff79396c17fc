/** M29, C3: secrets stay where they belong: owners and modes, and none of them in an output, a log, a list of processes or a readable file. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { collect, ended, HAUSPOST, type Machine, type Output, oneDocument, type Release, type Server, Smtp, serve, until } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const SECRETS = '/var/lib/hauspost/secrets';
const CONTROLLER = '/etc/rspamd/override.d/worker-controller.inc';
/** Not in this file, which lies on the machine, too. */
const TYPED = randomBytes(12).toString('hex');

const shell = async (machine: Machine, script: string, ...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script, 'shell', ...words]);
  assert.equal(code, 0, stderr);
  return stdout;
};

/** What must not be seen: of a key in PEM a line from its middle, of anything else all of it. */
const telling = (content: string): string => {
  const lines = content.trim().split('\n');
  return (content.startsWith('-----BEGIN') ? lines[Math.floor(lines.length / 2)] : lines[0]) ?? '';
};

/** Rspamd has the seed of an Ed25519 key alone, in which nothing looks like the PEM. */
const secretsOf = async ({ machine, demo }: Server): Promise<ReadonlyMap<string, string>> => {
  const files = (await shell(machine, 'find "$1" -type f; echo /var/lib/hauspost/tls/key.pem; ls /var/lib/rspamd/dkim/*/*-ed25519.key', SECRETS))
    .trim()
    .split('\n');
  const found = new Map([
    ['the password of demo', demo.pass],
    ['a password typed by hand', TYPED],
  ]);
  for (const file of files) found.set(file, telling(await shell(machine, 'cat "$1"', file)));
  for (const [name, value] of found) assert.ok(value.length >= 16, `${name} can be told apart`);
  return found;
};

const assertNone = (where: string, text: string, secrets: ReadonlyMap<string, string>): void => {
  for (const [name, value] of secrets) assert.ok(!text.includes(value), `${name} appears in ${where}`);
};

/** Looks at all, and five milliseconds later again: more often than a loop of cat(1), which takes a whole processor. */
const WATCH = `my %seen;
until (-e "/run/enough") {
  for my $file (glob "/proc/[0-9]*/cmdline") {
    open my $words, "<", $file or next;
    local $/ = "\\0";
    while (<$words>) { chomp; print "$_\\n" unless $seen{$_}++ }
  }
  select undef, undef, undef, 0.005;
}
unlink "/run/enough";`;

/** Every command line that any process of the machine had while `work` ran. */
const commandLines = async (machine: Machine, work: () => Promise<void>): Promise<string> => {
  const watcher = machine.spawn(['perl', '-e', WATCH]);
  const seen = collect(watcher.stdout);
  try {
    await work();
  } finally {
    await machine.run(['touch', '/run/enough']);
  }
  await ended(watcher);
  return seen.text();
};

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let secrets: ReadonlyMap<string, string>;
    before(async () => {
      server = await serve(release);
      secrets = await secretsOf(server);
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('the secrets are those that we know of', () => {
      const names = [...secrets.keys()].map((name) => name.replace(`${SECRETS}/`, '').replace(/\/h\d{8}(?=$|-ed25519)/, '/SELECTOR'));
      const expected = [
        'rspamd.controller.password',
        'rspamd.controller.hash',
        'own-ca.key',
        'dkim/hauspost.test/SELECTOR',
        'dkim/hauspost.test/SELECTOR-ed25519',
        '/var/lib/rspamd/dkim/hauspost.test/SELECTOR-ed25519.key',
        '/var/lib/hauspost/tls/key.pem',
      ];
      assert.deepEqual(names.slice(2).toSorted(), expected.toSorted());
    });

    test('M29: owners and modes', async () => {
      const { machine } = server;
      const stat = (script: string): Promise<string> => shell(machine, `${script} | xargs stat -c '%U:%G %a %n' | sort`);
      for (const line of (await stat(`find ${SECRETS} -type f`)).trim().split('\n')) assert.match(line, /^root:root 600 /);
      assert.match(await stat(`echo ${SECRETS} /var/lib/hauspost/generations`), /^(root:root 700 \S+\n){2}$/);
      assert.match(await stat('find /var/lib/hauspost/generations -mindepth 1 -maxdepth 1 -type d'), /^(root:root 700 \S+\n)+$/);
      assert.match(await stat('echo /var/lib/hauspost/tls/key.pem'), /^root:root 600 /);
      assert.match(await stat('echo /var/lib/rspamd/dkim/*/*.key'), /^(root:_rspamd 440 \S+\n)+$/);
      assert.match(await stat(`echo ${CONTROLLER}`), /^root:_rspamd 640 /);
      const keys = await shell(machine, "grep -rlI -e 'PRIVATE KEY-----' /etc /var/lib /run /root 2>/dev/null | xargs stat -c '%a %U:%G %n'");
      for (const line of keys.trim().split('\n'))
        assert.match(line, /^(600 root:root|440 root:_rspamd|640 root:ssl-cert|600 opendkim:opendkim) /, line);
    });

    test('M29: nobody else can read a file that holds one', async () => {
      const { machine } = server;
      const put = await machine.run(['sh', '-c', 'cat >/tmp/patterns; chmod 644 /tmp/patterns'], { input: `${[...secrets.values()].join('\n')}\n` });
      assert.equal(put.code, 0);
      const look = ['sh', '-c', 'grep -rlIF -f /tmp/patterns /etc /opt /var /run /srv /home /tmp 2>/dev/null; true'];
      for (const user of ['postfix', 'dovenull', 'vmail', 'www-data']) {
        const { stdout } = await machine.run(look, { user });
        assert.deepEqual(stdout, '/tmp/patterns\n', `${user} reads secrets`);
      }
      const root = (await machine.run(look)).stdout;
      assert.ok(root.includes(`${SECRETS}/own-ca.key\n`) && root.includes(`${CONTROLLER}\n`), 'the search finds what is there');
      await machine.run(['rm', '-f', '/tmp/patterns']);
    });

    test('M29, C3: none in the output of any command, in the journal, or in the arguments of any process', async () => {
      const { machine } = server;
      const outputs: Output[] = [];
      const heard = (output: Output): Output => {
        outputs.push(output);
        return output;
      };
      const run = async (words: readonly string[]): Promise<Output> => heard(await server.hauspost(words));
      /** In a process of its own: its arguments are looked at. */
      const watched = async (words: readonly string[], input = ''): Promise<Output> => heard(await machine.run([HAUSPOST, ...words], { input }));
      const identity = await shell(machine, 'id vmail');
      // The file with the hash is edited: a change with the secret in it is made where every process is watched.
      await shell(machine, `echo '# by hand' >>${CONTROLLER}`);
      const plan = (await run(['plan'])).stdout;
      assert.match(plan, new RegExp(`^change ${CONTROLLER} `, 'm'));
      assert.equal((await run(['plan', '--json'])).code, 2);
      assert.equal((await run(['apply', '--json'])).code, 3);
      const lines = await commandLines(machine, async () => {
        assert.equal((await watched(['domain', 'add', 'watched.test', '--json'])).code, 0);
        assert.equal((await watched(['account', 'add', 'watched@watched.test', '--password-stdin', '--json'], `${TYPED}\n`)).code, 0);
        assert.equal((await watched(['apply', '--yes', '--json'])).code, 0);
      });
      // Then it is gone: all of it would be shown.
      await shell(machine, `mv ${CONTROLLER} /root/`);
      assert.match(JSON.stringify(oneDocument(await run(['plan', '--json']))), /<secret:rspamd\.controller\.hash>/, 'named, not shown');
      await shell(machine, `mv /root/${CONTROLLER.slice(CONTROLLER.lastIndexOf('/') + 1)} ${CONTROLLER}`);
      for (const words of [['status'], ['account', 'list'], ['account', 'remove', 'watched@watched.test', '--yes'], ['generations']])
        assert.equal((await run([...words, '--json'])).code, 0);
      const now = new Map([...secrets, ...(await secretsOf(server))]);
      assert.ok(now.size > secrets.size, 'the new domain has a key');
      for (const { stdout, stderr } of outputs) assertNone('an output', stdout + stderr, now);
      assert.ok(lines.includes('watched@watched.test\n') && lines.includes('--password-stdin\n'), 'the watcher sees arguments');
      assertNone('the arguments of a process', lines, now);
      await until('the journal is written', async () => ((await machine.run(['journalctl', '--sync'])).code === 0 ? true : undefined), 10_000);
      const journal = await machine.journal();
      assert.match(journal, /postfix\/smtpd/);
      assertNone('the journal', journal, now);
      assert.match(await shell(machine, "stat -c '%U:%G %a' /run/hauspost"), /^root:root 700$/m);
      assert.equal(await shell(machine, 'id vmail'), identity, "vmail's numbers stay");
    });

    test('M28: a wrong password is not in the log either', async () => {
      const secret = 'mistyped-by-somebody';
      await assert.rejects(server.imap({ user: server.demo.user, pass: secret }));
      await assert.rejects(server.client(587, { user: server.demo.user, pass: secret }));
      await until(
        'both are logged',
        async () => ((await server.machine.journalSoFar()).match(/demo@hauspost\.test/g)?.length ?? 0) >= 2 || undefined,
        20_000,
      );
      const journal = await server.machine.journal();
      for (const shown of [secret, Buffer.from(secret).toString('base64'), Buffer.from(`\0${server.demo.user}\0${secret}`).toString('base64')])
        assert.ok(!journal.includes(shown));
    });

    test('M28: what a script sends too early, or is no command, is not in the log, where systemd can leave a line out', async () => {
      const { machine } = server;
      const word = Buffer.from(`\0${server.demo.user}\0sent-too-early`).toString('base64');
      const sessions = [
        [`EHLO early.test\r\nAUTH PLAIN ${word}\r\nQUIT\r\n`, / disconnect from .* ehlo=(?:1 auth=0\/1|0\/1) /],
        [`GET /${word} HTTP/1.1\r\n`, / disconnect from .* unknown=0\/1 /],
      ] as const;
      for (const [early, told] of sessions) {
        const { smtp } = await Smtp.open(await machine.dial({ host: '127.0.0.1', port: 587 }));
        smtp.send(early);
        await until('it is over', async () => told.test(await machine.journalSoFar()) || undefined, 20_000, 200);
        smtp.close();
      }
      const shown = (await machine.journal()).split('\n').filter((line) => line.includes(word));
      const beginnings = shown.map((line) => /smtpd\[\d+\]: (?:warning: )?(\S+ command)/.exec(line)?.[1]);
      assert.deepEqual(beginnings, release === 'bookworm' ? ['improper command', 'non-SMTP command'] : []);
    });
  });
}
