import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, plainChange } from './changes.ts';
import { groupText, together } from './together.ts';

/** `together` as lines. */
const told = (changes: readonly Change[], diffs: 'shown' | 'hidden' = 'hidden'): readonly string[] =>
  together(changes, diffs).map(({ changes: group, place }) => {
    if (place === undefined) return `${group[0]?.action} ${group[0]?.target}`;
    const { head, names } = groupText(group, place, 'whole');
    return `${head}: ${names}`;
  });

const created = (folder: string, count: number): readonly Change[] =>
  Array.from({ length: count }, (_, index) => plainChange('file', `${folder}/f${index}`, 'create'));
const restarts = ['unbound', 'mariadb', 'redis', 'rspamd'].map((name) => plainChange('service', name, 'restart'));

test('twenty changes stand one by one', () => {
  const changes = created('/etc/postfix', 20);
  assert.deepEqual(
    told(changes),
    changes.map(({ target }) => `create ${target}`),
  );
});

test('of more, what is done alike in a folder stands together, with every name; a folder is named by what comes in it', () => {
  const changes = [
    plainChange('dir', '/etc/postfix/sql', 'create'),
    ...created('/etc/postfix/sql', 16),
    plainChange('file', '/etc/mailname', 'create'),
    plainChange('dir', '/etc/postfix/empty', 'create'),
    ...['a_v1', 'b_v1', 'c_v1', 'd_v1'].map((name) => plainChange('grant', `postfix on ${name}`, 'grant')),
  ];
  const names = Array.from({ length: 16 }, (_, index) => `sql/f${index}`).join(', ');
  assert.deepEqual(told(changes), [`create in /etc/postfix: ${names}, empty`, 'create /etc/mailname', 'grant postfix: a_v1, b_v1, c_v1, d_v1']);
});

test('what somebody else changed, what daemons go through and a few of a kind keep lines of their own', () => {
  const changes = [
    ...created('/etc/dovecot', 20),
    ...['main.cf', 'master.cf', 'own.cf'].map((name) => plainChange('file', `/etc/postfix/${name}`, 'change')),
    ...['a', 'b', 'c', 'd', 'e'].map((name) => plainChange('file', `/etc/nginx/${name}`, 'change', { drift: true })),
    ...['a', 'b', 'c', 'd', 'e'].map((name) => plainChange('derived', `/etc/rspamd/${name}`, 'change', { package: 'rspamd 3.12' })),
    ...restarts,
  ];
  assert.deepEqual(
    told(changes).slice(1),
    changes.slice(20).map(({ action, target }) => `${action} ${target}`),
  );
});

test('where differences are shown, what has one, or asks something else of daemons, stands alone', () => {
  const needs = { needs: ['restart postfix'] };
  const changes = [
    ...created('/etc/postfix', 18),
    ...['u', 'v', 'w', 'x'].map((name) => plainChange('file', `/etc/postfix/${name}`, 'create', needs)),
    ...['a', 'b', 'c', 'd'].map((name) => plainChange('file', `/etc/postfix/${name}`, 'change', { diff: '+line' })),
  ];
  assert.deepEqual(told(changes, 'shown').slice(1), [
    'create in /etc/postfix: u, v, w, x',
    ...['a', 'b', 'c', 'd'].map((name) => `change /etc/postfix/${name}`),
  ]);
  assert.equal(told(changes, 'hidden').length, 2);
});

test('briefly: of what is new the first names and how many more; what is changed or removed is named', () => {
  const briefly = (changes: readonly Change[]): string => groupText(changes, '/etc/postfix', 'briefly').names;
  assert.equal(briefly(created('/etc/postfix', 22)), 'f0, f1, f2 and 19 more');
  assert.equal(briefly(created('/etc/postfix', 4)), 'f0, f1, f2, f3');
  for (const action of ['change', 'remove'] as const)
    assert.equal(briefly(created('/etc/postfix', 6).map((each) => ({ ...each, action }))), 'f0, f1, f2, f3, f4, f5');
});
