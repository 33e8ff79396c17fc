/**
 * `upkeep`: what time asks for, which nobody types. The service of the same name calls it about once an hour, or when it wanted to be called. It acts on
 * the configuration in place, not on what the file says meanwhile; one task that fails does not keep the others from being done.
 */
import { z } from 'zod';
import { asHauspostError } from '#base';
import { withLock } from '#machine';
import { DUE } from '#services';
import { interruptionFindings } from './applying.ts';
import { storeOf } from './desired.ts';
import { keepDkim } from './dkim-task.ts';
import { nextCall } from './next-call.ts';
import { type Context, operation } from './operation.ts';
import { finding } from './people.ts';
import { keepPublished } from './publish.ts';
import { keepRemovals } from './removals.ts';
import { renewCertificate } from './renewal.ts';
import { rollOver } from './rollover.ts';
import type { Kept, Task } from './task.ts';

/** In the order in which they are done. */
const TASKS: readonly Task[] = [rollOver, renewCertificate, keepDkim, keepPublished, keepRemovals];

/** Where this call does not come to its end. */
const PATIENCE_MS = 600_000;

/** What a task throws is told like anything else that it has found. */
const attempted = (context: Context, task: Task): Promise<Kept> =>
  task(context).catch((thrown: unknown): Kept => {
    const { code, message, remedy } = asHauspostError(thrown);
    return { done: [], findings: [{ level: 'error', code, message, remedy }] };
  });

const ask = ({ machine }: Context, then: Date): Promise<void> =>
  machine.write(DUE, `${Math.ceil(then.getTime() / 1000)}\n`, { owner: 'root:root', mode: 0o600 });

/** Who removed the file meanwhile wants it as soon as may be. */
const askAgain = async (context: Context, begun: Date, wishes: readonly Date[]): Promise<Date> => {
  const now = context.machine.now();
  const isWanted = (await context.machine.state(DUE)) === undefined;
  const next = nextCall(begun, now, isWanted ? [...wishes, now] : wishes);
  await ask(context, next);
  return next;
};

const run = async (context: Context, tasks: readonly Task[]): Promise<z.output<typeof output>> => {
  const { machine } = context;
  const begun = machine.now();
  await ask(context, new Date(begun.getTime() + PATIENCE_MS));
  const { committed, entering } = await storeOf(context).state();
  // In the middle of a change nobody can say what is in place; before the first one nothing is ours.
  if (entering !== null || committed === null) {
    const next = await askAgain(context, begun, entering === null ? [] : [machine.now()]);
    return { done: [], findings: await interruptionFindings(context), next: next.toISOString() };
  }
  const kept: Kept[] = [];
  for (const task of tasks) kept.push(await attempted(context, task));
  const isBetween = (await storeOf(context).state()).entering !== null;
  const wishes = [...kept.flatMap(({ next: wish }) => (wish === undefined ? [] : [wish])), ...(isBetween ? [machine.now()] : [])];
  const next = await askAgain(context, begun, wishes);
  return { done: kept.flatMap(({ done }) => done), findings: kept.flatMap(({ findings = [] }) => findings), next: next.toISOString() };
};

const output = z.object({
  done: z.array(z.string()).readonly(),
  findings: z.array(finding).readonly(),
  next: z.string().describe('when it wants to be called again'),
});

export const upkeep = operation({
  name: 'upkeep',
  summary: 'Does what is due by now; the service upkeep calls it about once an hour, and says nothing where nothing was due.',
  example: 'hauspost upkeep',
  positionals: [],
  input: z.object({}),
  output,
  needs: 'root',
  run: (context) => withLock('hauspost upkeep', () => run(context, TASKS), { name: 'upkeep.lock' }),
  exitCode: ({ findings }) => (findings.some(({ level }) => level === 'error') ? 1 : 0),
});
