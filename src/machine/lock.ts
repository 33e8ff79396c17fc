/**
 * One change at a time. The lock is flock(2) on a file that only root can open, so nobody else can hold it up; the kernel takes it back
 * when the process that holds it ends, however it ends. The file says who holds it, or held it last.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, readlink } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { environmentError, failure, type HauspostError, path } from '#base';
import { onDisk } from './file-systems.ts';

const DIRECTORY = path('/run/hauspost');
const CHANGE = 'lock';
/** flock(1) ends with it when somebody else has the lock. */
const HELD = 75;
/** Who gets the lock writes its name a moment later. */
const NAMED = { times: 20, everyMs: 50 };
const AGAIN_MS = 500;
/** Nobody typed it, and it lets go within seconds: whoever comes meanwhile waits, and is not refused for what he cannot know. */
const UPKEEP = /^'hauspost upkeep' /;
/** By AGAIN_MS. */
const PATIENCE = 120;

export interface LockOptions {
  /** Of the lock; without it that of changes. */
  readonly name?: string;
  /** Waits for it, and tells for whom; until `signal`. Without it a held lock is a refusal at once. */
  readonly wait?: { readonly tell: (holder: string) => void; readonly signal: AbortSignal };
}

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

/** What is not there, or goes away meanwhile, is nothing. */
const unless = async <T>(work: Promise<T>, nothing: T): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES'].includes(String(error.code))) return nothing;
    throw error;
  }
};

/** Whether the process holds a flock(2) on that file: `lock:` in its fdinfo (proc(5)). */
const holds = async (pid: string, target: string): Promise<boolean> => {
  for (const fd of await unless(readdir(`/proc/${pid}/fd`), [])) {
    if ((await unless(readlink(`/proc/${pid}/fd/${fd}`), '')) !== target) continue;
    if (/^lock:.* FLOCK /m.test(await unless(readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8'), ''))) return true;
  }
  return false;
};

/** As it wrote itself down: `'hauspost apply' (process 12)`. Takes nothing, so that a look refuses nobody. */
const holderOf = async (name: string): Promise<string | undefined> => {
  const target = `${DIRECTORY}/${name}`;
  const words = (await unless(readFile(target, 'utf8'), '')).trim();
  const pid = /\(process ([0-9]+)\)$/.exec(words)?.[1];
  return pid !== undefined && (await holds(pid, target)) ? words : undefined;
};

const held = (holder: string | undefined): HauspostError =>
  environmentError({
    code: 'lock.held',
    message: `another change is under way: ${holder ?? 'it has just begun'}`,
    remedy: 'Wait until it has ended and try again.',
  });

const waitFor = async ({ tell, signal }: NonNullable<LockOptions['wait']>, holder: string | undefined, first: boolean): Promise<void> => {
  if (signal.aborted) throw failure({ code: 'lock.interrupted', message: 'interrupted; nothing was changed', remedy: 'Run it again when you like.' });
  if (first) tell(holder ?? 'another command');
  await pause(AGAIN_MS);
};

const acquire = async (file: FileHandle, { name = CHANGE, wait }: LockOptions): Promise<void> => {
  let [asked, waited] = [0, false];
  while (!(await tryLock(file))) {
    const holder = await holderOf(name);
    asked += 1;
    if (holder === undefined && asked < NAMED.times) await pause(NAMED.everyMs);
    else if (wait === undefined) {
      if (!UPKEEP.test(holder ?? '') || asked > PATIENCE) throw held(holder);
      await pause(AGAIN_MS);
    } else {
      await waitFor(wait, holder, !waited);
      waited = true;
    }
  }
};

/** Runs `work` alone on this machine; refuses, naming the holder, when another change is under way, or another holder of the same `name`. */
export const withLock = async <T>(command: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> => {
  await using file = await onDisk(DIRECTORY, 'written to', async () => {
    await mkdir(DIRECTORY, { recursive: true, mode: 0o700 });
    return open(`${DIRECTORY}/${options.name ?? CHANGE}`, constants.O_RDWR | constants.O_CREAT, 0o600);
  });
  await acquire(file, options);
  await onDisk(DIRECTORY, 'written to', async () => {
    await file.truncate();
    await file.write(`'${command}' (process ${process.pid})\n`, 0);
  });
  return await work();
};

/** Who changes this machine at this moment: command and process. */
export const changeUnderWay = (): Promise<string | undefined> => holderOf(CHANGE);

/** Throws `lock.held` (exit 4): before a question is put that could not be followed by anything. */
export const refuseWhileUnderWay = async (): Promise<void> => {
  for (let asked = 1; ; asked += 1) {
    const holder = await changeUnderWay();
    if (holder === undefined) return;
    if (!UPKEEP.test(holder) || asked > PATIENCE) throw held(holder);
    await pause(AGAIN_MS);
  }
};
