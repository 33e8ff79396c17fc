/**
 * The lookups through the real Postfix of both releases: RCPT answers and final recipients (M2, M3, M5, M6), envelope senders (M13), TLS
 * policies; and through the client of the OS user dovecot: logins and mailboxes (M4). The rows are plain SQL, as any tool would write them.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { parseFqdn, parseMailAddress } from '#base';
import { type Room, until } from '#lab';
import { type Database, database, RELEASES } from './database.lab.ts';
import { applyGrants } from './grants.ts';
import { lookups } from './lookups.ts';
import { ROWS } from './lookups.lab.ts';
import { migrate } from './migrate.ts';
import { principals } from './views.ts';

const UNKNOWN = '550 5.1.1';
const NOBODY = '550 5.1.1 This address leads';
const DISABLED = '550 5.2.1';
const SEND_ONLY = '550 5.7.1';

/** Recipient, and what becomes of it: the start of the answer to RCPT, or the final recipients. */
const RCPT: readonly (readonly [string, string, string | readonly string[]])[] = [
  ['M1', 'anna@ours.test', ['anna@ours.test']],
  ['M2', 'bert@ours.test', ['bert@ours.test']],
  ['M2', 'nobody@ours.test', UNKNOWN],
  ['M2', 'nobody+tag@ours.test', UNKNOWN],
  ['M2', 'anyone@empty.test', UNKNOWN],
  ['M2', 'anna@stranger.example', '554 5.7.1'],
  ['M2', 'anna@sub.ours.test', '554 5.7.1'],
  ['M2', 'out@ours.test', ['x@outside.example']],
  ['M2', 'tohost@ours.test', NOBODY],
  ['M2', 'halfhost@ours.test', ['anna@ours.test']],
  ['M2', 'toroot@ours.test', ['anna+x@ours.test']],
  ['M2', 'off@ours.test', UNKNOWN],
  ['M2', 'null@ours.test', UNKNOWN],
  ['M2', 'tonobody@ours.test', '550 5.1.1'],
  ['M2', 'stuck@ours.test', NOBODY],
  ['M2', 'ping@ours.test', '550 5.1.1'],
  ['M2', 'nopass@ours.test', ['nopass@ours.test']],
  ['M2', 'plus+name@ours.test', UNKNOWN],
  // The default of allow_percent_hack and of source routing makes relay addresses of these.
  ['M2', '"anna@ours.test"@ours.test', '554 5.7.1'],
  ['M2', '"anna "@ours.test', UNKNOWN],
  ['M2', "anna'or'1'='1@ours.test", UNKNOWN],
  ['M2', "'or'1'='1'--@ours.test", UNKNOWN],
  ['M2', '%u@ours.test', '554 5.7.1'],
  ['M2', 'a_na@ours.test', UNKNOWN],
  ['M2', "o'brien@ours.test", ["o'brien@ours.test"]],
  ['M2', '"a(b"@ours.test', UNKNOWN],
  ['M2', 'sales/eu@ours.test', UNKNOWN],
  ['M2', 'sales/eu@catch.test', UNKNOWN],
  ['M2', 'Sales/EU+tag@catch.test', UNKNOWN],
  ['M2', 'plus+name@catch.test', UNKNOWN],
  ['M2', 'tosales@ours.test', NOBODY],
  ['M2', 'toparen@ours.test', NOBODY],
  ['M2', 'toplus@ours.test', NOBODY],
  ['M2', 'toper@ours.test', NOBODY],
  ['M2', 'halfsales@ours.test', ['bert@ours.test']],
  ['M2', 'toobrien@ours.test', ["o'brien@ours.test"]],
  ['M2', 'tohara@ours.test', ["o'hara@catch.test"]],
  ['M2', "o'hara@catch.test", ["o'hara@catch.test"]],
  ['M6', 'here+name@catch.test', ['here+name@catch.test']],
  ['M6', 'named+name@catch.test', ['bert+name@ours.test']],
  ['M3', 'robot@ours.test', SEND_ONLY],
  ['M3', 'robot+tag@ours.test', SEND_ONLY],
  ['M3', 'ROBOT@Ours.Test', SEND_ONLY],
  ['M3', 'torobot@ours.test', '550 5.1.1'],
  ['M3', 'torobot+tag@ours.test', '550 5.1.1'],
  ['M3', 'torobot2@ours.test', '550 5.1.1'],
  ['M3', 'mixed@ours.test', ['bert@ours.test']],
  ['M3', 'anyone@dead.test', UNKNOWN],
  ['M3', 'live@dead.test', ['anna@ours.test']],
  ['M3', 'bot@catch.test', SEND_ONLY],
  ['M3', 'hollow@catch.test', NOBODY],
  ['M4', 'gone@ours.test', DISABLED],
  ['M4', 'gone+tag@ours.test', DISABLED],
  ['M4', 'never@ours.test', DISABLED],
  ['M4', 'togone@ours.test', '550 5.1.1'],
  ['M4', 'gone+x@ours.test', ['anna@ours.test']],
  ['M5', 'info@ours.test', ['anna@ours.test']],
  ['M5', 'team@ours.test', ['Friend@Outside.example', 'anna@ours.test', 'bert@ours.test']],
  ['M5', 'chain@ours.test', ['Friend@Outside.example', 'anna@ours.test', 'bert@ours.test']],
  ['M5', 'half@ours.test', ['anna@ours.test']],
  ['M5', 'ring@ours.test', ['anna@ours.test']],
  ['M5', 'copy@ours.test', ['anna@ours.test', 'copy@ours.test']],
  ['M5', 'tocopy@ours.test', ['anna@ours.test', 'copy@ours.test']],
  ['M5', 'moved@ours.test', ['bert@ours.test']],
  ['M5', 'tomoved@ours.test', ['bert@ours.test']],
  ['M5', 'tagged@ours.test', ['anna+lists@ours.test']],
  ['M5', 'totag@ours.test', ['anna@ours.test']],
  ['M5', 'toclub@ours.test', ['anna@ours.test']],
  ['M5', 'whoever@catch.test', ['anna@ours.test']],
  ['M5', 'here@catch.test', ['here@catch.test']],
  ['M5', 'here+tag@catch.test', ['here+tag@catch.test']],
  ['M5', 'away@catch.test', DISABLED],
  ['M5', 'away+tag@catch.test', DISABLED],
  ['M5', 'bot+tag@catch.test', SEND_ONLY],
  ['M5', 'named@catch.test', ['bert@ours.test']],
  ['M5', 'named+tag@catch.test', ['bert+tag@ours.test']],
  ['M5', 'hollow+tag@catch.test', NOBODY],
  ['M5', 'asleep@catch.test', ['anna@ours.test']],
  ['M5', 'viacatch@ours.test', ['anna@ours.test']],
  ['M5', 'toaway@ours.test', '550 5.1.1'],
  ['M5', 'anyone@mixed.test', ['carla@mixed.test']],
  ['M8', 'postmaster@ours.test', ['anna@ours.test']],
  ['M8', 'PostMaster@Empty.test', ['anna@ours.test']],
  ['M8', 'abuse+case-7@ours.test', ['anna+case-7@ours.test']],
  ['M8', 'abuse@empty.test', ['anna@ours.test']],
  ['M8', 'hostmaster@catch.test', ['anna@ours.test']],
  ['M8', 'hostmaster@dead.test', ['anna@ours.test']],
  ['M8', 'hostmaster@ours.test', ['bert@ours.test']],
  ['M8', 'abuse@mixed.test', ['abuse@mixed.test']],
  ['M8', 'postmaster@dead.test', DISABLED],
  ['M8', 'torole@ours.test', ['anna@ours.test']],
  ['M8', 'torole+x@ours.test', ['anna+x@ours.test']],
  ['M8', 'viarole@rest.test', ['anna+x@ours.test']],
  ['M8', 'anyone@rest.test', ['bert@ours.test']],
  ['M8', 'anyone@turn.test', ['anna@ours.test']],
  ['M8', 'takenrole@ours.test', ['abuse@mixed.test']],
  ['M8', 'strangerole@ours.test', ['abuse@outside.example']],
  ['M8', 'deadrole@ours.test', NOBODY],
  ['M8', 'norole@ours.test', NOBODY],
  ['M8', 'webmaster@ours.test', UNKNOWN],
  ['M8', 'postmaster@stranger.example', '554 5.7.1'],
  ['M8', 'root@mail.lab.example', ['anna@ours.test']],
  ['M8', 'Mailer-Daemon@Mail.Lab.Example', ['anna@ours.test']],
  ['M8', 'webmaster@mail.lab.example', UNKNOWN],
  ['M8', 'root@ours.test', UNKNOWN],
  ['M6', 'anna+tag@ours.test', ['anna+tag@ours.test']],
  ['M6', 'anna+a+b@ours.test', ['anna+a+b@ours.test']],
  ['M6', 'ANNA@OURS.TEST', ['ANNA@OURS.TEST']], // Dovecot makes it lower case
  ['M6', 'carla@mixed.test', ['carla@mixed.test']],
  ['M6', 'info+tag@ours.test', ['anna+tag@ours.test']],
  ['M6', 'bert+club@ours.test', ['anna@ours.test']],
  ['M6', 'bert+other@ours.test', ['bert+other@ours.test']],
];

