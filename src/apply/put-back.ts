/** The machine as generation 0 holds it: our daemons stopped, every file and directory as it was, and what ran before running again. */
import { type Reporter, step } from '#base';
import type { Init } from '#machine';
import { stopAll } from './activate.ts';
import type { Desired } from './plan.ts';
import type { Store } from './store.ts';

interface Request {
  readonly init: Init;
  readonly reporter: Reporter;
  readonly store: Store;
  readonly desired: Desired;
}

export const putOriginalsBack = async ({ init, reporter, store, desired: { services, input } }: Request): Promise<void> => {
  await stopAll({ init, services, input, reporter });
  await step(reporter, 'put files back', () => store.originals.restoreAll());
  await init.refresh();
  await step(reporter, 'start what ran before', async () => init.putBack(await store.originals.units()));
};
