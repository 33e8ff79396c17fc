/**
 * C1: `up` refuses where a mail server that it did not make is configured, naming the files; where a port is taken, naming the program; and
 * on systems that it was not tried on. The packages' own defaults are none of these. A machine with Debian's mail packages, never served.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { boot, derive, HAUSPOST, type Image, launched, type Machine, oneDocument, type Output, type Release, until } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];
const INSTALLED = ['postfix', 'dovecot-imapd', 'dovecot-lmtpd', 'rspamd'];

/** Mail packages as apt installs them, their daemons running, and the launcher prepared. */
const withPackages = async (release: Release): Promise<Image> => {
  return derive(await launched({ release, init: 'systemd' }), 'mail-packages', JSON.stringify(INSTALLED), async (machine) => {
    const argv = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y', 'install', '--no-install-recommends', ...INSTALLED];
    const { code, stdout, stderr } = await machine.run(argv, { ms: 600_000 });
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${stdout}${stderr}`);
  });
};

const up = (machine: Machine, ...words: readonly string[]): Promise<Output> => machine.run([HAUSPOST, 'up', ...words]);

/** Nothing stood in its way: it asks whether it may, and there is nobody to ask. */
const accepted = async (machine: Machine, hostname = 'mail.hauspost.test', ...words: readonly string[]): Promise<void> => {
  const { code, stderr } = await up(machine, ...words);
  assert.deepEqual(
    [code, stderr],
    [
      3,
      `hauspost: there is a question and no terminal to ask at: Make this machine the mail server ${hostname}?\n  Run it with --yes to agree, or at a terminal.\n`,
    ],
  );
};

const refused = async (machine: Machine, code: string, names: RegExp): Promise<void> => {
  for (const words of [[], ['--yes'], ['--hostname', 'mail.example.org', '--domain', 'example.org', '--yes']]) {
    const output = await up(machine, ...words);
    assert.equal(output.code, 4, output.stderr);
    assert.match(output.stderr, new RegExp(`^hauspost: .*${names.source}.*\\n {2}\\S.*\\n$`));
    assert.equal(output.stdout, '');
  }
  const { error } = oneDocument(await up(machine, '--json')) as { error: { blame: string; code: string; message: string } };
  assert.deepEqual([error.blame, error.code], ['environment', code]);
  assert.match(error.message, names);
};

/** Everything that `up` could have touched, but for the lock in /run. Times are left out: the tests themselves come and go in /etc. */
const state = async (machine: Machine): Promise<string> => {
  const script = 'tar --sort=name --mtime=@0 -C / -cf - etc | sha256sum; dpkg-query -W | sha256sum; ls -A /var/lib/hauspost /var/vmail 2>&1';
  return (await machine.run(['sh', '-c', script])).stdout;
};

/** Changes a file, sees the refusal and that nothing was touched, puts the file back, and is let through again. */
const refusedWith = async (machine: Machine, edit: string, file: string): Promise<void> => {
  const keep = await machine.run(['sh', '-c', 'cp -a "$1" /root/kept 2>/dev/null || rm -rf /root/kept; mkdir -p "${1%/*}"', 'keep', file]);
  assert.equal(keep.code, 0);
  try {
    const edited = await machine.run(['sh', '-c', edit]);
    assert.equal(edited.code, 0, edited.stderr);
    const before = await state(machine);
    const output = await up(machine, '--yes', '--json');
    assert.equal(output.code, 4, output.stderr);
    const { error } = oneDocument(output) as { error: { code: string; files: unknown } };
    assert.deepEqual([error.code, error.files], ['up.foreign-server', [file]]);
    assert.ok(output.stderr.startsWith(`hauspost: a mail server that Hauspost did not make is configured here: ${file}\n  `), output.stderr);
    assert.equal(await state(machine), before);
  } finally {
    await machine.run(['sh', '-c', 'if [ -e /root/kept ]; then cp -a /root/kept "$1"; else rm -f "$1"; fi', 'restore', file]);
  }
};

/** An edit that makes a server of somebody's own, and the file that shows it. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ['postconf -e smtpd_helo_required=yes', '/etc/postfix/main.cf'],
  ['postconf -e relayhost=[smtp.example.org]', '/etc/postfix/main.cf'],
  ['postconf -e virtual_mailbox_domains=example.org', '/etc/postfix/main.cf'],
  ['sed -i "s/^#submission /submission /" /etc/postfix/master.cf', '/etc/postfix/master.cf'],
  [
    'sed -i "s/^#*disable_plaintext_auth.*/disable_plaintext_auth = no/; s/^#*auth_allow_cleartext.*/auth_allow_cleartext = yes/" /etc/dovecot/conf.d/10-auth.conf; echo "# mine" >>/etc/dovecot/conf.d/10-auth.conf',
    '/etc/dovecot/conf.d/10-auth.conf',
  ],
  ['echo "protocols = imap" >>/etc/dovecot/dovecot.conf', '/etc/dovecot/dovecot.conf'],
  ['echo "protocols = imap" >/etc/dovecot/local.conf', '/etc/dovecot/local.conf'],
  ['echo "protocols = imap" >/etc/dovecot/conf.d/99-mine.conf', '/etc/dovecot/conf.d/99-mine.conf'],
  ['echo "enabled = false;" >/etc/rspamd/local.d/greylist.conf', '/etc/rspamd/local.d/greylist.conf'],
  ['echo "# mine" >>/etc/rspamd/options.inc', '/etc/rspamd/options.inc'],
  ['mkdir -p /etc/exim4; echo "dc_eximconfig_configtype=\'internet\'" >/etc/exim4/update-exim4.conf.conf', '/etc/exim4/update-exim4.conf.conf'],
  ['mkdir -p /etc/exim4; echo "dc_eximconfig_configtype=\'smarthost\'" >/etc/exim4/update-exim4.conf.conf', '/etc/exim4/update-exim4.conf.conf'],
];

const foreign = (get: () => Machine): void => {
  test("C1: the packages' own defaults are no mail server of anybody's", async () => {
    const machine = get();
    const before = await state(machine);
    await accepted(machine);
    await machine.run(['sh', '-c', 'mkdir -p /etc/exim4; echo "dc_eximconfig_configtype=\'local\'" >/etc/exim4/update-exim4.conf.conf']);
    await accepted(machine);
    await machine.run(['rm', '-r', '/etc/exim4']);
    assert.equal(await state(machine), before, 'asking changes nothing');
  });

  for (const [edit, file] of FOREIGN) test(`C1: refused, naming ${file}: ${edit}`, () => refusedWith(get(), edit, file));

  test('C1: all files are named at once, and with the defaults back it goes on', async () => {
    const machine = get();
    await machine.run([
      'sh',
      '-c',
      'cp -a /etc/postfix/main.cf /root/kept; postconf -e relayhost=[x.example.org]; echo x=1 >/etc/dovecot/local.conf',
    ]);
    await refused(machine, 'up.foreign-server', /\/etc\/postfix\/main\.cf, \/etc\/dovecot\/local\.conf/);
    await machine.run(['sh', '-c', 'cp -a /root/kept /etc/postfix/main.cf; rm /etc/dovecot/local.conf']);
    await accepted(machine);
  });
};

const surroundings = (get: () => Machine): void => {
  test('C1: refused, naming program and process, where another program holds a port', async () => {
    const machine = get();
    for (const address of ['127.0.0.1', '0.0.0.0']) {
      const script =
        'use IO::Socket::INET; $| = 1; IO::Socket::INET->new(LocalAddr => $ARGV[0], LocalPort => 465, Listen => 1) or die; print "$$\\n"; <STDIN>';
      const child = machine.spawn(['perl', '-e', `my $s; ${script.replace('IO::Socket::INET->new', '$s = IO::Socket::INET->new')}`, address]);
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
      const pid = await until('the port is taken', () => /^(\d+)\n/.exec(said)?.[1], 20_000);
      await refused(machine, 'ports.taken', new RegExp(`are taken: ${address.replaceAll('.', '\\.')}:465 by perl \\(process ${pid}\\)`));
      child.stdin.end();
      await until('it has ended', () => child.exitCode ?? undefined, 20_000);
    }
    await accepted(machine);
  });

  test('C1: refused on a system that it was not tried on', async () => {
    const machine = get();
    const release = (await machine.run(['cat', '/usr/lib/os-release'])).stdout;
    const others = [
      ['Debian GNU/Linux 14 (forky)', 'debian', 'forky'],
      ['Ubuntu 24.04.1 LTS', 'ubuntu', 'noble'],
    ];
    for (const [name = '', id = '', codename = ''] of others) {
      const text = `PRETTY_NAME="${name}"\nID=${id}\nVERSION_CODENAME=${codename}\n`;
      await machine.run(['sh', '-c', 'cat >/usr/lib/os-release'], { input: text });
      await refused(machine, 'machine.unsupported', new RegExp(name.replace(/[()./]/g, '\\$&')));
    }
    await machine.run(['sh', '-c', 'cat >/usr/lib/os-release'], { input: release });
    await accepted(machine);
  });

  test("C1: a postmaster elsewhere does not make his provider's domain ours: up asks which one is", async () => {
    const machine = get();
    const file = '[server]\nprofile = "public"\nhostname = "mail.example.org"\npostmaster = "me@mailer.example"\n';
    await machine.run(['sh', '-c', 'mkdir /etc/hauspost && cat >/etc/hauspost/hauspost.toml'], { input: file });
    const { code, stderr } = await up(machine, '--yes');
    assert.equal(code, 3, stderr);
    assert.match(
      stderr,
      /its postmaster me@mailer\.example: that does not say which domain it is for\n {2}Run 'hauspost up --hostname mail\.example\.org --domain/,
    );
    await accepted(machine, 'mail.example.org', '--hostname', 'mail.example.org', '--domain', 'example.org');
    await machine.run(['sh', '-c', 'sed -i s/mailer.example/example.org/ /etc/hauspost/hauspost.toml']);
    await accepted(machine, 'mail.example.org');
    await machine.run(['rm', '-r', '/etc/hauspost']);
  });

  test('C1: wrong options get exit 3, one line that names them, and change nothing', async () => {
    const machine = get();
    const before = await state(machine);
    const rows: readonly (readonly [readonly string[], string])[] = [
      [['--hostname', 'mail.example.org'], '--domain is missing'],
      [['--domain', 'example.org'], '--hostname is missing'],
      [['--hostname', 'mail', '--domain', 'example.org'], '"mail"'],
      [['--hostname', 'mail.example.org.', '--domain', 'example.org'], '"mail.example.org."'],
      [['--hostname', 'mail.example.org', '--domain', 'user@example.org'], '"user@example.org"'],
      [['--hostname', '192.0.2.1', '--domain', 'example.org'], '"192.0.2.1"'],
      [['--hostname', 'mail.example.org\nprofile = "local"', '--domain', 'example.org'], '"mail.example.org\\nprofile = \\"local\\""'],
      [['--hostname', 'mail.example.org', '--domain', '\u0435xample.org'], '"\u0435xample.org"'],
      [['--hostname=', '--domain='], '""'],
      [['mail.example.org'], '"mail.example.org"'],
    ];
    for (const [words, names] of rows) {
      const { code, stdout, stderr } = await up(machine, ...words, '--yes');
      assert.deepEqual([code, stdout], [3, ''], stderr);
      assert.match(stderr, /^hauspost: [^\n]+\n {2}[^\n]+\n$/);
      assert.ok(stderr.includes(names), stderr);
    }
    assert.equal(await state(machine), before);
  });
};

/** Daemons that this machine does not have yet. */
const COMING = ['mariadbd', 'redis-server', 'unbound', 'nginx'];

const installation = (get: () => Machine): void => {
  test('C1: up is killed while packages are installed: apt ends what it began, and no daemon starts with settings that are not ours', async () => {
    const machine = get();
    const running = async (...programs: readonly string[]): Promise<readonly string[]> => {
      const { stdout } = await machine.run([
        'sh',
        '-c',
        'for program; do pgrep -x "$program" >/dev/null && echo "$program"; done; true',
        'sh',
        ...programs,
      ]);
      return stdout.split('\n').filter((line) => line !== '');
    };
    assert.deepEqual(await running(...COMING), []);
    const child = machine.spawn([HAUSPOST, 'up', '--yes']);
    const unpacked = async (): Promise<true | undefined> =>
      (await machine.run(['test', '-e', '/var/lib/dpkg/info/unbound.list'])).code === 0 || undefined;
    await until('Unbound is unpacked', async () => (child.exitCode === null ? unpacked() : true), 240_000, 20);
    await machine.run(['pkill', '-KILL', '-f', 'main.ts up']);
    await until('it has ended', () => child.exitCode ?? child.signalCode ?? undefined, 20_000);
    assert.deepEqual(await running('apt-get'), ['apt-get'], 'apt goes on');
    await until('apt has ended', async () => (await running('apt-get', 'dpkg')).length === 0 || undefined, 240_000, 200);
    const { stdout } = await machine.run([
      'dpkg-query',
      '-W',
      '-f',
      '${db:Status-Abbrev}${Package}\n',
      'mariadb-server',
      'redis-server',
      'unbound',
      'nginx',
    ]);
    assert.equal(stdout, 'ii mariadb-server\nii nginx\nii redis-server\nii unbound\n');
    assert.deepEqual(await running(...COMING), []);
    // For others nothing is forbidden: the twin.
    await machine.run(['sh', '-c', 'invoke-rc.d unbound start']);
    assert.deepEqual(await running(...COMING), ['unbound']);
  });
};

for (const release of RELEASES) {
  describe(release, () => {
    let machine: Machine;
    before(async () => {
      machine = await boot({ image: await withPackages(release) });
      await machine.checkout();
    });
    const refusing = (): void => {
      beforeEach(async () => {
        assert.equal((await machine.run(['test', '-e', '/etc/hauspost'])).code, 1, 'nothing was begun');
      });
      foreign(() => machine);
      surroundings(() => machine);
    };
    after(() => machine?.[Symbol.asyncDispose]());

    describe('before anything is done', refusing);
    if (release === 'trixie') installation(() => machine);
  });
}