/** Envelope sender, and the logins that may use it. */
const SENDERS: readonly (readonly [string, readonly string[]])[] = [
  ['anna@ours.test', ['anna@ours.test']],
  ['Anna+News@Ours.test', ['anna@ours.test']],
  ['info@ours.test', ['anna@ours.test']],
  ['info+tag@ours.test', ['anna@ours.test']],
  ['chain@ours.test', ['anna@ours.test', 'bert@ours.test']],
  ['torobot2@ours.test', ['robot@ours.test']],
  ['robot@ours.test', ['robot@ours.test']],
  ['copy@ours.test', ['anna@ours.test', 'copy@ours.test']],
  ['tomoved@ours.test', ['bert@ours.test', 'moved@ours.test']],
  ['ring@ours.test', ['anna@ours.test']],
  ['tagged@ours.test', ['anna@ours.test']],
  ['totag@ours.test', ['anna@ours.test']],
  ['bert+club@ours.test', ['anna@ours.test', 'bert@ours.test']],
  ['off@ours.test', []],
  ['ping@ours.test', []],
  ['out@ours.test', []],
  ['gone@ours.test', []],
  ['togone@ours.test', []],
  ['nobody@ours.test', []],
  ['whoever@catch.test', []],
  ['viacatch@ours.test', []],
  ['@catch.test', []],
  ['catch.test', []],
  ['anna@stranger.example', []],
  ["x'or'1'='1@ours.test", []],
  ["'or 1=1 -- @ours.test", []],
];

