import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path, redacted } from '#base';
import type { CheckRoom, RenderInput } from '#model';
import { mainText, masterText } from './configuration.ts';
import { logicalLines, parameters, services } from './dump.ts';
import { headerCleanup } from './header-cleanup.ts';
import { postfix } from './index.ts';
import { sizes } from './processes.ts';
import { inputFor } from '../test-input.lab.ts';

const PUBLIC = '[server]\nprofile = "public"\nhostname = "mx.example.org"\npostmaster = "me@example.org"\n';
const main = (input: RenderInput): ReadonlyMap<string, string> => parameters(redacted(mainText(input)));
const master = (input: RenderInput): readonly string[] => services(redacted(masterText(input)));
const file = (input: RenderInput, name: string): string => {
  const item = postfix.items(input).find((each) => 'path' in each && each.path === name);
  return item?.kind === 'file' ? redacted(item.text) : assert.fail(`${name} is not a file`);
};
const has = (input: RenderInput, wanted: Readonly<Record<string, string | undefined>>): void => {
  const got = main(input);
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((name) => [name, got.get(name)])), wanted);
};

const ACCESS = 'proxy:pipemap:{mysql:/etc/postfix/sql/recipient-gate.cf,mysql:/etc/postfix/sql/recipient-access.cf}';
const CHECKS = `check_recipient_access ${ACCESS}, reject_unlisted_recipient, check_policy_service { unix:private/quota-status, timeout=5s, request_limit=1, default_action=DUNNO }`;

test('nobody is trusted for an address, and nothing is local (M16)', () => {
  for (const release of ['bookworm', 'trixie'] as const)
    has(inputFor(release), {
      myhostname: 'mail.hauspost.test',
      mynetworks: '',
      mydestination: '',
      local_transport: 'error:5.1.1 no mailbox here',
      smtpd_relay_restrictions:
        'permit_auth_destination, check_recipient_access proxy:mysql:/etc/postfix/sql/own-recipients.cf, reject_unauth_destination',
      smtpd_recipient_restrictions: `reject_non_fqdn_recipient, ${CHECKS}`,
      smtpd_sasl_auth_enable: 'no',
      smtpd_sasl_path: 'private/auth',
      virtual_transport: 'lmtp:unix:private/dovecot-lmtp',
      virtual_mailbox_domains: '$myhostname, proxy:mysql:/etc/postfix/sql/domains.cf',
      smtpd_milters: 'unix:rspamd/milter.sock',
      milter_default_action: 'tempfail',
      smtpd_forbid_bare_newline: 'normalize',
      smtputf8_enable: 'no',
      enable_original_recipient: 'no',
      smtpd_banner: '${myhostname} ESMTP',
    });
});

test('what the releases do not share', () => {
  has(inputFor('bookworm'), {
    compatibility_level: '3.6',
    tls_required_enable: undefined,
    tls_eecdh_auto_curves: undefined,
    cyrus_sasl_config_path: undefined,
  });
  has(inputFor('trixie'), {
    compatibility_level: '3.10',
    tls_required_enable: 'no',
    tls_eecdh_auto_curves: '',
    cyrus_sasl_config_path: '/etc/postfix/sasl',
  });
  assert.match(file(inputFor('trixie'), '/etc/postfix/sql/domains.cf'), /^charset = utf8mb4$/m);
  assert.doesNotMatch(file(inputFor('bookworm'), '/etc/postfix/sql/domains.cf'), /charset|retry_interval/);
});

test('options of the operator', () => {
  const more = `${PUBLIC}[mail]\nmessage_size_limit = "100M"\nqueue_lifetime = "3d"\nbounce_lifetime = "2d"\nrecipients_per_message = 200\n`;
  has(inputFor('trixie', 'systemd', more), {
    myhostname: 'mx.example.org',
    message_size_limit: '104857600',
    maximal_queue_lifetime: '72h',
    bounce_queue_lifetime: '48h',
    smtpd_recipient_limit: '200',
  });
});

test('how much at once: by memory, and by cores where Dovecot has the work', () => {
  assert.deepEqual(sizes({ cores: 1, memoryMb: 512 }), { processes: 32, perClient: 10, deliveries: 4, perAccount: 2, askers: 4 });
  assert.deepEqual(sizes({ cores: 1, memoryMb: 1024 }), { processes: 64, perClient: 16, deliveries: 8, perAccount: 2, askers: 5 });
  assert.deepEqual(sizes({ cores: 2, memoryMb: 4096 }), { processes: 256, perClient: 50, deliveries: 20, perAccount: 5, askers: 16 });
  assert.deepEqual(sizes({ cores: 16, memoryMb: 65_536 }), { processes: 500, perClient: 50, deliveries: 50, perAccount: 10, askers: 16 });
  has(inputFor('bookworm'), {
    default_process_limit: '64',
    smtpd_client_connection_count_limit: '16',
    lmtp_destination_recipient_limit: '1',
    lmtp_destination_concurrency_limit: '2',
  });
});

