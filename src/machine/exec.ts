/**
 * Programs as argv arrays: fixed environment, LC_ALL=C, a time limit, captured output. Never a shell string. Each has a session of its
 * own (setsid(2)): Ctrl-C and a terminal that goes away reach us alone, and we end in order what was begun.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { environmentError, failure } from '#base';
import type { Held, Ran, RunOptions } from './machine.ts';

const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  HOME: '/root',
  DEBIAN_FRONTEND: 'noninteractive',
};

/** Settings of the operator's surroundings that package clients honour. */
const PASSED_ON = ['http_proxy', 'https_proxy', 'no_proxy', 'TZ'] as const;

const environment = (extra: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const passed = PASSED_ON.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...ENVIRONMENT, ...Object.fromEntries(passed), ...extra };
};

/** Lines of one stream, its last one also where no newline ends it. */
const readLines = (stream: Readable, onLine: (line: string) => void): void => {
  let rest = '';
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) onLine(line);
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
};

const notRun = (file: string, cause: NodeJS.ErrnoException): Error =>
  environmentError({
    code: 'exec.missing',
    message: `${file} cannot be run (${cause.message})`,
    remedy:
      cause.code === 'ENOENT' ? 'Install the package that brings it.' : 'See what the machine lacks: memory, or room for processes and open files.',
    cause,
  });

/** As a shell has it: 128 and the signal's number. */
const statusOf = (code: number | null, signal: NodeJS.Signals | null): number => code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** Where nobody says otherwise. */
const MS = 60_000;

const notInTime = (argv: readonly string[], ms: number): Error =>
  failure({ code: 'exec.timeout', message: `${argv.join(' ')} took longer than ${ms / 1000} s and was ended`, remedy: 'See its log.' });

export const run = (argv: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const [file, ...args] = argv;
    if (file === undefined) throw new TypeError('empty argv');
    const child = spawn(file, args, { env: environment(options.env), stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const ms = options.ms ?? MS;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
      // What it started may outlive it, and holds the other ends.
      child.stdout.destroy();
      child.stderr.destroy();
    }, ms);
    const out: string[] = [];
    const err: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => out.push(chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => err.push(chunk));
    if (options.onLine !== undefined) for (const stream of [child.stdout, child.stderr]) readLines(stream, options.onLine);
    child.stdin.on('error', () => undefined); // EPIPE: the program did not want its input; its exit status tells
    child.stdin.end(options.input ?? '');
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(notRun(file, cause));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late) reject(notInTime(argv, ms));
      else resolve({ code: statusOf(code, signal), stdout: out.join(''), stderr: err.join('') });
    });
  });

export const detach = (argv: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const [file, ...args] = argv;
    if (file === undefined) throw new TypeError('empty argv');
    const child = spawn(file, args, { env: environment(), stdio: 'ignore', detached: true, cwd: '/' });
    child.on('error', reject);
    child.on('spawn', () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  });

export const hold = (argv: readonly string[]): Promise<Held> =>
  new Promise((resolve, reject) => {
    const [file, ...args] = argv;
    if (file === undefined) throw new TypeError('empty argv');
    const child = spawn(file, args, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(notInTime(argv, MS));
    }, MS);
    const ended = new Promise<void>((done) => child.on('close', () => done())).finally(() => clearTimeout(late));
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      words += chunk;
    });
    child.stdin.on('error', () => undefined); // EPIPE: it ended before us; `ended` tells
    child.on('error', reject);
    void ended.then(() => reject(failure({ code: 'exec.failed', message: `${argv.join(' ')}: ${words.trim()}`, remedy: 'See the lines above.' })));
    child.stdout.once('data', () => {
      clearTimeout(late);
      const close = async (): Promise<void> => {
        child.stdin.end();
        await ended;
      };
      resolve({ pid: child.pid ?? 0, [Symbol.asyncDispose]: close });
    });
  });
