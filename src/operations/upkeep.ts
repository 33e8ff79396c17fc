/**
 * `upkeep`: what time asks for, which nobody types. The service of the same name calls it about once an hour, or when it wanted to be called. It acts on
 * the configuration in place, not on what the file says meanwhile; one task that fails does not keep the others from being done.
 */
import { z } from 'zod';
import { asHauspostError } from '#base';
import { withLock } from '#machine';
import { DUE } from '#services';
import { storeOf } from './desired.ts';
import { keepDkim } from './dkim-task.ts';
import { type Context, operation } from './operation.ts';
import { finding } from './people.ts';
import { keepPublished } from './publish.ts';
import { renewCertificate } from './renewal.ts';
import { rollOver } from './rollover.ts';
import type { Kept, Task } from './task.ts';

/** In the order in which they are done. */
const TASKS: readonly Task[] = [rollOver, renewCertificate, keepDkim, keepPublished];

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What a task throws is told like anything else that it has found. */
const attempted = (context: Context, task: Task): Promise<Kept> =>
  task(context).catch((thrown: unknown): Kept => {
    const { code, message, remedy } = asHauspostError(thrown);
    return { done: [], findings: [{ level: 'error', code, message, remedy }] };
  });

/** Asks to be called then; within a minute and an hour from now. */
const askFor = async ({ machine }: Context, wishes: readonly Date[]): Promise<Date> => {
  const now = machine.now().getTime();
  const first = Math.min(now + HOUR_MS, ...wishes.map((wish) => wish.getTime()));
  const next = new Date(Math.max(now + MINUTE_MS, first));
  await machine.write(DUE, `${Math.ceil(next.getTime() / 1000)}\n`, { owner: 'root:root', mode: 0o600 });
  return next;
};

const run = async (context: Context, tasks: readonly Task[]): Promise<z.output<typeof output>> => {
  const { committed, entering } = await storeOf(context).state();
  // In the middle of a change nobody can say what is in place; before the first one nothing is ours.
  if (entering !== null || committed === null)
    return { done: [], findings: [], next: (await askFor(context, entering === null ? [] : [context.machine.now()])).toISOString() };
  const kept: Kept[] = [];
  for (const task of tasks) kept.push(await attempted(context, task));
  const next = await askFor(
    context,
    kept.flatMap(({ next: wish }) => (wish === undefined ? [] : [wish])),
  );
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
  run: (context) => withLock('hauspost upkeep', () => run(context, TASKS), { name: 'upkeep' }),
  exitCode: ({ findings }) => (findings.some(({ level }) => level === 'error') ? 1 : 0),
});