/** A postmaster, and where his mail comes to rest. */
const POSTMASTERS: readonly (readonly [string, readonly string[]])[] = [
  ['anna@ours.test', ['anna@ours.test']],
  ['carla@mixed.test', ['carla@mixed.test']],
  ['info@ours.test', ['anna@ours.test']],
  ['chain@ours.test', ['Friend@Outside.example', 'anna@ours.test', 'bert@ours.test']],
  ['copy@ours.test', ['anna@ours.test', 'copy@ours.test']],
  ['whoever@catch.test', ['anna@ours.test']],
  ['me@outside.example', ['me@outside.example']],
  ['out@ours.test', ['x@outside.example']],
  ['nobody@ours.test', []],
  ['robot@ours.test', []],
  ['gone@ours.test', []],
  ['torobot2@ours.test', []],
  ['ping@ours.test', []],
  ['away@catch.test', []],
  ['tohost@ours.test', []],
  ['root@mail.lab.example', []],
  ['abuse@rest.test', ['bert@ours.test']],
  ['torole@ours.test', []],
  ['post@ours.test', []],
  ['abuse@ours.test', []],
];

const PLACEHOLDERS = { local: '%u', domain: '%d', address: '%s' };
const RESPONSIBLE = { postmaster: parseMailAddress('anna@ours.test'), hostname: parseFqdn('mail.lab.example') };
const MAPS = {
  domains: lookups.domains(PLACEHOLDERS),
  recipients: lookups.recipients(PLACEHOLDERS),
  'alias-gate': lookups.aliasGate(PLACEHOLDERS),
  aliases: lookups.aliases(PLACEHOLDERS, RESPONSIBLE),
  'role-gate': lookups.roleGate(PLACEHOLDERS, RESPONSIBLE),
  roles: lookups.roles(RESPONSIBLE),
  'stranded-postmaster': lookups.strandedPostmaster(RESPONSIBLE, 'retry:4.3.5 Nobody'),
  'recipient-gate': lookups.recipientGate(PLACEHOLDERS),
  'recipient-access': lookups.recipientAccess(PLACEHOLDERS, RESPONSIBLE),
  senders: lookups.senders(PLACEHOLDERS),
  'tls-policy': lookups.tlsPolicy(PLACEHOLDERS),
};
const map = (name: keyof typeof MAPS): string => `proxy:mysql:/etc/postfix/sql/${name}.cf`;

