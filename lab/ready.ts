/**
 * The command line in a process that stays: starting Node takes longer than most commands do. Nothing else differs; what a process of
 * its own decides (terminal, standard input, signals, exit status) is tested with one.
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Inside } from './enter.ts';
import type { Machine } from './machine.ts';
import { collect, ended, type Output } from './process.ts';
import { runsInTurn } from './runs.ts';

/** The program's own Node. */
export const NODE = `/opt/hauspost/node_modules/node-linux-${process.arch}/bin/node`;

/** As the launcher has them. */
const YOUNG = '--max-semi-space-size=4';
export const COMPILED = '/opt/hauspost/node_modules/.cache/hauspost';
const FRONT_DOOR = '/opt/hauspost/src/cli/index.ts';
const IN_TURN = runsInTurn(FRONT_DOOR);

export interface TimedOutput extends Output {
  /** Of this run alone: Node and what it shares with the others is loaded by the first. */
  readonly ms: number;
}

/** The whole command line in one process of the machine, one command whenever it is asked for; `input` is its standard input. */
export interface Ready extends AsyncDisposable {
  run(words: readonly string[], input?: string): Promise<TimedOutput>;
}

const started = (machine: Inside): Ready & { readonly alive: () => boolean } => {
  const child = machine.spawn([NODE, YOUNG, '--input-type=module', '--eval', IN_TURN], { env: { NODE_COMPILE_CACHE: COMPILED } });
  const stderr = collect(child.stderr);
  // It may have ended; that there is no answer says so.
  child.stdin.on('error', () => undefined);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    alive: () => child.exitCode === null && child.signalCode === null,
    run: async (words, input = '') => {
      child.stdin.write(`${JSON.stringify({ words, input })}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`${words.join(' ')}: no answer\n${stderr.text()}`);
      return JSON.parse(value) as TimedOutput;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended(child);
    },
  };
};

/** More than any command takes. */
const LIMIT_MS = 300_000;

const within = async <T>(words: readonly string[], work: Promise<T>): Promise<T> => {
  const late = new AbortController();
  const limit = pause(LIMIT_MS, undefined, { signal: late.signal, ref: false }).then(() => {
    throw new Error(`${words.join(' ')}: no answer within ${LIMIT_MS / 1000} s`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    late.abort();
    await limit.catch(() => undefined);
  }
};

/** Begins with the first command, and again where the machine was started anew. Who calls while a command runs waits for his turn. */
export const ready = (machine: Inside & Partial<Pick<Machine, 'beforeStop'>>): Ready => {
  let now: ReturnType<typeof started> | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const end = async (): Promise<void> => {
    await now?.[Symbol.asyncDispose]();
    now = undefined;
  };
  const next = (words: readonly string[], input?: string): Promise<TimedOutput> => {
    if (now?.alive() !== true) {
      now = started(machine);
      machine.beforeStop?.(end);
    }
    return within(words, now.run(words, input));
  };
  return {
    run: (words, input) => {
      const mine = turn.then(() => next(words, input));
      turn = mine.catch(() => undefined);
      return mine;
    },
    [Symbol.asyncDispose]: end,
  };
};

const programs = new WeakMap<Machine, Ready>();

/** The one of a machine, for all who only want to know or to have it done. */
export const readyOn = (machine: Machine): Ready => {
  const known = programs.get(machine) ?? ready(machine);
  programs.set(machine, known);
  return known;
};

/** One after the other in the process that stays, with no terminal and no standard input. */
export const runMany = async (machine: Machine, runs: readonly (readonly string[])[]): Promise<readonly TimedOutput[]> => {
  const outputs: TimedOutput[] = [];
  for (const words of runs) outputs.push(await readyOn(machine).run(words));
  return outputs;
};
