/** `down`: stops all daemons, the last one first. No data is touched; `up` starts them again. */
import { z } from 'zod';
import { inOrder, servicesOf, stopAll } from '#apply';
import { initOf, withLock } from '#machine';
import { SERVICES } from '#services';
import { inPlace, loadInput, storeOf } from './desired.ts';
import { operation } from './operation.ts';

export const down = operation({
  name: 'down',
  summary: 'Stops all daemons of the mail server; mail and settings stay.',
  example: 'hauspost down',
  positionals: [],
  input: z.object({}),
  output: z.object({ stopped: z.array(z.string()).readonly() }),
  needs: 'root',
  run: (context) =>
    withLock('hauspost down', async () => {
      const { committed, entering } = await storeOf(context).state();
      // Nothing was ever applied: what may run here is not ours.
      if (committed === null && entering === null) return { stopped: [] };
      const generation = await inPlace(context);
      const input = generation?.input ?? (await loadInput(context));
      const services = generation === undefined ? SERVICES : servicesOf(SERVICES, generation.manifest).services;
      await stopAll({ init: initOf(context.machine, input.facts), services, input, reporter: context.reporter });
      return {
        stopped: inOrder(services)
          .map((service) => service.name)
          .toReversed(),
      };
    }),
});
