/** The lock with real processes. Needs root: it lies in /run. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { HauspostError } from '#base';
import { withLock } from './lock.ts';

const HOLDER = `
  import { withLock } from ${JSON.stringify(import.meta.resolve('./lock.ts'))};
  await withLock('hauspost apply', async () => {
    process.stdout.write('held');
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  });
`;

after(() => rm('/run/hauspost', { recursive: true }));

test('one at a time, naming the holder; a killed holder holds no longer', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  try {
    await once(child.stdout, 'data');
    await assert.rejects(
      withLock('hauspost up', () => Promise.resolve(assert.fail('ran beside the holder'))),
      (error) =>
        error instanceof HauspostError &&
        error.exitCode === 4 &&
        error.message === `another change is under way: 'hauspost apply' (process ${child.pid})`,
    );
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  assert.equal(await withLock('hauspost up', () => Promise.resolve('ran')), 'ran');
  assert.equal(await withLock('hauspost up', () => Promise.resolve('and again')), 'and again');
});

test('whoever fails gives it back', async () => {
  await assert.rejects(
    withLock('hauspost up', () => Promise.reject(new Error('no'))),
    /^Error: no$/,
  );
  assert.equal(await withLock('hauspost up', () => Promise.resolve('ran')), 'ran');
});

test('a program that was started under the lock does not keep it', async () => {
  const sleeper = await withLock('hauspost up', () => Promise.resolve(spawn('sleep', ['600'], { stdio: 'ignore' })));
  try {
    assert.equal(await withLock('hauspost down', () => Promise.resolve('ran')), 'ran');
  } finally {
    sleeper.kill('SIGKILL');
  }
});
