/**
 * The command line in a process that stays: starting Node takes longer than most commands do. Nothing else differs; what a process of
 * its own decides (terminal, standard input, signals, exit status) is tested with one.
 */
import { createInterface } from 'node:readline';
import type { Inside } from './enter.ts';
import { collect, ended, type Output, succeeded } from './process.ts';
import { manyRuns, runsInTurn } from './runs.ts';

/** The program's own Node. */
const NODE = `/opt/hauspost/node_modules/node-linux-${process.arch}/bin/node`;

/** As the launcher has it. */
const COMPILED = '/opt/hauspost/node_modules/.cache/hauspost';
const FRONT_DOOR = '/opt/hauspost/src/cli/index.ts';
const MANY = manyRuns(FRONT_DOOR);
const IN_TURN = runsInTurn(FRONT_DOOR);

export interface TimedOutput extends Output {
  /** Of this run alone: Node and what it shares with the others is loaded by the first. */
  readonly ms: number;
}

/** The whole command line many times in one process of the machine, with no terminal and no standard input. */
export const runMany = async (machine: Inside, runs: readonly (readonly string[])[]): Promise<readonly TimedOutput[]> => {
  const argv = [NODE, '--input-type=module', '--eval', MANY, JSON.stringify(runs)];
  return JSON.parse(succeeded(argv, await machine.run(argv)).stdout) as readonly TimedOutput[];
};

/** The whole command line in one process of the machine, one command whenever it is asked for; `input` is its standard input. */
export interface Ready extends AsyncDisposable {
  run(words: readonly string[], input?: string): Promise<TimedOutput>;
}

const started = (machine: Inside): Ready & { readonly alive: () => boolean } => {
  const child = machine.spawn([NODE, '--input-type=module', '--eval', IN_TURN], { env: { NODE_COMPILE_CACHE: COMPILED } });
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

/** Begins with the first command, and again where the machine was started anew. */
export const ready = (machine: Inside): Ready => {
  let now: ReturnType<typeof started> | undefined;
  return {
    run: (words, input) => {
      if (now?.alive() !== true) now = started(machine);
      return now.run(words, input);
    },
    [Symbol.asyncDispose]: async () => now?.[Symbol.asyncDispose](),
  };
};