const MAIN = `compatibility_level = 3.6
myhostname = mail.lab.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
maillog_file = /var/log/postfix.log
recipient_delimiter = +
enable_original_recipient = no
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = mail.lab.example ${map('domains')}
virtual_mailbox_maps = ${map('recipients')}
virtual_alias_maps = pipemap:{${map('alias-gate')},${map('aliases')}} pipemap:{${map('role-gate')},${map('roles')}}
proxy_read_maps = ${Object.keys(MAPS)
  .map((name) => `proxy:mysql:/etc/postfix/sql/${name}.cf`)
  .join(' ')}
virtual_transport = lmtp:unix:private/none
defer_transports = lmtp smtp
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access pipemap:{${map('recipient-gate')},${map('recipient-access')}}
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 1000
smtpd_client_message_rate_limit = 0
`;

/** Reads recipients, one a line; says for each what RCPT was answered, and the queue id if it was accepted. */
const TALK = String.raw`use IO::Socket::INET; $| = 1;
my $s; for (1..100) { $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1:25') and last; select undef, undef, undef, 0.1; } $s or die "no smtpd";
sub answer { my $l; do { $l = <$s> // die "lost"; } while $l =~ /^...-/; $l =~ s/\r?\n//; return $l; }
sub say_it { print $s "$_[0]\r\n"; return answer(); }
answer(); say_it('EHLO client.example');
while (my $to = <STDIN>) { chomp $to; say_it('MAIL FROM:<a@client.example>'); my $got = say_it("RCPT TO:<$to>"); my $id = '';
  if ($got =~ /^250/) { say_it('DATA'); $id = say_it("Subject: x\r\n\r\nx\r\n."); } else { say_it('RSET'); } print "$to\t$got\t$id\n"; }
say_it('QUIT');`;

const must = async (room: Room, argv: readonly string[], input = ''): Promise<string> => {
  const { code, stdout, stderr } = await room.run(argv, { input });
  assert.equal(code, 0, `${argv.join(' ')}: ${stdout}${stderr}`);
  return stdout;
};

const startPostfix = async ({ room }: Database): Promise<void> => {
  const files = Object.entries(MAPS).map(([name, query]) => [
    `/etc/postfix/sql/${name}.cf`,
    `hosts = unix:/run/mysqld/mysqld.sock\nuser = postfix\ndbname = vmail\nquery = ${query}\n`,
  ]);
  await room.put({ '/etc/postfix/main.cf': MAIN, ...Object.fromEntries(files) });
  await must(room, [
    'sh',
    '-c',
    'cp -n /usr/share/postfix/master.cf.dist /etc/postfix/master.cf; (postfix check && postfix start) >/var/log/start 2>&1 </dev/null || { cat /var/log/start; exit 1; }',
  ]);
};

const postmap = async (room: Room, name: keyof typeof MAPS, key: string): Promise<readonly string[]> => {
  const { code, stdout, stderr } = await room.run(['postmap', '-q', key, `mysql:/etc/postfix/sql/${name}.cf`], { user: 'postfix' });
  assert.equal(stderr, '');
  assert.ok(code === 0 || stdout === '');
  return stdout === '' ? [] : stdout.trim().split(',').sort();
};

/** Every queued message's final recipients, by queue id. */
const queued = async (room: Room): Promise<ReadonlyMap<string, readonly string[]>> => {
  const lines = (await must(room, ['postqueue', '-j'])).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const { queue_id: id, recipients } = JSON.parse(line) as { queue_id: string; recipients: readonly { address: string }[] };
      return [id, recipients.map(({ address }) => address).sort()] as const;
    }),
  );
};

