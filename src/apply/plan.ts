/** What stands between the machine and what is wanted: packages, items, daemons that do not run. Reads only. */
import type { Init, Machine } from '#machine';
import { missingPackages } from '#machine';
import type { Manifest, RenderInput, Service } from '#model';
import { inOrder, supervised } from './activate.ts';
import type { Change } from './changes.ts';
import { compare } from './compare.ts';
import { readDerivedKeys } from './derived.ts';
import type { Secrets } from './secrets.ts';
import { openStore, type State, type Store } from './store.ts';

/** What is to be, rendered. */
export interface Desired {
  readonly input: RenderInput;
  readonly services: readonly Service[];
  readonly manifest: Manifest;
  readonly packages: readonly string[];
}

export interface Surroundings {
  readonly machine: Machine;
  readonly init: Init;
  readonly secrets: Secrets;
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly state: State;
}

export const storeOf = (machine: Machine, desired: Desired): Store => openStore(machine, desired.input.wiring.places);

const stopped = async (init: Init, desired: Desired): Promise<readonly Change[]> => {
  const states = await Promise.all(
    inOrder(desired.services).map(async (service) => ({ target: service.name, ...(await init.state(supervised(service, desired.input))) })),
  );
  return states
    .filter(({ state }) => state !== 'running')
    .map(({ target, state }) => ({ kind: 'service', target, action: 'start', needs: [], drift: state === 'failed', diff: '' }));
};

export const plan = async ({ machine, init, secrets }: Surroundings, desired: Desired): Promise<Plan> => {
  const store = storeOf(machine, desired);
  const state = await store.state();
  const committed = state.committed === null ? undefined : (await store.load(state.committed)).manifest;
  const missing = await missingPackages(machine, desired.packages);
  const derived = await readDerivedKeys(machine, desired.input.wiring.places.state);
  const items = await compare({ machine, secrets, wanted: desired.manifest, committed, derived });
  const packages = missing.map((target): Change => ({ kind: 'package', target, action: 'install', needs: [], drift: false, diff: '' }));
  return { state, changes: [...packages, ...items, ...(missing.length > 0 ? [] : await stopped(init, desired))] };
};
