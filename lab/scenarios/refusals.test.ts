/**
 * C1: `up` refuses where a mail server that it did not make is configured, naming the files; where a port is taken, naming the program; and
 * on systems that it was not tried on. The packages' own defaults are none of these. A machine with Debian's mail packages, never served.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { boot, HAUSPOST, type Machine, oneDocument, readyOn, type Release, until } from '../index.ts';
import { beforehand } from '../parts/beforehand.ts';
import { commandsBeforeUp } from '../parts/before-up.ts';
import { accepted, DATABASE, newHere, shell, STATE, state, up } from '../parts/first-question.ts';
import { installation, policies, POLICY, running, THEIRS } from '../parts/installation.ts';
import { codes, logsAreKeptTwice } from '../parts/kept-logs.ts';
import { withExim, withPackages } from '../parts/mail-packages.ts';
import { othersData, withDatabase } from '../parts/others-data.ts';
import { installedOn, namedByPlan, takenAway } from '../parts/taken-away.ts';
import { ok } from '../people.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

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

/** It becomes a mail server, the self-test included; answers with the codes of what `up` found. */
const endsWell = async (machine: Machine): Promise<readonly string[]> => {
  const begun = performance.now();
  const output = await machine.run([HAUSPOST, 'up', '--yes', '--json'], { ms: 600_000 });
  assert.equal(output.code, 0, output.stderr);
  const document = oneDocument(output);
  const { generation, selftest } = document as { generation: number; selftest: { ok: boolean } };
  assert.deepEqual([generation, selftest.ok], [1, true]);
  assert.deepEqual((oneDocument(await readyOn(machine).run(['plan', '--json'])) as { changes: unknown }).changes, []);
  console.log(`    up took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
  return codes(document);
};

/** Keeps a file and changes it; in one process with the look at all, since there are many. */
const EDIT = `{ cp -a "$1" /root/kept 2>/dev/null || rm -rf /root/kept; mkdir -p "\${1%/*}" && sh -c "$2"; } >&2 || exit; ${STATE}`;

const FOREIGN_SERVER = ['up.foreign-server', 'a mail server that Hauspost did not make is configured here'] as const;
const FOREIGN_SETTINGS = ['up.foreign-settings', 'somebody has set up what the mail server would take over'] as const;

/** Changes a file, sees the refusal and that nothing was touched, puts the file back, and is let through again. */
const refusedWith = async (
  machine: Machine,
  edit: string,
  file: string,
  [code, why] = FOREIGN_SERVER as readonly [string, string],
): Promise<void> => {
  try {
    const before = await shell(machine, EDIT, file, edit);
    const output = await up(machine, '--yes', '--json');
    assert.equal(output.code, 4, output.stderr);
    const { error } = oneDocument(output) as { error: { code: string; files: unknown } };
    assert.deepEqual([error.code, error.files], [code, [file]]);
    assert.ok(output.stderr.startsWith(`hauspost: ${why}: ${file}\n  `), output.stderr);
    assert.equal(await state(machine), before);
  } finally {
    await shell(machine, 'if [ -e /root/kept ]; then cp -a /root/kept "$1"; else rm -f "$1"; fi', file);
  }
};

/** An edit that makes a server of somebody's own, and the file that shows it. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ['postconf -e smtpd_helo_required=yes', '/etc/postfix/main.cf'],
  ['postconf -e relayhost=[smtp.example.org]', '/etc/postfix/main.cf'],
  ['postconf -e virtual_mailbox_domains=example.org', '/etc/postfix/main.cf'],
  // A server for Unix accounts needs no parameter that Debian does not write.
  ['postconf -e "mydestination=example.org, localhost"', '/etc/postfix/main.cf'],
  ['printf "mydestination = \\$myhostname,\\n# more\\n  example.org\\n" >>/etc/postfix/main.cf', '/etc/postfix/main.cf'],
  ['postconf -e "mynetworks=127.0.0.0/8 192.0.2.0/24"', '/etc/postfix/main.cf'],
  ['postconf -e mailbox_command=/usr/lib/dovecot/deliver', '/etc/postfix/main.cf'],
  ['postconf -e "alias_maps=hash:/etc/aliases, hash:/etc/lists"', '/etc/postfix/main.cf'],
  ['postconf -e smtpd_tls_cert_file=/etc/ssl/certs/mail.example.org.pem', '/etc/postfix/main.cf'],
  ['postconf -e smtpd_tls_security_level=encrypt', '/etc/postfix/main.cf'],
  ['postconf -e mailbox_size_limit=1000000', '/etc/postfix/main.cf'],
  ['postconf -e inet_interfaces=192.0.2.25', '/etc/postfix/main.cf'],
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

/** What postfix.postinst makes of the answers to its questions. */
const ANSWERS: readonly (readonly [string, string])[] = [
  ['Local only', 'mail.example.net'],
  ['Internet Site', 'example.net'],
  ['No configuration', 'example.net'],
];
const ANSWER = `rm -f /etc/postfix/main.cf /etc/mailname
printf 'postfix postfix/main_mailer_type select %s\\npostfix postfix/mailname string %s\\n' "$1" "$2" | debconf-set-selections
dpkg-reconfigure --frontend noninteractive postfix`;
const RESTORE = 'rm -f /etc/postfix/main.cf /etc/mailname; tar -C / -xf /root/answers.tar; systemctl restart postfix';

const foreign = (get: () => Machine): void => {
  test("C1: the packages' own defaults are no mail server of anybody's", async () => {
    const machine = get();
    const before = await state(machine);
    const asked = await accepted(machine);
    assert.deepEqual(takenAway(asked), []);
    assert.deepEqual(newHere(asked), [
      'create /etc/hauspost/hauspost.toml, which is yours from then on',
      DATABASE,
      'add the domain hauspost.test and the account demo@hauspost.test to it, unless it has domains already',
    ]);
    await machine.run(['sh', '-c', 'mkdir -p /etc/exim4; echo "dc_eximconfig_configtype=\'local\'" >/etc/exim4/update-exim4.conf.conf']);
    await accepted(machine);
    await machine.run(['rm', '-r', '/etc/exim4']);
    assert.equal(await state(machine), before, 'asking changes nothing');
  });

  for (const [kind, mailname] of ANSWERS)
    test(`C1: Postfix as Debian sets it up for "${kind}" is no mail server of anybody's`, async () => {
      const machine = get();
      const sh = async (script: string, ...words: readonly string[]): Promise<void> =>
        void ok(await machine.run(['env', 'DEBIAN_FRONTEND=noninteractive', 'sh', '-e', '-c', script, 'sh', ...words]));
      await sh('tar --ignore-failed-read -C / -cf /root/answers.tar etc/postfix/main.cf etc/mailname');
      await sh(ANSWER, kind, mailname);
      assert.equal((await machine.run(['cat', '/etc/mailname'])).stdout.trim(), kind === 'No configuration' ? '' : mailname);
      await accepted(machine);
      await sh(RESTORE);
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

  test('C2: down before any up is nothing to do, and stops nothing', async () => {
    const machine = get();
    const before = await state(machine);
    const { code, stdout } = await readyOn(machine).run(['down']);
    assert.deepEqual([code, stdout], [0, 'Nothing to stop: no mail server of Hauspost is in place on this machine.\n']);
    assert.deepEqual(oneDocument(await readyOn(machine).run(['down', '--json'])), { stopped: [], generation: null, findings: [] });
    assert.deepEqual(await running(machine, 'master', 'dovecot'), ['master', 'dovecot']);
    assert.equal(await state(machine), before);
  });

  test('exit 4: before any up each command that asks a server says so alike, and what to do; those that ask none answer', async () => {
    const machine = get();
    const before = await state(machine);
    await commandsBeforeUp(machine);
    assert.equal(await state(machine), before);
  });

  test('exit 4: no package source offers what is missing; each is named, and with the sources back it goes on', async () => {
    const machine = get();
    // The lists go with their sources at the next update, and there is no network from which to read them again.
    ok(await machine.run(['sh', '-c', 'mkdir /root/apt && mv /etc/apt/sources.list* /root/apt && cp -a /var/lib/apt/lists /root/']));
    try {
      await refused(machine, 'packages.not-offered', /no package source offers unbound, mariadb-server, redis-server, (dovecot-sieve, )?nginx/);
    } finally {
      ok(await machine.run(['sh', '-c', 'mv /root/apt/* /etc/apt/ && rm -r /var/lib/apt/lists && mv /root/lists /var/lib/apt/']));
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
      /its postmaster me@mailer\.example: that does not say which domain it is for\n {2}Run '\/opt\/hauspost\/hauspost up --hostname mail\.example\.org --domain/,
    );
    const asked = await accepted(machine, 'mail.example.org', '--hostname', 'mail.example.org', '--domain', 'example.org');
    const domain = 'add the domain example.org to it, unless it is there';
    assert.deepEqual(newHere(asked), [DATABASE, domain]);
    await machine.run(['sh', '-c', 'sed -i s/mailer.example/example.org/ /etc/hauspost/hauspost.toml']);
    assert.deepEqual(newHere(await accepted(machine, 'mail.example.org')), [
      DATABASE,
      'add the domain example.org and the account me@example.org to it, unless it has domains already',
    ]);
    assert.deepEqual(newHere(await accepted(machine, 'mail.example.org', '--hostname', 'mail.example.org', '--domain', 'example.org')), [
      DATABASE,
      domain,
      'add the account me@example.org, unless it is there or somebody reads its mail',
    ]);
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

/** An edit of what the mail server would replace, and the file that shows it. */
const SETTINGS: readonly (readonly [string, string])[] = [
  ['echo "# mine" >>/etc/nginx/nginx.conf', '/etc/nginx/nginx.conf'],
  ['sed -i "s/listen 80/listen 81/" /etc/nginx/sites-available/default', '/etc/nginx/sites-available/default'],
  [
    'cp /etc/nginx/sites-available/default /etc/nginx/sites-available/mine; ln -s ../sites-available/mine /etc/nginx/sites-enabled/',
    '/etc/nginx/sites-enabled/mine',
  ],
  ['rm /etc/nginx/sites-enabled/default; echo "server { listen 80; }" >/etc/nginx/sites-enabled/default', '/etc/nginx/sites-enabled/default'],
  ['echo "server { listen 82; }" >/etc/nginx/conf.d/mine.conf', '/etc/nginx/conf.d/mine.conf'],
  ['echo "server:" >/etc/unbound/unbound.conf.d/mine.conf', '/etc/unbound/unbound.conf.d/mine.conf'],
  ['echo "# mine" >>/etc/unbound/unbound.conf', '/etc/unbound/unbound.conf'],
  ['sed -i "s/^bind-address.*/bind-address = 0.0.0.0/" /etc/mysql/mariadb.conf.d/50-server.cnf', '/etc/mysql/mariadb.conf.d/50-server.cnf'],
  ['echo "[mariadbd]" >/etc/mysql/conf.d/mine.cnf', '/etc/mysql/conf.d/mine.cnf'],
  ['echo "maxmemory 1gb" >>/etc/redis/redis.conf', '/etc/redis/redis.conf'],
];

const settings = (get: () => Machine): void => {
  for (const [edit, file] of SETTINGS) test(`C1: refused, naming ${file}: ${edit}`, () => refusedWith(get(), edit, file, FOREIGN_SETTINGS));

  test('C1: such settings, of which none makes a mail server, give way to one for trying by --replace alone', async () => {
    const machine = get();
    await shell(machine, EDIT, '/etc/nginx/nginx.conf', 'echo "# mine" >>/etc/nginx/nginx.conf');
    const { stderr } = await up(machine, '--yes');
    assert.match(stderr, /or let '\/opt\/hauspost\/hauspost up --replace' keep it as generation 0\.\n$/);
    await accepted(machine, undefined, '--replace');
    await shell(machine, 'cp -a /root/kept /etc/nginx/nginx.conf');
    await accepted(machine);
  });

  test("C1: a program that only has the name of one of Debian's holds its port as any other", async () => {
    const machine = get();
    const conf = 'error_log /dev/null; pid /run/other.pid; events {} http { access_log off; server { listen 127.0.0.1:443; } }';
    ok(
      await machine.run([
        'sh',
        '-c',
        'cp /usr/sbin/nginx /opt/nginx && echo "$1" >/opt/nginx.conf && /opt/nginx -c /opt/nginx.conf >/dev/null 2>&1',
        'sh',
        conf,
      ]),
    );
    const output = await up(machine, '--yes', '--json');
    const { error } = oneDocument(output) as { error: { code: string; message: string } };
    assert.deepEqual([output.code, error.code], [4, 'ports.taken'], output.stderr);
    assert.match(error.message, /are taken: 127\.0\.0\.1:443 by nginx \(process \d+\)/);
    ok(await machine.run(['/opt/nginx', '-c', '/opt/nginx.conf', '-s', 'quit']));
    await until('it has ended', async () => ((await machine.run(['test', '-e', '/run/other.pid'])).code === 1 ? true : undefined), 20_000);
    await accepted(machine);
  });

  test("C1: over all of the packages' own defaults, running, up ends well; what another policy says of starts counts again", async () => {
    await endsWell(get());
    assert.deepEqual(await policies(get()), [THEIRS, '']);
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
      beforeEach(() => {
        assert.ok(!existsSync(`${machine.root}/etc/hauspost`), 'nothing was begun');
      });
      foreign(() => machine);
      surroundings(() => machine);
    };
    after(() => machine?.[Symbol.asyncDispose]());

    describe('before anything is done', refusing);
    describe('packages', () => {
      installation(() => machine);
      withDatabase(() => machine);
      othersData(() => machine);
      settings(() => machine);
    });
  });

  test(`C1, M28, ${release}: where exim4 and rsyslog run as Debian's installer left them, and Dovecot, up names what leaves, ends well, and says who keeps logs besides`, async () => {
    await using machine = await boot({ image: await withExim(release) });
    await machine.checkout();
    assert.deepEqual(await running(machine, 'exim4', 'dovecot', 'rsyslogd'), ['exim4', 'dovecot', 'rsyslogd']);
    await beforehand(machine);
    const [before, named] = [await installedOn(machine), takenAway(await accepted(machine))];
    const found = await endsWell(machine);
    const left = new Set(await installedOn(machine));
    assert.deepEqual(named.map((name) => `ii ${name}`).toSorted(), before.filter((each) => !left.has(each)).toSorted());
    assert.ok(named.includes('exim4-base'), 'exim4 has left');
    assert.deepEqual(await running(machine, 'exim4', 'master', 'dovecot'), ['master', 'dovecot']);
    assert.notEqual((await machine.run(['test', '-e', POLICY])).code, 0, 'where there was none there is none');
    await namedByPlan(machine);
    await logsAreKeptTwice(machine, found);
  });
}