test('DANE where the resolver validates, and only there', () => {
  const [open, local] = [inputFor('bookworm', 'systemd', PUBLIC), inputFor('bookworm')];
  has(open, { smtp_tls_security_level: 'dane', smtp_dns_support_level: 'dnssec', smtp_tls_dane_insecure_mx_policy: 'dane' });
  has(local, { smtp_tls_security_level: 'may', smtp_dns_support_level: undefined });
  assert.equal(file(open, '/var/spool/postfix/etc/resolv.conf'), 'nameserver 127.0.0.1\noptions edns0 trust-ad\n');
  assert.equal(file(local, '/var/spool/postfix/etc/resolv.conf'), 'nameserver 127.0.0.1\noptions edns0\n');
});

test('logs go where somebody reads them', () => {
  has(inputFor('trixie', 'systemd'), { maillog_file: undefined });
  has(inputFor('trixie', 'runit'), { maillog_file: '/dev/stdout' });
});

test('listeners are those of the wiring and no others (M23)', () => {
  const listening = (input: RenderInput): readonly string[] =>
    master(input)
      .filter((line) => line.includes(' inet '))
      .map((line) => line.split(' ')[0] ?? '');
  assert.deepEqual(listening(inputFor('bookworm')), ['127.0.0.1:25', '[::1]:25', '127.0.0.1:465', '[::1]:465', '127.0.0.1:587', '[::1]:587']);
  assert.deepEqual(listening(inputFor('trixie', 'systemd', PUBLIC)), ['0.0.0.0:25', '[::]:25', '0.0.0.0:465', '[::]:465', '0.0.0.0:587', '[::]:587']);
});

const senders = (input: RenderInput): readonly (string | undefined)[] =>
  ['smtp', 'relay'].map((name) => master(input).find((line) => line.startsWith(`${name} unix`)));

test('what is sent comes from the address that the mail ports are bound to, and by no family that they are not bound to', () => {
  const bound = (network: string): RenderInput => inputFor('bookworm', 'systemd', `${PUBLIC}[network]\n${network}\n`);
  const one = bound('bind = ["192.0.2.25"]\npublic_addresses = ["203.0.113.25", "2001:db8::25"]');
  has(one, {
    smtp_bind_address: '192.0.2.25',
    smtp_bind_address6: undefined,
    inet_protocols: 'all',
    proxy_interfaces: '203.0.113.25, 2001:db8::25',
  });
  assert.deepEqual(senders(one), [
    'smtp unix - - y - - smtp -o inet_protocols=ipv4 -o proxy_interfaces=203.0.113.25',
    'relay unix - - y - - smtp -o inet_protocols=ipv4 -o proxy_interfaces=203.0.113.25',
  ]);
  const every = inputFor('trixie', 'systemd', PUBLIC);
  has(every, { smtp_bind_address: undefined, smtp_bind_address6: undefined });
  assert.deepEqual(senders(every), ['smtp unix - - y - - smtp', 'relay unix - - y - - smtp']);
  const without = { ...one, facts: { ...one.facts, ipv6: false } };
  has(without, { inet_protocols: 'ipv4', proxy_interfaces: '203.0.113.25' });
  assert.deepEqual(senders(without), ['smtp unix - - y - - smtp', 'relay unix - - y - - smtp']);
});

test('submission asks for TLS and a login, and judges recipients (M2, M12, M13)', () => {
  const line = master(inputFor('trixie')).find((each) => each.startsWith('127.0.0.1:465 ')) ?? '';
  for (const option of [
    '-o smtpd_tls_wrappermode=yes',
    '-o smtpd_tls_security_level=encrypt',
    '-o smtpd_sasl_auth_enable=yes',
    '-o {smtpd_client_restrictions=check_sasl_access proxy:mysql:/etc/postfix/sql/login-access.cf, permit_sasl_authenticated, reject}',
    '-o {smtpd_sender_restrictions=reject_non_fqdn_sender, reject_sender_login_mismatch}',
    '-o {smtpd_relay_restrictions=permit_sasl_authenticated, reject}',
    `-o {smtpd_recipient_restrictions=reject_non_fqdn_recipient, reject_unknown_recipient_domain, ${CHECKS}, permit_sasl_authenticated, reject}`,
    '-o smtpd_hide_client_session=yes',
    '-o cleanup_service_name=submission-cleanup',
  ])
    assert.ok(line.includes(option), `${option} is not in ${line}`);
  assert.ok(!master(inputFor('bookworm')).some((each) => each.includes('smtpd_hide_client_session')));
  assert.equal(
    master(inputFor('trixie')).find((each) => each.startsWith('127.0.0.1:25 ')),
    '127.0.0.1:25 inet n - y - 1 postscreen',
  );
});

