import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { renderDovecot, renderDovecotSql } from './dovecot.ts';
import { contentsOf, type Node, ref, setting, template, verbatim } from './types.ts';

const dovecot = (version: string, ...nodes: Node[]): string => renderDovecot(nodes, version).join('').slice(header().length);

test('values of both dialects are quoted only where needed', () => {
  for (const [version, percent] of [
    ['2.3.19', '%%'],
    ['2.4.1', '%'],
  ] as const) {
    assert.equal(dovecot(version, { set: 'a', to: 'plain text: 1' }), 'a = plain text: 1\n');
    assert.equal(dovecot(version, { set: 'a', to: ' x#"\\ $y 5%' }), `a = " x#\\"\\\\ $y 5${percent}"\n`);
    assert.equal(
      dovecot(version, { set: 'a', to: '<x' }, { set: 'b', to: '' }, { set: 'c', to: true }, { set: 'd', to: verbatim('5%') }),
      'a = "<x"\nb =\nc = yes\nd = 5%\n',
    );
    assert.equal(dovecot(version, { set: 'ssl_cert', to: contentsOf('/etc/x.pem') }), 'ssl_cert = </etc/x.pem\n');
    assert.throws(() => dovecot(version, { set: 'a', to: 'x\ny' }), { code: 'format.cannot-hold' });
    assert.throws(() => dovecot(version, { set: 'a', to: ['x y'] }), { code: 'format.cannot-hold' });
  }
});

test('a literal percent sign is doubled in 2.3; in 2.4 only before a brace', () => {
  assert.equal(dovecot('2.3.19', { set: 'a', to: template`5%${ref('u')}%{x}%` }), 'a = 5%%%u%%{x}%%\n');
  assert.equal(
    dovecot('2.4.1', { set: 'a', to: template`5%${ref('user')}%{x}%` }),
    'a = "5%{literal(\\\'%\\\')}%{user}%%{x}%"\n'.replaceAll("\\'", "'"),
  );
});

test('references differ', () => {
  assert.equal(dovecot('2.3.19', { set: 'a', to: template`/x/${ref('Ld')}/${ref('session')}` }), 'a = /x/%Ld/%{session}\n');
  assert.equal(dovecot('2.4.1', { set: 'a', to: template`/x/${ref('user | domain')}` }), 'a = /x/%{user | domain}\n');
  const plugins: Node = { set: 'mail_plugins', to: [setting('mail_plugins'), 'quota'] };
  assert.equal(dovecot('2.3.19', plugins), 'mail_plugins = $mail_plugins quota\n');
  assert.equal(dovecot('2.4.1', plugins), 'mail_plugins = $SET:mail_plugins quota\n');
});

test('blocks nest, and names are quoted where needed', () => {
  const nodes: Node[] = [
    { block: 'service', name: 'lmtp', rows: [{ block: 'unix_listener', name: '/run/l', rows: [{ set: 'mode', to: '0660', why: 'because' }] }] },
    { block: 'quota', name: 'User quota', rows: [] },
  ];
  assert.equal(
    dovecot('2.4.1', ...nodes),
    'service lmtp {\n  unix_listener /run/l {\n    # because\n    mode = 0660\n  }\n}\nquota "User quota" {\n}\n',
  );
});

test('a secret stands between quotes, and dovecot-sql.conf.ext has rows alone', () => {
  assert.deepEqual(
    renderDovecotSql(
      [
        { set: 'connect', to: template`host=/run/x.sock password=${{ secret: 'db' }}` },
        { set: 'user_query', to: template`SELECT 1 WHERE u = '${ref('Ln')}'` },
      ],
      '2.3.19',
    ),
    [`${header()}connect = "host=/run/x.sock password=`, { secret: 'db' }, '"\nuser_query = "SELECT 1 WHERE u = \'%Ln\'"\n'],
  );
});
