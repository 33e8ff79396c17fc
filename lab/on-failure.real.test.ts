/** A test of a served machine that fails tells what the daemons wrote meanwhile, without the password; one that passes tells nothing. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { labAvailable } from './host.ts';
import { run } from './process.ts';

const reason = await labAvailable();

test('what the daemons wrote is told of the test that fails, and of no other', reason === undefined ? {} : { skip: reason }, async () => {
  // Without the variable by which node:test tells a file that it is run by a test; its own run sets it again.
  const argv = [
    'env',
    '--unset=NODE_TEST_CONTEXT',
    process.execPath,
    '--test',
    '--test-reporter=spec',
    join(import.meta.dirname, 'failing.child.ts'),
  ];
  const { code, stdout } = await run(argv, { ms: 300_000 });
  assert.equal(code, 1, stdout);
  const [, password = ''] = /^password: (\S+)$/m.exec(stdout) ?? [];
  assert.notEqual(password, '', stdout);
  assert.ok(!stdout.includes(Buffer.from(password, 'base64').toString()), 'no password is told');
  assert.equal(stdout.match(/^--- debian$/gm)?.length, 1, stdout);
  assert.match(stdout, /it is failing: \*\*\*$/m);
  assert.match(stdout, /postfix\/smtpd\[\d+\]: NOQUEUE: reject: .* from=<failing@outside\.test> to=<nobody@hauspost\.test>/);
  assert.match(stdout, /^Mail queue is empty$/m);
  assert.ok(!stdout.includes('it is passing') && !stdout.includes('passing@outside.test'), stdout);
});