const rcpt = async (room: Room, t: { test(name: string, run: () => void): Promise<void> }): Promise<void> => {
  const said = await must(room, ['perl', '-e', TALK], `${RCPT.map(([, address]) => address).join('\n')}\n`);
  const log = await must(room, ['sh', '-c', 'cat /var/log/postfix.log']);
  const ids = [...said.matchAll(/queued as (\S+)/g)].map(([, id = '']) => id);
  // One look misses a message that goes from one queue to another meanwhile.
  const whole = async (): Promise<ReadonlyMap<string, readonly string[]> | undefined> => {
    const all = await queued(room);
    return ids.every((id) => all.has(id)) ? all : undefined;
  };
  const finals = await until(`all are queued: ${ids.join(' ')}`, whole, 30_000, 100);
  const answers = said
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  for (const [index, [line, address, expected]] of RCPT.entries())
    await t.test(`${line} ${address}`, () => {
      const [asked, reply = '', accepted = ''] = answers[index] ?? [];
      assert.equal(asked, address);
      if (typeof expected !== 'string') {
        const id = /queued as (\S+)/.exec(accepted)?.[1] ?? '';
        assert.deepEqual(finals.get(id), expected, `${reply} ${accepted}\n${log.slice(-2000)}`);
      } else {
        // Postfix puts `<address>: Recipient address rejected: ` before the text of a map.
        const plain = reply.replace(/ <.*?>: Recipient address rejected:/, '');
        assert.ok(plain.startsWith(expected), `${reply}\n${log.slice(-2000)}`);
      }
    });
};

const mark = (hash: string): string => createHash('sha256').update(hash).digest('hex').slice(0, 16);

const dovecot = async ({ sql }: Database): Promise<void> => {
  const login = (local: string, domain: string, service: string): Promise<string> =>
    sql(`USE vmail; ${lookups.login({ local, domain, service })}`, 'dovecot');
  const mailbox = (local: string, domain: string, quota: 'rule' | 'size', seen = ''): Promise<string> =>
    sql(`USE vmail; ${lookups.mailbox({ local, domain, seen }, '/var/vmail/mailboxes', quota)}`, 'dovecot');
  assert.equal(await login('ANNA', 'ours.test', 'imap'), `anna@ours.test\t{PLAIN}a\t${mark('{PLAIN}a')}\n`);
  assert.equal(await login('robot', 'ours.test', 'smtp'), `robot@ours.test\t{PLAIN}r\t${mark('{PLAIN}r')}\n`);
  for (const service of ['imap', 'sieve', 'lmtp', '']) assert.equal(await login('robot', 'ours.test', service), '');
  for (const local of ['gone', 'never', 'nopass', 'nobody', 'ann']) assert.equal(await login(local, 'ours.test', 'smtp'), '', local);
  assert.equal(await mailbox('anna', 'ours.test', 'rule'), '/var/vmail/mailboxes/ours.test/anna\t*:storage=2048M\n');
  assert.equal(await mailbox('bert', 'ours.test', 'size'), '/var/vmail/mailboxes/ours.test/bert\tNULL\n');
  assert.equal(await mailbox('CARLA', 'MIXED.test', 'size'), '/var/vmail/mailboxes/mixed.test/carla\t0M\n');
  for (const local of ['gone', 'robot', 'never']) assert.notEqual(await mailbox(local, 'ours.test', 'rule'), '', local);
  assert.notEqual(await mailbox('ANNA', 'ours.test', 'rule', mark('{PLAIN}a')), '', 'a login');
  assert.equal(await mailbox('anna', 'ours.test', 'rule', mark('{PLAIN}another')), '', 'a login with what is no longer the password');
  assert.equal(await mailbox('robot', 'ours.test', 'rule', mark('{PLAIN}r')), '', 'a login of who only sends by now');
  assert.equal(await mailbox('gone', 'ours.test', 'rule', mark('{PLAIN}g')), '', 'a login of who is disabled by now');
  assert.equal((await sql(`USE vmail; ${lookups.everyMailbox()}`, 'dovecot')).trim().split('\n').length, 25);
  await assert.rejects(sql('SELECT * FROM vmail.accounts', 'dovecot'), /ERROR 1142/);
  await assert.rejects(sql('SELECT * FROM vmail.alias_steps_v1', 'dovecot'), /ERROR 1142/);
  await assert.rejects(sql('SELECT * FROM vmail.logins_v1', 'postfix'), /ERROR 1142/);
  await assert.rejects(sql('UPDATE vmail.domains_v1 SET domain = 1', 'postfix'), /ERROR 1142/);
};

