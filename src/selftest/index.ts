/** The self-test: real mail through the running server, as a stranger and as a client. */
import type { Reporter } from '#base';
import { STEPS } from './steps.ts';
import type { Target } from './target.ts';

export type { Login, Place, Target } from './target.ts';

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

export const runSteps = async (target: Target, reporter: Reporter): Promise<readonly StepResult[]> => {
  const results: StepResult[] = [];
  for (const each of STEPS) {
    const step = `self-test: ${each.name}`;
    reporter.emit({ kind: 'step', step, state: 'begin' });
    const begun = target.now().getTime();
    const [ok, detail] = await each.run(target).then(
      (saw) => [true, saw] as const,
      (error: unknown) => [false, error instanceof Error ? error.message : String(error)] as const,
    );
    results.push({ name: each.name, ok, ms: target.now().getTime() - begun, detail });
    reporter.emit({ kind: 'step', step, state: ok ? 'done' : 'failed' });
    if (!ok) reporter.emit({ kind: 'info', text: detail });
  }
  return results;
};
