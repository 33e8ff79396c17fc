/** Tables of wrong input, by command: words as typed, and what the message must name. Nothing of it may change anything. */
import type { Wrong } from './command.ts';
import { ADDRESSES, DESTINATIONS, DOMAINS } from './wrong-names.ts';

const QUOTAS = [
  '2\n',
  '2\nG',
  '2\tG',
  '2  G',
  '-1',
  'lots',
  '2X',
  '',
  '1.5G',
  '2G2',
  '1e9',
  '0x10',
  '99999999999',
  '1025T',
  ' 2G',
  '2G\n',
  '\u0662G',
];

const NO_QUOTA = 'is not a whole number of M, G or T, up to 1024T';

/** Every command has these, and none takes a value. */
const COMMON = ['--json', '--yes', '--help'];

/** Commands whose last words are any number of destinations; one more is no mistake. */
const ENDLESS = ['alias add', 'alias set'];

/** Of every command: unknown options, values where none belong, words too many. */
const usage = (words: readonly string[], full: readonly string[], flags: readonly string[]): readonly Wrong[] => [
  { words: [...full, '--no-such-option'], names: '"--no-such-option"' },
  { words: [...full, '--no-such\noption'], names: '"--no-such\\noption"' },
  { words: [...full, '-x'], names: '"-x"' },
  ...[...COMMON, ...flags].flatMap((flag) =>
    ['yes', '', '1'].map((value) => ({ words: [...full, `${flag}=${value}`], names: `${flag} takes no value` })),
  ),
  ...(ENDLESS.includes(words.join(' ')) ? [] : [{ words: [...full, 'surplus'], names: '"surplus"' }]),
];

const each = (table: readonly (readonly [string, string])[], words: (value: string) => readonly string[]): readonly Wrong[] =>
  table.map(([value, names]) => ({ words: words(value), names }));

/** The message names the value as JSON. */
const shown = (values: readonly string[], words: (value: string) => readonly string[]): readonly Wrong[] =>
  values.map((value) => ({ words: words(value), names: JSON.stringify(value) }));

/** Passwords come by prompt, by standard input or not at all; nothing is on standard input here. */
const passwords = (...words: readonly string[]): readonly Wrong[] => [
  { words: [...words, '--password', 'on-the-line'], names: '"--password"' },
  { words: [...words, '--password=on-the-line'], names: '"--password"' },
  { words: [...words, '--password-stdin', '--password-hash-stdin'], names: '--password-stdin, --password-hash-stdin' },
  { words: [...words, '--password-stdin', '--password-prompt'], names: '--password-stdin, --password-prompt' },
  { words: [...words, '--password-hash-stdin', '--password-prompt'], names: '--password-hash-stdin, --password-prompt' },
  { words: [...words, '--password-prompt'], names: 'no terminal' },
  { words: [...words, '--password-stdin'], names: 'no password' },
  { words: [...words, '--password-hash-stdin'], names: 'no password' },
];

/** Commands without words of their own; `flags` are theirs. */
const plain = (command: string, flags: readonly string[] = []): readonly Wrong[] => usage(command.split(' '), command.split(' '), flags);

/** What an authority looks for. */
const DIGEST = 'x'.repeat(43);

/** A link to itself. */
export const RING = '/srv/ring';

/** Names longer than a file's or a path may be, a link that leads nowhere, and a file where a folder should be. */
const NOWHERE = [`/${'x'.repeat(256)}`, `${'/x'.repeat(2100)}`, `${RING}/x`, '/etc/hostname/x'];

/** What is typed, and what the message calls it. */
const FILES: readonly (readonly [string, string])[] = [
  ...[...NOWHERE, RING].map((value) => [value, `${value} does not exist`] as const),
  ['no-such.toml', '/no-such.toml'],
  ['../no-such/./file.toml', '/no-such/file.toml'],
  ['', 'is a directory'],
  ['/etc', '/etc is a directory'],
  ['/proc/self/fd', '/proc/self/fd is a directory'],
  ['/new\nline.toml', '"/new\\nline.toml"'],
];