for (const release of RELEASES) {
  test(`lookups on ${release}`, async (t) => {
    await using server = await database(release);
    const { room, directory, sql } = server;
    await migrate(directory);
    await sql(ROWS);
    await applyGrants(
      directory,
      Object.entries(principals).flatMap(([principal, names]) => names.map((on) => ({ principal, on }))),
    );
    await startPostfix(server);

    await rcpt(room, t);
    for (const [sender, owners] of SENDERS)
      await t.test(`M13 ${sender}`, async () => assert.deepEqual(await postmap(room, 'senders', sender), owners));
    await t.test('TLS policies', async () => {
      assert.deepEqual(await postmap(room, 'tls-policy', 'gmx.de'), ['secure match=.gmx.net']);
      assert.deepEqual(await postmap(room, 'tls-policy', 'Mailbox.org'), ['dane-only']);
      assert.deepEqual(await postmap(room, 'tls-policy', 'example.org'), []);
    });
    for (const [postmaster, finals] of POSTMASTERS)
      await t.test(`M8: mail for the postmaster ${postmaster} comes to rest`, async () => {
        const who = { ...RESPONSIBLE, postmaster: parseMailAddress(postmaster) };
        const answer = await sql(`USE vmail; ${lookups.roles(who)}`, 'postfix');
        assert.deepEqual(
          answer
            .split('\n')
            .filter((row) => row !== '')
            .sort(),
          finals,
        );
        const stranded = await sql(`USE vmail; ${lookups.strandedPostmaster(who, 'retry:4.3.5 x')}`, 'postfix');
        assert.equal(stranded, finals.length === 0 ? 'retry:4.3.5 x\n' : '');
      });
    await t.test('characters that the collation takes for ASCII reach nobody', async () => {
      for (const name of ['ＡＮＮＡ', 'an\u00adna', 'ａnna', 'anna\u200b'])
        assert.deepEqual(await postmap(room, 'recipients', `${name}@ours.test`), [], name);
      assert.deepEqual(await postmap(room, 'recipients', 'anna@ours.test'), ['anna@ours.test']);
    });
    await t.test('Dovecot: logins, mailboxes, and nothing but its views', () => dovecot(server));
    await t.test('M4: a change by plain SQL counts at once, also after a cached answer', async () => {
      const ask = (to = 'anna@ours.test'): Promise<string> => must(room, ['perl', '-e', TALK], `${to}\n`);
      assert.match(await ask(), /\t250 /);
      await sql("UPDATE vmail.accounts SET enabled = 0 WHERE username = 'anna'");
      assert.match(await ask(), /\t550 5\.2\.1 /);
      for (const role of ['abuse@ours.test', 'root@mail.lab.example', 'torole@ours.test', 'toroot@ours.test'])
        assert.match(await ask(role), /\t550 5\.1\.1 /, 'nobody reads it');
      assert.match(await ask('abuse@rest.test'), /\t250 /, 'the catch-all takes it');
      assert.deepEqual(await postmap(room, 'stranded-postmaster', 'anna@ours.test'), ['retry:4.3.5 Nobody']);
      await sql("UPDATE vmail.accounts SET enabled = 1 WHERE username = 'anna'");
      for (const to of ['anna@ours.test', 'abuse@ours.test', 'root@mail.lab.example', 'torole@ours.test', 'toroot@ours.test'])
        assert.match(await ask(to), /\t250 /);
      assert.deepEqual(await postmap(room, 'stranded-postmaster', 'anna@ours.test'), []);
    });
    await t.test('M20: without the database, 4xx', async () => {
      await must(room, ['mariadb-admin', 'shutdown']);
      await assert.rejects(directory.rows('SELECT 1'), { code: 'directory.unreachable', exitCode: 4 });
      assert.match(await must(room, ['perl', '-e', TALK], 'anna@ours.test\n'), /\t451 4\.3\./);
    });
  });
}
