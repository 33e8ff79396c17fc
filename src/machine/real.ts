/** This machine. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { failure } from '#base';
import { exchange } from './exchange.ts';
import { detach, hold, run } from './exec.ts';
import { fileSystemOf } from './file-systems.ts';
import { list, makeDir, move, place, read, readLink, remove, state, write } from './files.ts';
import type { Machine, Ran, RunOptions } from './machine.ts';

const signal: Machine['signal'] = (pid, name) => {
  try {
    return process.kill(pid, name === 0 ? 0 : `SIG${name}`);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
};

const waitFor: Machine['waitFor'] = async (condition, ms) => {
  const end = performance.now() + ms;
  for (let delay = 20; ; delay = Math.min(delay * 1.5, 500)) {
    if (await condition()) return true;
    if (performance.now() >= end) return false;
    await pause(delay);
  }
};

export const thisMachine = (): Machine => ({
  run,
  detach,
  hold,
  signal,
  exchange,
  read,
  state,
  readLink,
  list,
  fileSystem: fileSystemOf,
  write,
  makeDir,
  place,
  remove,
  rename: move,
  keepAlive: () => {
    const timer = setInterval(() => undefined, 2 ** 30);
    return () => clearInterval(timer);
  },
  now: () => new Date(),
  random: (octets) => randomBytes(octets),
  waitFor,
  pause: (ms, signal) => pause(ms, undefined, { signal }),
});

/** Its standard output; a `failure` that quotes the program's last words where the status is not 0. */
export const succeeded = (argv: readonly string[], ran: Ran): string => {
  if (ran.code === 0) return ran.stdout;
  const words = (ran.stderr.trim() || ran.stdout.trim()).split('\n').slice(-8).join('\n');
  throw failure({ code: 'exec.failed', message: `${argv.join(' ')} ended with status ${ran.code}:\n${words}`, remedy: 'See the lines above.' });
};

/** Runs, and rejects where `succeeded` throws. */
export const must = async (machine: Machine, argv: readonly string[], options: RunOptions = {}): Promise<string> =>
  succeeded(argv, await machine.run(argv, options));
