import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderSieve, type SieveScript } from './sieve.ts';
import { ref, template } from './types.ts';

const SEED = 19;
const marked = (value: string, index: number): string => `<<${index}:${value}:${index}>>`;
const script = (values: readonly string[]): SieveScript => ({
  require: ['reject'],
  commands: values.map((value, index) => ({
    command: 'if',
    test: { test: 'header', arguments: ['X', marked(value, index)] },
    block: [{ command: 'keep' }],
  })),
});
const { held, refused } = sorted(hostileValues(SEED, 1700), (value) => renderSieve(script([value])));

test(`Sieve refuses NUL and half line breaks (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\0\r\n]/);
});

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values stand in the compiled script on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const config = release === 'bookworm' ? '' : 'dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\n';
    const shown = held.map((value, index) => marked(value, index));
    await room.put({ '/tmp/dovecot.conf': config, '/tmp/hostile.sieve': renderSieve(script(held)).join('') });
    const compiled = await room.run(['sievec', '-c', '/tmp/dovecot.conf', '/tmp/hostile.sieve', '/tmp/hostile.svbin']);
    assert.equal(compiled.code, 0, compiled.stderr);
    const binary = await room.run(['cat', '/tmp/hostile.svbin'], { encoding: 'latin1' });
    const text = Buffer.from(binary.stdout, 'latin1').toString();
    assert.deepEqual(
      shown.filter((value) => !text.includes(value)),
      [],
    );
  });

  test(`a variable is replaced and a literal is not on ${release}`, async () => {
    await using room = await checker(release);
    const config =
      release === 'bookworm'
        ? 'mail_location = maildir:/tmp/maildir\n'
        : 'dovecot_config_version = 2.4.1\ndovecot_storage_version = 2.4.1\nmail_driver = maildir\nmail_path = /tmp/maildir\n';
    const text = renderSieve({
      require: ['variables', 'fileinto'],
      commands: [
        { command: 'set', arguments: ['box', 'Sp"a\\m'] },
        { command: 'fileinto', arguments: [template`a$${ref('box')}`] },
      ],
    }).join('');
    await room.put({ '/tmp/dovecot.conf': `${config}first_valid_uid = 1\n`, '/tmp/x.sieve': text, '/tmp/mail': 'From: a@example.org\n\nx\n' });
    const run = await room.run(['sieve-test', '-c', '/tmp/dovecot.conf', '/tmp/x.sieve', '/tmp/mail'], {
      user: 'dovecot',
      env: { HOME: '/tmp', USER: 'dovecot' },
    });
    assert.match(run.stdout, /store message in folder: a\$Sp"a\\m\n/, run.stderr);
  });
}