/** Generation 1 is in place, `hauspost.test` with the account `demo` exists; `ring@` leads to `demo@`, the link RING to itself. */
export const WRONG: Readonly<Record<string, readonly Wrong[]>> = {
  up: [
    ...each(DOMAINS, (value) => ['up', '--yes', `--hostname=${value}`, '--domain=example.test']),
    ...each(DOMAINS, (value) => ['up', '--yes', '--hostname=mail.example.test', `--domain=${value}`]),
    { words: ['up', '--hostname', 'mail.example.test'], names: '--hostname mail.example.test (this server is ' },
    { words: ['up', '--domain', 'example.test'], names: '--domain example.test (its postmaster is at ' },
    { words: ['up', '--wait-for-dns'], names: '--wait-for-dns has nothing to wait for' },
    ...plain('up', ['--replace', '--foreground', '--wait-for-dns']),
  ],
  down: plain('down'),
  status: plain('status'),
  selftest: plain('selftest'),
  doctor: plain('doctor'),
  plan: plain('plan'),
  apply: plain('apply'),
  generations: plain('generations'),
  rollback: [
    ...shown(['99', '00', 'x', '-1', '1.0', ' 1', '1\n', '1; reboot', '../1', ''], (value) => ['rollback', '--yes', '--', value]),
    ...['-1', '-12', '-1x'].map((value) => ({ words: ['rollback', value, '--yes'], names: `there is no generation ${JSON.stringify(value)}` })),
    { words: ['rollback', '--yes'], names: 'generation 1' },
    ...usage(['rollback'], ['rollback', '1'], []),
  ],
  'config check': [
    ...FILES.map(([value, names]) => ({ words: ['config', 'check', '--', value], names })),
    ...usage(['config', 'check'], ['config', 'check', '/etc/hauspost/hauspost.toml'], []),
  ],
  'config explain': [
    ...shown(['no.such.option', '', 'mail.', '.mail', 'Mail', 'mail\n', '__proto__'], (value) => ['config', 'explain', '--', value]),
    { words: ['config', 'explain'], names: 'KEY is missing' },
    ...usage(['config', 'explain'], ['config', 'explain', 'mail'], []),
  ],
  'config example': plain('config example'),
  'domain add': [
    ...each(DOMAINS, (value) => ['domain', 'add', '--', value]),
    { words: ['domain', 'add', 'hauspost.test'], names: 'hauspost.test' },
    { words: ['domain', 'add', 'HausPost.TEST'], names: 'hauspost.test' },
    { words: ['domain', 'add'], names: 'DOMAIN is missing' },
    ...usage(['domain', 'add'], ['domain', 'add', 'new.test'], []),
  ],
  'domain list': plain('domain list'),
  'dkim list': [
    ...each(DOMAINS, (value) => ['dkim', 'list', '--', value]),
    { words: ['dkim', 'list', 'nobody.test'], names: 'nobody.test' },
    { words: ['dkim', 'list', 'hauspos.test'], names: 'is hauspost.test meant?' },
    ...usage(['dkim', 'list'], ['dkim', 'list', 'hauspost.test'], []),
  ],
  'dkim rotate': [
    ...each(DOMAINS, (value) => ['dkim', 'rotate', '--', value]),
    { words: ['dkim', 'rotate', 'nobody.test'], names: 'nobody.test' },
    { words: ['dkim', 'rotate', 'hauspos.test'], names: 'is hauspost.test meant?' },
    ...usage(['dkim', 'rotate'], ['dkim', 'rotate', 'hauspost.test'], []),
  ],
  'dkim import': [
    ...each(DOMAINS, (value) => ['dkim', 'import', '--', value, '2017', '/etc/hauspost/hauspost.toml']),
    ...shown(['', 'a_b', '-x', 'x.', '../x', 'a b', '2017._domainkey', 'x\n', `${'x'.repeat(64)}`], (value) => [
      ...['dkim', 'import', '--', 'hauspost.test', value, '/etc/hauspost/hauspost.toml'],
    ]),
    ...[...NOWHERE, RING, '/etc', '/no/such.key'].map((value) => ({
      words: ['dkim', 'import', '--', 'hauspost.test', '2017', value],
      names: value.slice(0, 80),
    })),
    { words: ['dkim', 'import', 'hauspost.test', '2017', '/etc/hauspost/hauspost.toml'], names: '/etc/hauspost/hauspost.toml' },
    { words: ['dkim', 'import', '--all', 'hauspost.test', '2017', '/etc/hauspost/hauspost.toml'], names: 'with --all no domain is named' },
    { words: ['dkim', 'import', '--all', '2017'], names: 'FILE is missing' },
    { words: ['dkim', 'import', 'hauspost.test', '2017'], names: 'FILE is missing' },
    { words: ['dkim', 'import', 'hauspost.test'], names: 'SELECTOR is missing' },
    { words: ['dkim', 'import'], names: 'DOMAIN is missing' },
    ...usage(['dkim', 'import'], ['dkim', 'import', 'hauspost.test', '2017', '/etc/hauspost/hauspost.toml'], ['--all']),
  ],
  'dkim export': [
    ...each(DOMAINS, (value) => ['dkim', 'export', '--', value, '2017']),
    { words: ['dkim', 'export', 'nobody.test', '2017'], names: 'nobody.test' },
    ...shown(['2017', '', '../x', 'x\n'], (value) => ['dkim', 'export', '--', 'hauspost.test', value]),
    { words: ['dkim', 'export', 'hauspost.test', '2017', '--file', '/root/x'], names: '--file goes with --private' },
    { words: ['dkim', 'export', 'hauspost.test', '2017', '--file'], names: '--file needs a value' },
    { words: ['dkim', 'export', 'hauspost.test', '2017', '--private', '--file=/root/x', '--file=/root/y'], names: '--file is given twice' },
    { words: ['dkim', 'export', 'hauspost.test'], names: 'SELECTOR is missing' },
    { words: ['dkim', 'export'], names: 'DOMAIN is missing' },
    ...usage(['dkim', 'export'], ['dkim', 'export', 'hauspost.test', '2017'], ['--private']),
  ],
  'dkim sync': plain('dkim sync'),
  upkeep: plain('upkeep'),
  'cert status': plain('cert status'),
  'cert challenge': [
    ...each(DOMAINS, (value) => ['cert', 'challenge', 'put', '--', value, DIGEST]),
    ...shown(['', 'short', `${DIGEST}x`, `${DIGEST.slice(1)}=`, `${DIGEST.slice(1)}\n`], (value) => [
      'cert',
      'challenge',
      'put',
      'mail.hauspost.test',
      '--',
      value,
    ]),
    { words: ['cert', 'challenge', 'keep', 'mail.hauspost.test', DIGEST], names: 'WHAT' },
    { words: ['cert', 'challenge', 'put', 'mail.hauspost.test', DIGEST], names: 'update_server' },
    ...usage(['cert', 'challenge'], ['cert', 'challenge', 'put', 'mail.hauspost.test', DIGEST], []),
  ],
  'cert rollover': usage(['cert', 'rollover'], ['cert', 'rollover'], ['--cancel']),
  'cert renew': usage(['cert', 'renew'], ['cert', 'renew'], ['--force']),
  'dns records': [
    ...each(DOMAINS, (value) => ['dns', 'records', '--', value]),
    { words: ['dns', 'records', 'nobody.test'], names: 'nobody.test' },
    { words: ['dns', 'records', 'hauspos.test'], names: 'is hauspost.test meant?' },
    { words: ['dns', 'records', '--zone', '--octodns'], names: '--zone and --octodns' },
    { words: ['dns', 'records', 'hauspost.test', '--plain', '--dnscontrol'], names: '--plain and --dnscontrol' },
    ...usage(['dns', 'records'], ['dns', 'records', 'hauspost.test'], ['--zone', '--plain', '--dnscontrol', '--octodns']),
  ],
  'dns check': [
    ...each(DOMAINS, (value) => ['dns', 'check', '--', value]),
    { words: ['dns', 'check', 'nobody.test'], names: 'nobody.test' },
    { words: ['dns', 'check', 'hauspos.test'], names: 'is hauspost.test meant?' },
    { words: ['dns', 'check'], names: 'the profile is "local"' },
    ...usage(['dns', 'check'], ['dns', 'check', 'hauspost.test'], []),
  ],
  'dns push': [
    ...each(DOMAINS, (value) => ['dns', 'push', '--yes', '--', value]),
    ...shown(
      ['example.org', '/MX', 'example.org/', 'example.org/M X', 'a b/MX', 'example.org/MX;', 'new\nline/MX', 'example.org/MX,', ''],
      (value) => [...['dns', 'push', '--yes', `--take-over=${value}`]],
    ),
    { words: ['dns', 'push', '--take-over'], names: '--take-over needs a value' },
    { words: ['dns', 'push', 'hauspost.test'], names: 'the profile is "local"' },
    { words: ['dns', 'push', '--yes'], names: 'the profile is "local"' },
    ...usage(['dns', 'push'], ['dns', 'push', 'hauspost.test'], []),
  ],
  'domain remove': [
    ...each(DOMAINS, (value) => ['domain', 'remove', '--with-everything', '--', value]),
    { words: ['domain', 'remove', 'nobody.test'], names: 'nobody.test' },
    { words: ['domain', 'remove', 'nobody.test', '--with-everything'], names: 'nobody.test' },
    { words: ['domain', 'remove', 'hauspost.test'], names: 'demo@hauspost.test' },
    { words: ['domain', 'remove', 'hauspost.test', '--with-everything'], names: 'hauspost.test' },
    { words: ['domain', 'remove'], names: 'DOMAIN is missing' },
    ...usage(['domain', 'remove'], ['domain', 'remove', 'hauspost.test'], ['--with-everything']),
  ],
  'account add': [
    ...each(ADDRESSES, (value) => ['account', 'add', '--', value]),
    ...QUOTAS.map((value) => ({ words: ['account', 'add', 'new@hauspost.test', `--quota=${value}`], names: JSON.stringify(value) })),
    { words: ['account', 'add', 'new@hauspost.test', '--quota'], names: '--quota needs a value' },
    ...['-5', '-5G'].map((value) => ({
      words: ['account', 'add', 'new@hauspost.test', '--quota', value],
      names: `${JSON.stringify(value)} ${NO_QUOTA}`,
    })),
    { words: ['account', 'add', 'new@hauspost.test', '--quota', '--disabled'], names: '--quota needs a value before "--disabled"' },
    { words: ['account', 'add', 'new@hauspost.test', '--quota', '1G', '--quota', '2G'], names: '--quota is given twice' },
    { words: ['account', 'add', 'demo@hauspost.test'], names: 'demo@hauspost.test' },
    { words: ['account', 'add', 'Demo@HausPost.Test'], names: 'demo@hauspost.test' },
    { words: ['account', 'add', 'new@nobody.test'], names: 'nobody.test' },
    { words: ['account', 'add'], names: 'ADDRESS is missing' },
    ...passwords('account', 'add', 'new@hauspost.test'),
    ...usage(
      ['account', 'add'],
      ['account', 'add', 'new@hauspost.test'],
      ['--send-only', '--disabled', '--password-stdin', '--password-hash-stdin', '--password-prompt'],
    ),
  ],
  'account set': [
    ...each(ADDRESSES, (value) => ['account', 'set', '--enabled', '--', value]),
    ...QUOTAS.map((value) => ({ words: ['account', 'set', 'demo@hauspost.test', `--quota=${value}`], names: JSON.stringify(value) })),
    { words: ['account', 'set', 'demo@hauspost.test', '--quota', '-5'], names: `"-5" ${NO_QUOTA}` },
    { words: ['account', 'set', 'demo@hauspost.test'], names: 'nothing to change was named for demo@hauspost.test' },
    { words: ['account', 'set', 'demo@hauspost.test', '--enabled', '--disabled'], names: '--enabled and --disabled' },
    { words: ['account', 'set', 'demo@hauspost.test', '--send-only', '--no-send-only'], names: '--send-only and --no-send-only' },
    { words: ['account', 'set', 'nobody@hauspost.test', '--enabled'], names: 'nobody@hauspost.test' },
    { words: ['account', 'set', 'demo@hauspost.test', '--password', 'on-the-line'], names: '"--password"' },
    { words: ['account', 'set'], names: 'ADDRESS is missing' },
    ...usage(
      ['account', 'set'],
      ['account', 'set', 'demo@hauspost.test', '--quota', '1G'],
      ['--send-only', '--no-send-only', '--enabled', '--disabled'],
    ),
  ],
  'account passwd': [
    ...each(ADDRESSES, (value) => ['account', 'passwd', '--', value]),
    { words: ['account', 'passwd', 'nobody@hauspost.test'], names: 'nobody@hauspost.test' },
    { words: ['account', 'passwd', 'dmeo@hauspost.test'], names: 'is demo@hauspost.test meant?' },
    { words: ['account', 'passwd', 'demo@hauspos.test'], names: 'is demo@hauspost.test meant?' },
    ...passwords('account', 'passwd', 'demo@hauspost.test'),
    { words: ['account', 'passwd'], names: 'ADDRESS is missing' },
    ...usage(['account', 'passwd'], ['account', 'passwd', 'demo@hauspost.test'], ['--password-stdin', '--password-hash-stdin', '--password-prompt']),
  ],
  'account list': [
    ...each(DOMAINS, (value) => ['account', 'list', '--', value]),
    { words: ['account', 'list', 'nobody.test'], names: 'nobody.test' },
    { words: ['account', 'list', 'nobody.test', '--usage'], names: 'nobody.test' },
    { words: ['account', 'list', '--usages'], names: 'is --usage meant?' },
    ...usage(['account', 'list'], ['account', 'list', 'hauspost.test'], ['--usage']),
  ],
  'account remove': [
    ...each(ADDRESSES, (value) => ['account', 'remove', '--', value]),
    ...each(ADDRESSES, (value) => ['account', 'remove', '--delete-mail', '--', value]),
    { words: ['account', 'remove', 'nobody@hauspost.test'], names: 'nobody@hauspost.test' },
    { words: ['account', 'remove', 'nobody@hauspost.test', '--delete-mail'], names: 'nobody@hauspost.test' },
    { words: ['account', 'remove', 'demo@hauspost.test', '--delete-mail'], names: 'demo@hauspost.test' },
    { words: ['account', 'remove'], names: 'ADDRESS is missing' },
    ...usage(['account', 'remove'], ['account', 'remove', 'demo@hauspost.test'], ['--delete-mail']),
  ],
  'alias add': [
    ...each(ADDRESSES.slice(0, 2), (value) => ['alias', 'add', '--', value, 'demo@hauspost.test']),
    ...each(ADDRESSES.slice(3), (value) => ['alias', 'add', '--', value, 'demo@hauspost.test']),
    ...each(DOMAINS, (value) => ['alias', 'add', '--', `@${value}`, 'demo@hauspost.test']),
    ...each(DESTINATIONS, (value) => ['alias', 'add', '--', 'new@hauspost.test', 'demo@hauspost.test', value]),
    { words: ['alias', 'add', 'new@nobody.test', 'demo@hauspost.test'], names: 'nobody.test' },
    { words: ['alias', 'add', 'ring@hauspost.test', 'demo@hauspost.test'], names: 'demo@hauspost.test' },
    { words: ['alias', 'add', 'demo@hauspost.test', 'ring@hauspost.test'], names: 'demo@hauspost.test -> ring@hauspost.test -> demo@hauspost.test' },
    { words: ['alias', 'add', 'self@hauspost.test', 'Self@hauspost.test'], names: 'self@hauspost.test' },
    { words: ['alias', 'add', '*@hauspost.test', 'demo@hauspost.test'], names: '"*@hauspost.test" would be an address whose name is an asterisk' },
    { words: ['alias', 'add', 'new@hauspost.test'], names: 'DESTINATIONS is missing: one or more addresses that mail goes to' },
    { words: ['alias', 'add'], names: 'SOURCE is missing' },
    ...usage(['alias', 'add'], ['alias', 'add', 'new@hauspost.test', 'demo@hauspost.test'], []),
  ],
  'alias set': [
    ...each(ADDRESSES.slice(0, 2), (value) => ['alias', 'set', '--enabled', '--', value]),
    ...each(ADDRESSES.slice(3), (value) => ['alias', 'set', '--disabled', '--', value]),
    ...each(DESTINATIONS, (value) => ['alias', 'set', '--disabled', '--', 'ring@hauspost.test', value]),
    { words: ['alias', 'set', 'ring@hauspost.test'], names: 'one of --disabled and --enabled is needed' },
    { words: ['alias', 'set', 'ring@hauspost.test', '--enabled', '--disabled'], names: 'one of --disabled and --enabled is needed' },
    { words: ['alias', 'set', 'ring@hauspost.test', 'nobody@hauspost.test', '--disabled'], names: 'ring@hauspost.test to nobody@hauspost.test' },
    { words: ['alias', 'set', 'nobody@hauspost.test', '--disabled'], names: 'nobody@hauspost.test' },
    { words: ['alias', 'set', '--disabled'], names: 'SOURCE is missing' },
    ...usage(['alias', 'set'], ['alias', 'set', 'ring@hauspost.test', 'demo@hauspost.test', '--disabled'], ['--enabled', '--disabled']),
  ],
  'alias list': [
    ...each(DOMAINS, (value) => ['alias', 'list', '--', value]),
    { words: ['alias', 'list', 'nobody.test'], names: 'nobody.test' },
    ...usage(['alias', 'list'], ['alias', 'list', 'hauspost.test'], []),
  ],
  'alias remove': [
    ...each(ADDRESSES.slice(0, 2), (value) => ['alias', 'remove', '--', value]),
    ...each(ADDRESSES.slice(3), (value) => ['alias', 'remove', '--', value]),
    ...each(DESTINATIONS, (value) => ['alias', 'remove', '--', 'ring@hauspost.test', value]),
    { words: ['alias', 'remove', 'ring@hauspost.test', 'nobody@hauspost.test'], names: 'ring@hauspost.test to nobody@hauspost.test' },
    { words: ['alias', 'remove', 'nobody@hauspost.test'], names: 'nobody@hauspost.test' },
    { words: ['alias', 'remove', '@hauspost.test'], names: '@hauspost.test' },
    { words: ['alias', 'remove', 'ringo@hauspost.test'], names: 'is ring@hauspost.test meant?' },
    { words: ['alias', 'remove'], names: 'SOURCE is missing' },
    ...usage(['alias', 'remove'], ['alias', 'remove', 'ring@hauspost.test'], []),
  ],
  'tls-policy set': [
    ...each(DOMAINS, (value) => ['tls-policy', 'set', '--', value, 'encrypt']),
    ...shown(['', 'Encrypt', 'must', 'none\n', "may'; DROP TABLE accounts; --"], (value) => ['tls-policy', 'set', '--', 'example.test', value]),
    ...shown(['match=.example.net', 'ciphers=best', 'ciphers=high\nprotocols=TLSv1', 'tafile=/etc/passwd', 'ciphers'], (value) => [
      ...['tls-policy', 'set', '--', 'example.test', 'encrypt', value],
    ]),
    { words: ['tls-policy', 'set', 'example.test', 'fingerprint'], names: '"match" is needed with policy fingerprint' },
    { words: ['tls-policy', 'set', 'example.test'], names: 'POLICY is missing' },
    { words: ['tls-policy', 'set', '[mail.example.test]:25', 'encrypt'], names: '[mail.example.test]:25' },
    ...usage(['tls-policy', 'set'], ['tls-policy', 'set', 'example.test', 'encrypt', 'ciphers=high'], []),
  ],
  'tls-policy list': plain('tls-policy list'),
  'tls-policy remove': [
    ...each(DOMAINS, (value) => ['tls-policy', 'remove', '--', value]),
    { words: ['tls-policy', 'remove', 'nobody.test'], names: 'nobody.test' },
    { words: ['tls-policy', 'remove'], names: 'DOMAIN is missing' },
    ...usage(['tls-policy', 'remove'], ['tls-policy', 'remove', 'example.test'], []),
  ],
  'spam learn': [
    ...shown(
      ['/no/such/folder', '/etc/hostname', '/etc/hauspost/../shadow', '/var/mail', '/new\nline', "/x'; rm -rf", '/nul\u0001', RING, ...NOWHERE],
      (value) => [...['spam', 'learn', '--spam', '--', value]],
    ),
    { words: ['spam', 'learn', '/etc/hauspost'], names: 'one of --spam and --ham is needed' },
    { words: ['spam', 'learn', '/etc/hauspost', '--spam', '--ham'], names: 'of --spam and --ham only one is possible' },
    { words: ['spam', 'learn', '--spam', 'no-such-folder'], names: '/no-such-folder"' },
    { words: ['spam', 'learn', '--spam', ''], names: '""' },
    { words: ['spam', 'learn', '--spam'], names: 'FOLDER is missing' },
    ...usage(['spam', 'learn'], ['spam', 'learn', '/etc/hauspost', '--spam'], ['--spam', '--ham']),
  ],
  'ban list': plain('ban list'),
  'ban lift': [
    ...shown(
      ['everybody', '', '192.0.2.1/24', '192.0.2.256', '2001:db8::/48', '2001:db8::1%eth0', '192.0.2.1\n', "x' OR '1'='1", '127.1'],
      (value) => [...['ban', 'lift', '--', value]],
    ),
    ...each(ADDRESSES.slice(2), (value) => ['ban', 'lift', '--', value]),
    { words: ['ban', 'lift', '192.0.2.1'], names: '192.0.2.1' },
    { words: ['ban', 'lift', 'nobody@hauspost.test'], names: 'nobody@hauspost.test' },
    { words: ['ban', 'lift'], names: 'WHO is missing' },
    ...usage(['ban', 'lift'], ['ban', 'lift', '192.0.2.1'], []),
  ],
};
