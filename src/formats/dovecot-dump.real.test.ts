import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { renderDovecot } from './dovecot.ts';
import { compareDovecot } from './dovecot-dump.lab.ts';
import { contentsOf, type Node, ref, setting, template } from './types.ts';

const listener = (name: string): Node => ({
  block: 'unix_listener',
  name,
  rows: [
    { set: 'mode', to: '0660' },
    { set: 'user', to: 'postfix' },
    { set: 'group', to: 'postfix' },
  ],
});
const SHARED: readonly Node[] = [
  { set: 'listen', to: ['127.0.0.1', '::1'] },
  { set: 'auth_mechanisms', to: ['plain', 'login'] },
  { set: 'auth_cache_ttl', to: '5 mins' },
  { set: 'auth_cache_size', to: '16M' },
  { set: 'first_valid_uid', to: 100 },
  { set: 'login_greeting', to: 'a # "b" \\ 5% $x ' },
  { set: 'ssl', to: 'required' },
  { set: 'quota_full_tempfail', to: true },
  {
    block: 'namespace',
    name: 'inbox',
    rows: [
      { set: 'inbox', to: true },
      { set: 'separator', to: '/' },
      {
        block: 'mailbox',
        name: 'Spam',
        rows: [
          { set: 'auto', to: 'subscribe' },
          { set: 'special_use', to: '\\Junk' },
          { set: 'autoexpunge', to: '90d' },
        ],
      },
    ],
  },
  { block: 'service', name: 'auth', rows: [{ set: 'vsz_limit', to: '2G' }, listener('/var/spool/postfix/private/auth')] },
  {
    block: 'service',
    name: 'imap-login',
    rows: [
      {
        block: 'inet_listener',
        name: 'imaps',
        rows: [
          { set: 'port', to: 993 },
          { set: 'ssl', to: true },
        ],
      },
      { set: 'client_limit', to: 1000 },
    ],
  },
];
const DIALECTS: Readonly<Record<'bookworm' | 'trixie', { readonly version: string; readonly nodes: readonly Node[] }>> = {
  bookworm: {
    version: '2.3.19',
    nodes: [
      ...SHARED,
      { set: 'protocols', to: ['imap', 'lmtp'] },
      { set: 'disable_plaintext_auth', to: true },
      { set: 'mail_home', to: template`/var/vmail/${ref('d')}/${ref('n')}` },
      { set: 'mail_plugins', to: ['quota'] },
      { set: 'ssl_cert', to: contentsOf('/tmp/x.pem') },
      { set: 'ssl_key', to: contentsOf('/tmp/x.pem') },
      {
        block: 'passdb',
        rows: [
          { set: 'driver', to: 'sql' },
          { set: 'args', to: '/etc/dovecot/sql.conf' },
        ],
      },
      {
        block: 'passdb',
        rows: [
          { set: 'driver', to: 'static' },
          { set: 'args', to: 'password=x' },
        ],
      },
      {
        block: 'plugin',
        rows: [
          { set: 'quota', to: 'count:User quota' },
          { set: 'quota_warning', to: template`storage=95% quota-warning 95 ${ref('u')}` },
        ],
      },
      { block: 'protocol', name: 'imap', rows: [{ set: 'mail_plugins', to: [setting('mail_plugins'), 'imap_quota'] }] },
    ],
  },
  trixie: {
    version: '2.4.1',
    nodes: [
      { set: 'dovecot_config_version', to: '2.4.1' },
      { set: 'dovecot_storage_version', to: '2.4.1' },
      ...SHARED,
      { set: 'protocols', to: ['imap', 'lmtp'] },
      { set: 'auth_allow_cleartext', to: false },
      { set: 'mail_home', to: template`/var/vmail/${ref('user | domain')}/${ref('user | username')}` },
      { set: 'mail_driver', to: 'maildir' },
      { set: 'mailbox_list_layout', to: 'fs' },
      { set: 'ssl_server_cert_file', to: '/tmp/x.pem' },
      { set: 'sql_driver', to: 'mysql' },
      {
        block: 'mysql',
        name: '/run/mysqld/mysqld.sock',
        rows: [
          { set: 'user', to: 'dovecot' },
          { set: 'password', to: { secret: 'db' } },
          { set: 'dbname', to: 'vmail' },
        ],
      },
      {
        block: 'passdb',
        name: 'sql',
        rows: [
          { set: 'default_password_scheme', to: 'ARGON2ID' },
          { set: 'query', to: template`SELECT password FROM a WHERE u = '${ref('user | username')}' AND x LIKE '5%' # "x"` },
        ],
      },
      { block: 'mail_plugins', rows: [{ set: 'quota', to: true }] },
      {
        block: 'quota',
        name: 'User quota',
        rows: [
          { set: 'driver', to: 'count' },
          {
            block: 'warning',
            name: 'warn-95',
            rows: [
              { set: 'quota_storage_percentage', to: 95 },
              { block: 'execute', name: 'quota-warning', rows: [{ set: 'args', to: template`95 ${ref('user')}` }] },
            ],
          },
        ],
      },
      { block: 'protocol', name: 'imap', rows: [{ block: 'mail_plugins', rows: [{ set: 'imap_quota', to: true }] }] },
    ],
  },
};

for (const release of ['bookworm', 'trixie'] as const) {
  test(`compareDovecot agrees with itself, and sees what is misread, on ${release}`, async () => {
    await using room = await checker(release);
    const { version, nodes } = DIALECTS[release];
    const text = renderDovecot(nodes, version)
      .map((piece) => (typeof piece === 'string' ? piece : 's3cret'))
      .join('');
    const wrong = async (changed: string): Promise<readonly string[]> => {
      await room.put({ '/tmp/dovecot.conf': changed, '/tmp/x.pem': 'x\n' });
      const dump = await room.run(['doveconf', '-a', '-c', '/tmp/dovecot.conf']);
      assert.equal(dump.code, 0, dump.stderr);
      return compareDovecot(nodes, version, dump.stdout).map((each) => `${each.key}: ${each.expected} -> ${each.actual}`);
    };
    assert.deepEqual(await wrong(text), []);
    assert.deepEqual(await wrong(text.replace('5 mins', '6 mins').replace('16M', '17M')), [
      'auth_cache_ttl: 5 mins -> 6 mins',
      `auth_cache_size: 16M -> 17${release === 'bookworm' ? ' ' : ''}M`,
    ]);
    assert.deepEqual(
      (await wrong(text.replace('auto = subscribe', 'auto = create').replace('vsz_limit = 2G', 'vsz_limit = 1G'))).map((line) => line.split(':')[0]),
      ['namespace inbox > mailbox Spam > auto', 'service auth > vsz_limit'],
    );
    assert.deepEqual(
      (await wrong(text.replace('mode = 0660', 'mode = 0600').replace(/\\\\ 5%+/, '5'))).map((line) => line.split(':')[0]),
      ['login_greeting', 'service auth > unix_listener /var/spool/postfix/private/auth > mode'],
    );
    assert.deepEqual(await wrong(text.replace('auth_mechanisms = plain login', 'auth_mechanisms = plain')), [
      'auth_mechanisms: plain login -> plain',
    ]);
    assert.deepEqual(await wrong(text.replace('quota_full_tempfail = yes', '')), ['quota_full_tempfail: yes -> no']);
  });
}
