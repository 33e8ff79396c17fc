/** `down`: stops all daemons, the last one first. No data is touched; `up` starts them again. */
import { z } from 'zod';
import { inOrder, servicesOf, stopAll, supervised } from '#apply';
import { initOf, withLock } from '#machine';
import { SERVICES } from '#services';
import { inPlace, loadInput, storeOf } from './desired.ts';
import { judged } from './judged.ts';
import { operation } from './operation.ts';
import { finding } from './people.ts';

export const down = operation({
  name: 'down',
  summary: 'Stops all daemons of the mail server; mail and settings stay.',
  example: 'hauspost down',
  positionals: [],
  input: z.object({}),
  output: z.object({
    stopped: z.array(z.string()).readonly().describe('what ran until now, the last one first'),
    generation: z.number().nullable(),
    findings: z.array(finding).readonly(),
  }),
  needs: 'root',
  run: (context) =>
    withLock('hauspost down', async () => {
      const { committed, entering } = await storeOf(context).state();
      // Nothing was ever applied: what may run here is not ours.
      if (committed === null && entering === null) return { stopped: [], generation: null, findings: [] };
      const generation = await inPlace(context);
      const input = generation?.input ?? (await loadInput(context));
      const services = inOrder(generation === undefined ? SERVICES : servicesOf(SERVICES, generation.manifest).services);
      const init = initOf(context.machine, input.facts);
      const states = await init.states(services.map((service) => supervised(service, input)));
      await stopAll({ init, services, input, reporter: context.reporter });
      return {
        stopped: services.flatMap(({ name }, index) => (['running', 'starting'].includes(states[index]?.state ?? '') ? [name] : [])).toReversed(),
        generation: committed,
        findings: (await judged(context)).findings,
      };
    }),
});
