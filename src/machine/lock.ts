/**
 * One change at a time. The lock is flock(2) on a file that only root can open, so nobody else can hold it up; the kernel takes it back
 * when the process that holds it ends, however it ends. The file says who holds it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { environmentError, path } from '#base';
import { onDisk } from './file-systems.ts';

const DIRECTORY = path('/run/hauspost');
/** flock(1) ends with it when somebody else has the lock. */
const HELD = 75;

/** flock(1) locks the open file that it is handed, which stays ours when it has ended; Node hands it to nobody else. */
const tryLock = async (file: FileHandle): Promise<boolean> => {
  const child = spawn('/usr/bin/flock', ['--exclusive', '--nonblock', '--conflict-exit-code', String(HELD), '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file.fd],
  });
  const [code]: (number | null)[] = await once(child, 'close');
  if (code === 0) return true;
  if (code === HELD) return false;
  throw environmentError({
    code: 'lock.failed',
    message: `flock(1) ended with ${code ?? 'a signal'}`,
    remedy: `See whether ${DIRECTORY} is in order.`,
  });
};

/** Runs `work` alone on this machine; refuses at once, naming the holder, when another change is under way, or another holder of the same `name`. */
export const withLock = async <T>(command: string, work: () => Promise<T>, name = 'lock'): Promise<T> => {
  await using file = await onDisk(DIRECTORY, 'written to', async () => {
    await mkdir(DIRECTORY, { recursive: true, mode: 0o700 });
    return open(`${DIRECTORY}/${name}`, constants.O_RDWR | constants.O_CREAT, 0o600);
  });
  if (!(await tryLock(file))) {
    const holder = (await file.readFile('utf8')).trim();
    throw environmentError({
      code: 'lock.held',
      message: `another change is under way: ${holder === '' ? 'it has just begun' : holder}`,
      remedy: 'Wait until it has ended and try again.',
    });
  }
  await onDisk(DIRECTORY, 'written to', async () => {
    await file.truncate();
    await file.write(`'${command}' (process ${process.pid})\n`, 0);
  });
  return await work();
};
