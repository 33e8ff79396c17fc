/**
 * Runs one file of tests in a process of its own. It does not trust the process to report: a file that ends before its tests did,
 * holds none, or outlives its limit has failed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { inspect } from 'node:util';
import type { Failure, Outcome } from './outcome.ts';

export interface FileOptions {
  readonly root: string;
  /** Limit for the whole file. */
  readonly ms: number;
  /** Ends the file early. */
  readonly signal: AbortSignal;
}

interface Told {
  readonly passed: string[];
  readonly failures: Failure[];
  readonly skipped: { readonly name: string; readonly reason: string }[];
  readonly output: string[];
  /** What node:test says besides: the words of tests, and errors that none of them caught. */
  readonly diagnostics: string[];
  /** The file's own count arrived: it ended in order. */
  complete: boolean;
  /** node:test says that all is well. */
  good: boolean;
  /** Names of the tests whose results are being reported, by nesting. */
  readonly open: string[];
  /** The same of those that run: reports of tests wait for those before them. */
  readonly running: string[];
}

interface TestEvent {
  readonly name: string;
  readonly nesting: number;
  readonly file?: string;
  readonly line?: number;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details: { readonly error?: Error & { readonly failureType?: string } };
}

/** The error under node:test's wrapping; a suite that only failed because of its tests has none of its own. */
const reason = (event: TestEvent): string | undefined => {
  const error = event.details.error;
  if (error === undefined || error.failureType === 'subtestsFailed') return undefined;
  return error.cause instanceof Error ? inspect(error.cause) : inspect(error.cause ?? error.message);
};

const takeResult = (told: Told, root: string, path: string, event: TestEvent): void => {
  // node:test adds a test named after the file; what is said of it is judged at the end, but for hooks that stand outside of tests
  const ofFile = event.name === path;
  if (ofFile && event.details.error?.failureType !== 'hookFailed') return;
  const name = ofFile ? 'a hook' : [...told.open.slice(0, event.nesting), event.name].join(' > ');
  const why = event.skip ?? event.todo;
  const failed = reason(event);
  if (why !== undefined && why !== false) told.skipped.push({ name, reason: typeof why === 'string' && why !== '' ? why : 'no reason given' });
  else if (failed !== undefined) told.failures.push({ name, place: `${relative(root, event.file ?? path)}:${event.line ?? 0}`, text: failed });
  else if (event.details.error === undefined) told.passed.push(name);
};

/** What node:test says of the whole file at its end. */
const COUNT = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;

const takeDiagnostic = (told: Told, message: string): void => {
  if (COUNT.test(message)) return;
  told.diagnostics.push(message);
  told.output.push(`${message}\n`);
};

const listen = async (told: Told, path: string, options: FileOptions, signal: AbortSignal): Promise<void> => {
  for await (const { type, data } of run({ files: [path], cwd: options.root, concurrency: 1, signal })) {
    if (type === 'test:dequeue') told.running.splice(data.nesting, Number.POSITIVE_INFINITY, data.name);
    else if (type === 'test:start') told.open[data.nesting] = data.name;
    else if (type === 'test:pass' || type === 'test:fail') takeResult(told, options.root, path, data as TestEvent);
    else if (type === 'test:stdout' || type === 'test:stderr') told.output.push(data.message);
    else if (type === 'test:diagnostic' && data.file !== undefined) takeDiagnostic(told, data.message);
    else if (type === 'test:summary' && data.file !== undefined) told.complete = true;
    else if (type === 'test:summary') told.good = data.success;
  }
};

/** Files that did not end when told to. */
const childrenOf = (): readonly number[] => {
  const file = `/proc/self/task/${process.pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
};

const verdictOnFile = (told: Told, limit: AbortSignal, options: FileOptions): string | undefined => {
  if (options.signal.aborted) return 'interrupted';
  if (limit.aborted) return `did not end within ${options.ms / 1000} s and was ended, in ${told.running.join(' > ') || 'no test'}`;
  if (!told.complete) return 'ended before its tests were reported';
  if (told.passed.length + told.failures.length + told.skipped.length === 0) return 'holds no test';
  if (!told.good && told.failures.length === 0) return ['failed outside of its tests', ...told.diagnostics].join('\n');
  return undefined;
};

export const runFile = async (path: string, options: FileOptions): Promise<Outcome> => {
  const told: Told = { passed: [], failures: [], skipped: [], output: [], diagnostics: [], complete: false, good: false, open: [], running: [] };
  const limit = AbortSignal.timeout(options.ms);
  const begun = performance.now();
  await listen(told, path, options, AbortSignal.any([limit, options.signal]));
  const name = relative(options.root, path);
  const verdict = verdictOnFile(told, limit, options);
  const failures = verdict === undefined ? told.failures : [...told.failures, { name, place: '', text: verdict }];
  return { name, ms: performance.now() - begun, passed: told.passed.length, failures, skipped: told.skipped, output: told.output.join('') };
};

/** Kills what is left of our children; for the end of a run. */
export const killRemaining = (): void => {
  for (const pid of childrenOf()) process.kill(pid, 'SIGKILL');
};
