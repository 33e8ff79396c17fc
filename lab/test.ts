/**
 * `npm test`: lint, types, unit tests, what nobody uses, and the tests that need the lab beside them. One line a file, details of what failed,
 * and as the last line the count. `--unit` stops after the unit tests; other arguments choose files by a part of their path (the checks of
 * the whole checkout are then left out).
 */
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { askHost } from './asked.ts';
import { labAvailable } from './host.ts';
import { type FileOptions, killRemaining, runFile } from './testing/file.ts';
import { processorTimes, idleBetween } from './testing/idle.ts';
import { testFiles } from './testing/files.ts';
import { describe, failed, isGood, type Outcome, total } from './testing/outcome.ts';
import { runProgram } from './testing/program.ts';

const ROOT = join(import.meta.dirname, '..');
/** Three times what the longest take on a slow machine with cold caches. */
const FILE_MS = 40 * 60_000;

type Job = () => Promise<Outcome>;

const unitOnly = process.argv.includes('--unit');
const filters = process.argv.slice(2).filter((argument) => argument !== '--unit');
const interrupted = new AbortController();
const options: FileOptions = { root: ROOT, ms: FILE_MS, signal: interrupted.signal };
const outcomes: Outcome[] = [];

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());

const checks: readonly Job[] = [
  () => runProgram('lint', [process.execPath, 'lab/lint/check.ts'], options),
  () => runProgram('types', ['node_modules/.bin/tsc', '-p', '.'], options),
];

const unused: Job = () =>
  runProgram('unused files, exports and dependencies', ['node_modules/.bin/knip', '--no-progress', '--no-config-hints'], options);

const fileJobs = (files: readonly string[]): readonly Job[] => files.map((file) => () => runFile(join(ROOT, file), options));

const PROCESSORS = availableParallelism();
/** Machines wait half of the time: for mail, for limits that are measured in time, for each other. */
const LABS = PROCESSORS * 2 + 1;
/** A further file begins where this share of the processors' time was left over while one looked; each holds about a gigabyte. */
const IDLE = 0.25;
const LOOK_MS = 3000;
const MOST_LABS = LABS * 2;

const runAll = async (jobs: readonly Job[], atOnce = PROCESSORS, most = atOnce): Promise<void> => {
  const waiting = [...jobs];
  let running = 0;
  const next = (): Job | undefined => (interrupted.signal.aborted ? undefined : waiting.shift());
  const work = async (job: Job | undefined): Promise<void> => {
    if (job === undefined) return;
    running += 1;
    const outcome = await job();
    running -= 1;
    outcomes.push(outcome);
    process.stdout.write(describe(outcome));
    if (running < atOnce) await work(next());
  };
  const further: Promise<void>[] = [];
  const whereIdle = async (): Promise<void> => {
    while (waiting.length > 0 && !interrupted.signal.aborted) {
      const before = processorTimes();
      await pause(LOOK_MS);
      if (running < most && idleBetween(before, processorTimes()) >= IDLE) further.push(work(next()));
    }
  };
  await Promise.all([...Array.from({ length: atOnce }, () => work(next())), ...(most > atOnce ? [whereIdle()] : [])]);
  await Promise.all(further);
};

const notRun = (files: readonly string[], reason: string): readonly Job[] =>
  files.map((name) => () => Promise.resolve({ name, ms: 0, passed: 0, failures: [], skipped: [], output: '', notRun: reason }));

const files = testFiles(ROOT, filters);
const everywhere: readonly Job[] = [...(filters.length === 0 ? checks : []), ...fileJobs(files.unit), ...(filters.length === 0 ? [unused] : [])];
const needLab = [...files.first, ...files.lab, ...files.alone];
const obstacle = unitOnly || needLab.length === 0 ? undefined : await labAvailable();
if (unitOnly || needLab.length === 0 || obstacle !== undefined) {
  // One of them waits, mostly: for a limit, for who does not answer.
  await runAll(everywhere, PROCESSORS + 1);
  if (obstacle !== undefined) await runAll(notRun(needLab, obstacle));
} else {
  await askHost();
  // While the images that all share are made, a processor is often idle.
  await runAll([...fileJobs(files.first), ...everywhere, ...fileJobs(files.lab)], LABS, MOST_LABS);
  await runAll(fileJobs(files.alone), 1);
}
killRemaining();
if (interrupted.signal.aborted) process.stdout.write('interrupted\n');
process.stdout.write(`${failed(outcomes)}${total(outcomes)}\n`);
process.exitCode = interrupted.signal.aborted ? 130 : isGood(outcomes) ? 0 : 1;
