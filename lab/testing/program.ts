/** A check that is a program: passes when it exits with 0. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { FileOptions } from './file.ts';
import type { Outcome } from './outcome.ts';

export const runProgram = async (name: string, argv: readonly string[], { root, ms, signal }: FileOptions): Promise<Outcome> => {
  const begun = performance.now();
  const [program = '', ...rest] = argv;
  const limit = AbortSignal.timeout(ms);
  const child = spawn(program, rest, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): unknown => child.kill('SIGKILL');
  for (const source of [limit, signal]) source.addEventListener('abort', end);
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  const [code] = (await once(child, 'close')) as [number | null];
  for (const source of [limit, signal]) source.removeEventListener('abort', end);
  const why = signal.aborted ? 'interrupted' : limit.aborted ? `did not end within ${ms / 1000} s` : `ended with ${code ?? 'a signal'}`;
  const failures = code === 0 ? [] : [{ name, place: '', text: `${why}\n${await stdout}${await stderr}` }];
  return { name, ms: performance.now() - begun, passed: code === 0 ? 1 : 0, failures, skipped: [], output: '' };
};
