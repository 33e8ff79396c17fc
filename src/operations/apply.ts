/** `plan`, `apply`, `generations`. */
import { z } from 'zod';
import { apply as applyAll, type Desired, plan as planAll, type Plan } from '#apply';
import { withLock } from '#machine';
import { applyRequest, consentTo, interruption } from './applying.ts';
import { loadDesired, storeOf, surroundings } from './desired.ts';
import { type Context, operation } from './operation.ts';
import { finding, postmasterFindings, warned } from './people.ts';

const change = z.object({
  kind: z.string(),
  target: z.string(),
  action: z.string(),
  needs: z.array(z.string()).readonly(),
  drift: z.boolean(),
  diff: z.string(),
});
const nothing = z.object({});

const planned = async (context: Context): Promise<{ readonly desired: Desired; readonly plan: Plan }> => {
  const desired = await loadDesired(context);
  return { desired, plan: await planAll(surroundings(context, desired.input), desired) };
};

export const plan = operation({
  name: 'plan',
  summary: 'Shows what apply would change, file by file; ends with 2 when there is something.',
  example: 'hauspost plan',
  positionals: [],
  input: nothing,
  output: z.object({
    changes: z.array(change).readonly(),
    generation: z.number().nullable(),
    findings: z.array(finding).readonly(),
    interrupted: z.number().optional().describe('the generation that a change was interrupted in; apply undoes it'),
  }),
  needs: 'root',
  run: async (context) => {
    const {
      desired,
      plan: { changes, state },
    } = await planned(context);
    const findings = warned(context, await postmasterFindings(desired.input.settings));
    return { changes, generation: state.committed, findings, ...interruption(state) };
  },
  exitCode: ({ changes, interrupted }) => (changes.length > 0 || interrupted !== undefined ? 2 : 0),
});

export const apply = operation({
  name: 'apply',
  summary: 'Makes the machine what /etc/hauspost/hauspost.toml says, or leaves it as it was.',
  example: 'hauspost apply --yes',
  positionals: [],
  input: nothing,
  output: z.object({
    applied: z.boolean(),
    generation: z.number(),
    changes: z.array(change).readonly(),
    findings: z.array(finding).readonly(),
  }),
  needs: 'root',
  consents: async (context) => consentTo((await planned(context)).plan),
  run: (context) =>
    withLock('hauspost apply', async () => {
      const desired = await loadDesired(context);
      const done = await applyAll(applyRequest(context, desired));
      return { ...done, findings: [...done.findings, ...warned(context, await postmasterFindings(desired.input.settings))] };
    }),
});

export const generations = operation({
  name: 'generations',
  summary: 'Lists the configurations that were applied, newest last.',
  example: 'hauspost generations',
  positionals: [],
  input: nothing,
  output: z.array(z.object({ number: z.number(), created: z.string(), summary: z.string(), version: z.string(), committed: z.boolean() })).readonly(),
  needs: 'root',
  run: async (context) => {
    const generations = storeOf(context);
    const { committed } = await generations.state();
    const loaded = await Promise.all((await generations.numbers()).map((number) => generations.load(number)));
    return loaded
      .filter(({ meta: { applied } }) => applied !== null)
      .map(({ meta: { number, created, summary, version } }) => ({ number, created, summary, version, committed: number === committed }));
  },
});
