import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extent, placeNamed, settingIn } from './places.ts';

const FLAT = `# a: not this
server:
    # why
    a: yes
    ab: "x"
long =
    one,
    two
# after
next = 1
`;
const TREE = `timeout = 1;
upstream "local" {
  # timeout = 2;
  timeout = 3;
}
location = / {
  return 200;
}
`;

test('a setting is found by its whole name, not in a comment', () => {
  assert.deepEqual(settingIn('/f', FLAT, ['a']), { file: '/f', line: 4, through: 4 });
  assert.deepEqual(settingIn('/f', FLAT, ['ab']), { file: '/f', line: 5, through: 5 });
  assert.equal(settingIn('/f', FLAT, ['b']), undefined);
});

test('a value over several lines counts as a whole, a block does not', () => {
  assert.deepEqual(settingIn('/f', FLAT, ['long']), { file: '/f', line: 6, through: 8 });
  assert.deepEqual(extent(TREE, 2), { line: 2, through: 2 });
  assert.deepEqual(extent('a', 9), { line: 9, through: 9 });
});

test('within its blocks', () => {
  assert.equal(settingIn('/f', TREE, ['timeout'])?.line, 1);
  assert.equal(settingIn('/f', TREE, ['upstream local', 'timeout'])?.line, 4);
  assert.equal(settingIn('/f', TREE, ['location = /', 'return'])?.line, 7);
});

test('the place that a daemon names in its own way', async () => {
  const said = {
    'nginx: [emerg] unknown directive "x" in /etc/nginx/nginx.conf:12': ['/etc/nginx/nginx.conf', 12],
    '/etc/unbound/unbound.conf:10: error: unknown keyword': ['/etc/unbound/unbound.conf', 10],
    'doveconf: Fatal: Error in configuration file /etc/dovecot/dovecot.conf line 7: Unknown setting': ['/etc/dovecot/dovecot.conf', 7],
    'postconf: fatal: /etc/postfix/main.cf, line 30: missing': ['/etc/postfix/main.cf', 30],
    "ucl parser error: error while parsing /etc/rspamd/override.d/options.inc: line: 12, column: 14 - 'x'": [
      '/etc/rspamd/override.d/options.inc',
      12,
    ],
    'master: fatal: /etc/postfix/master.cf: line 4: bad transport type': ['/etc/postfix/master.cf', 4],
  };
  for (const [words, [file, line]] of Object.entries(said))
    assert.deepEqual(await placeNamed(words, () => Promise.resolve('')), { file, line, through: line });
  assert.equal(await placeNamed('/etc/postfix/main.cf: unused parameter: x=1', () => Promise.resolve('')), undefined);
});
