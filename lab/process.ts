/**
 * Processes on the host, started so that none outlives us: each gets SIGKILL from the kernel when this process dies, however it dies
 * (PR_SET_PDEATHSIG, prctl(2)). Arguments are lists, never shell text. A status other than zero is an answer, not an exception;
 * exceeding the time limit is an exception that carries what was printed.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';

export interface RunOptions {
  readonly input?: string | Uint8Array;
  /** For host processes added to our environment; for processes in rooms and machines added to a clean one. */
  readonly env?: Readonly<Record<string, string>>;
  /** Time limit in milliseconds; default two minutes. */
  readonly ms?: number;
  /** How output becomes text; `latin1` keeps every octet. */
  readonly encoding?: 'utf8' | 'latin1';
}

export interface Output {
  /** Exit status; 128 plus the signal's number where a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Argv = readonly string[];
/** A started process: standard input, output and error are pipes. */
export type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGTERM: 15 };

/** The prefix that ties a process to the life of its parent. */
export const DIES_WITH_PARENT: Argv = ['setpriv', '--pdeathsig', 'KILL', '--'];

export const start = (argv: Argv, options: { readonly env?: Readonly<Record<string, string>> } = {}): Child => {
  const [program = '', ...rest] = [...DIES_WITH_PARENT, ...argv];
  return spawn(program, rest, { stdio: 'pipe', env: { ...process.env, ...options.env } });
};

/** The exit status as `Output.code`; rejects only if the process could not be started. */
export const ended = async (child: ChildProcess): Promise<number> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? 128 + (SIGNALS[child.signalCode ?? ''] ?? 0);
};

/** Lets this process end although the child runs; the child then dies with it. */
export const doNotWaitFor = (child: Child): void => {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.unref();
};

export const waitFor = (child: Child): void => {
  child.ref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) if (stream instanceof Socket) stream.ref();
};

/** Everything a stream says until it ends. */
export const collect = (stream: Readable): { text(encoding?: BufferEncoding): string } => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { text: (encoding = 'utf8') => Buffer.concat(chunks).toString(encoding) };
};

/** Once a child has said that on its standard error, at that very moment, or has ended; `until` looks ever more rarely, and what follows may be soon over. */
export const hasSaid = (child: Child, stderr: { text(): string }, words: string, ms = 300_000): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it does not say ${words} within ${ms} ms; it says ${stderr.text()}`)), ms);
    const look = (): void => {
      if (!stderr.text().includes(words) && child.exitCode === null && child.signalCode === null) return;
      clearTimeout(timer);
      resolve();
    };
    child.stderr.on('data', look);
    child.on('exit', look);
    look();
  });

export const notInTime = (argv: Argv, ms: number, { stdout, stderr }: Output): Error =>
  new Error(`${argv.join(' ')}: not finished after ${ms} ms\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);

/** Feeds `input` to a child and waits for its end, and for the end of all that holds its output. */
export const finish = async (child: Child, what: Argv, options: RunOptions = {}): Promise<Output> => {
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  // The child may end without reading its input; its status says what that means.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ms = options.ms ?? 120_000;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
    // What it started may outlive it, and holds the other ends.
    child.stdout.destroy();
    child.stderr.destroy();
  }, ms);
  const [code] = await Promise.all([ended(child), once(child, 'close')]).finally(() => clearTimeout(timer));
  const output = { code, stdout: stdout.text(options.encoding), stderr: stderr.text(options.encoding) };
  if (late) throw notInTime(what, ms, output);
  return output;
};

export const run = (argv: Argv, options: RunOptions = {}): Promise<Output> => finish(start(argv, options), argv, options);

/** Throws with everything that was printed unless the status is zero. */
export const succeeded = (argv: Argv, output: Output): Output => {
  if (output.code !== 0) throw new Error(`${argv.join(' ')}: status ${output.code}\n${output.stdout.slice(-4000)}\n${output.stderr.slice(-4000)}`);
  return output;
};

/** `run`, where anything but success is an exception. */
export const must = async (argv: Argv, options: RunOptions = {}): Promise<Output> => succeeded(argv, await run(argv, options));

/** Who has waited long need not know at once: a further look comes after a tenth of the time so far, or `every` ms if that is longer. */
const PATIENCE = 0.1;

/** Waits until `probe` answers with something other than undefined; asks every `every` ms or more, gives up after `ms`, saying `what` is not so. */
export const until = async <T>(
  what: string | (() => string),
  probe: () => Promise<T | undefined> | T | undefined,
  ms: number,
  every = 25,
): Promise<T> => {
  const begun = performance.now();
  for (;;) {
    const value = await probe();
    if (value !== undefined) return value;
    const waited = performance.now() - begun;
    if (waited > ms) throw new Error(`${typeof what === 'string' ? what : what()}: not so after ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(every, waited * PATIENCE)));
  }
};