test('by the doors of Sieve: a reply goes to whom a login may write to, also where he has no room; what is passed on is neither refused nor completed', () => {
  const door = (name: string): string => master(inputFor('trixie')).find((line) => line.startsWith(`${name} unix `)) ?? '';
  const judged = `-o {smtpd_recipient_restrictions=check_recipient_access ${ACCESS}, reject_unlisted_recipient, permit_sasl_authenticated, reject}`;
  assert.ok(door('sieve-reply').includes(judged), door('sieve-reply'));
  assert.ok(door('sieve-pass').includes('-o {smtpd_recipient_restrictions=permit_sasl_authenticated, reject}'), door('sieve-pass'));
  assert.deepEqual(
    ['sieve-reply', 'sieve-pass'].map((name) => / -o local_header_rewrite_clients=(?= |$)/.test(door(name))),
    [false, true],
  );
});

test('only what needs the whole machine is not chrooted', () => {
  const open = master(inputFor('trixie'))
    .filter((line) => line.split(' ')[4] !== 'y')
    .map((line) => line.split(' ')[0]);
  assert.deepEqual(open, ['qmgr', 'proxymap', 'proxywrite', 'postlog']);
});

test('the header cleanup names our own trace line only where Postfix cannot hide it', () => {
  assert.equal(
    headerCleanup(inputFor('bookworm')),
    '/^Received: from .*[[:space:]]by mail\\.hauspost\\.test \\(Postfix\\) with (ESMTPS?A id .*)$/\n' +
      '    REPLACE Received: by mail.hauspost.test (Postfix) with $1\n' +
      '/^X-Originating-IP:/ IGNORE\n/^X-Mailer:/ IGNORE\n/^User-Agent:/ IGNORE\n',
  );
  assert.equal(headerCleanup(inputFor('trixie')), '/^X-Originating-IP:/ IGNORE\n/^X-Mailer:/ IGNORE\n/^User-Agent:/ IGNORE\n');
});

test('a socket outside the queue directory is a defect', () => {
  const input = inputFor('trixie');
  const sockets = { ...input.wiring.sockets, milter: { ...input.wiring.sockets.milter, path: path('/run/rspamd/milter.sock') } };
  assert.throws(() => mainText({ ...input, wiring: { ...input.wiring, sockets } }), /not below/);
});

test('the unit is the one that runs the daemon', () => {
  assert.equal(postfix.unit(inputFor('bookworm')).systemd, 'postfix@-.service');
  assert.equal(postfix.unit(inputFor('trixie')).systemd, 'postfix.service');
});

test('logical lines: continuation, comments, blanks', () => {
  assert.deepEqual(logicalLines('# x\na =\n    b,\n # y\n\n\tc\nd = e\n'), ['a = b, c', 'd = e']);
  assert.deepEqual(services('x  unix - -\n  -o { a = b, c }\n  -o d=e\n'), ['x unix - - -o {a=b, c} -o d=e']);
});

/** What postconf would print after it had read exactly what we wrote; `twist` changes it. And postmap: all that it is asked about is dropped but the subject. */
const repeating = (input: RenderInput, twist: (printed: string) => string, stderr = ''): CheckRoom => ({
  run: (argv, { input: asked = '' } = {}) => {
    const printed = argv[1] === '-n' ? [...main(input)].map(([name, value]) => `${name} = ${value}\n`).join('') : `${master(input).join('\n')}\n`;
    const isPostconf = argv[0] === 'postconf';
    const dropped = asked.split('\n').flatMap((line) => (line === '' || line === 'Subject: x' ? [] : [`${line}\tIGNORE\n`]));
    return Promise.resolve({
      code: 0,
      stdout: isPostconf ? twist(printed) : argv[0] === 'postmap' ? dropped.join('') : '',
      stderr: isPostconf ? stderr : '',
    });
  },
});

test('the check finds what Postfix did not understand, and is silent where it did', async () => {
  const input = inputFor('trixie');
  const codes = async (room: CheckRoom): Promise<readonly string[]> =>
    (await postfix.check(room, input)).map((each) => `${each.code} ${each.message}`);
  assert.deepEqual(await codes(repeating(input, (text) => text)), []);
  assert.deepEqual(await codes(repeating(input, (text) => text.replace(/^mynetworks =.*$/m, 'mynetworks = 127.0.0.0/8'))), [
    'postfix.misread mynetworks: written "", understood "127.0.0.0/8"',
  ]);
  assert.deepEqual(await codes(repeating(input, (text) => text.replace(/^qmgr .*$/m, '').replace(/^biff/m, 'foo = bar\nbiff'))), [
    'postfix.not-ours foo is in effect and was not written by us',
    'postfix.misread a line of master.cf was written and not understood: qmgr unix n - n 300 1 qmgr',
  ]);
  assert.deepEqual(await codes(repeating(input, (text) => text, 'postconf: warning: unused parameter')), [
    'postfix.refused postconf: warning: unused parameter',
  ]);
});
