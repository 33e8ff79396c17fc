/** The self-test: real mail through the running server, as a stranger and as a client. */
import { failure, type Reporter } from '#base';
import { type Step, STEPS } from './steps.ts';
import type { Target } from './target.ts';

export type { Login, Place, Target } from './target.ts';

const interrupted = (): Error =>
  failure({ code: 'selftest.interrupted', message: 'the self-test was interrupted; what it made is removed', remedy: 'Run it again when you like.' });

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

const tried = async ({ name, run }: Step, target: Target): Promise<StepResult> => {
  const begun = target.now().getTime();
  const [ok, detail] = await run(target).then(
    (saw) => [true, saw] as const,
    (error: unknown) => [false, error instanceof Error ? error.message : String(error)] as const,
  );
  return { name, ok, ms: target.now().getTime() - begun, detail };
};

/** Tells the end of each step alone: all of it comes once more as a table. Stops before its next step when `signal` is aborted, by throwing `selftest.interrupted`. */
export const runSteps = async (target: Target, reporter: Reporter, signal: AbortSignal): Promise<readonly StepResult[]> => {
  const ahead = new Map(STEPS.filter((each) => each.ahead).map((each) => [each.name, tried(each, target)]));
  const results: StepResult[] = [];
  for (const each of STEPS) {
    if (signal.aborted) {
      await Promise.all(ahead.values());
      throw interrupted();
    }
    const result = await (ahead.get(each.name) ?? tried(each, target));
    results.push(result);
    reporter.emit({ kind: 'step', step: `self-test: ${each.name}`, state: result.ok ? 'done' : 'failed' });
  }
  return results;
};
