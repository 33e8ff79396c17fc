/** The lock with real processes. Needs root: it lies in /run. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { HauspostError } from '#base';
import { changeUnderWay, refuseWhileUnderWay, withLock } from './lock.ts';

const holding = (command: string): string => `
  import { withLock } from ${JSON.stringify(import.meta.resolve('./lock.ts'))};
  await withLock(${JSON.stringify(command)}, async () => {
    process.stdout.write('held');
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  });
`;

// What else lies there is of tests that run at the same time.
after(() => rm('/run/hauspost/lock'));

const refusedFor = (pid: number | undefined) => (error: unknown) =>
  error instanceof HauspostError && error.exitCode === 4 && error.message === `another change is under way: 'hauspost apply' (process ${pid})`;

/** A process that has the lock, until it is ended as the kernel ends it. */
const holder = async (command = 'hauspost apply'): Promise<{ readonly pid: number | undefined; readonly kill: () => Promise<void> }> => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', holding(command)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  await once(child.stdout, 'data');
  const kill = async (): Promise<void> => {
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  };
  return { pid: child.pid, kill };
};

test('one at a time, naming the holder; a killed holder holds no longer', async () => {
  const { pid, kill } = await holder();
  try {
    await assert.rejects(
      withLock('hauspost up', () => Promise.resolve(assert.fail('ran beside the holder'))),
      refusedFor(pid),
    );
  } finally {
    await kill();
  }
  assert.equal(await withLock('hauspost up', () => Promise.resolve('ran')), 'ran');
  assert.equal(await withLock('hauspost up', () => Promise.resolve('and again')), 'and again');
});

test('who looks sees the holder and hinders nobody; what a killed one wrote down is not believed', async () => {
  const { pid, kill } = await holder();
  try {
    assert.equal(await changeUnderWay(), `'hauspost apply' (process ${pid})`);
    await assert.rejects(refuseWhileUnderWay(), refusedFor(pid));
  } finally {
    await kill();
  }
  assert.equal(await changeUnderWay(), undefined);
  await refuseWhileUnderWay();
  await withLock('hauspost up', async () => assert.equal(await changeUnderWay(), `'hauspost up' (process ${process.pid})`));
});

test('upkeep, which nobody called, is waited for: before a question, and with the lock', async () => {
  const { kill } = await holder('hauspost upkeep');
  let over = false;
  const both = [refuseWhileUnderWay(), withLock('hauspost apply', () => Promise.resolve())].map((each) => each.then(() => over));
  await new Promise((resolve) => setTimeout(resolve, 700));
  over = true;
  await kill();
  assert.deepEqual(await Promise.all(both), [true, true], 'neither was done before it had ended');
});

test('who waits is told for whom, and has it once that has ended; it may give up', async () => {
  const { pid, kill } = await holder();
  const told: string[] = [];
  const leaving = new AbortController();
  const given = withLock('hauspost up', () => Promise.resolve(assert.fail('ran beside the holder')), {
    wait: { tell: () => leaving.abort(), signal: leaving.signal },
  });
  await assert.rejects(given, (error) => error instanceof HauspostError && error.exitCode === 1 && error.code === 'lock.interrupted');
  const tell = (whom: string): void => {
    told.push(whom);
    void kill();
  };
  const waiting = withLock('hauspost up', () => Promise.resolve('ran'), { wait: { tell, signal: new AbortController().signal } });
  assert.equal(await waiting, 'ran');
  assert.deepEqual(told, [`'hauspost apply' (process ${pid})`]);
});

test('of many that begin at the same moment one has it, and all others name it', async () => {
  let running = 0;
  const one = async (): Promise<string> => {
    try {
      return await withLock('hauspost apply', async () => {
        running += 1;
        assert.equal(running, 1);
        await new Promise((resolve) => setTimeout(resolve, 2000));
        return 'ran';
      });
    } catch (error) {
      return error instanceof HauspostError ? error.message : String(error);
    }
  };
  const all = await Promise.all(Array.from({ length: 8 }, one));
  const others = Array.from({ length: 7 }, () => `another change is under way: 'hauspost apply' (process ${process.pid})`);
  assert.deepEqual(all.toSorted(), [...others, 'ran']);
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
