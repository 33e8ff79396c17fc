/** What stands between the machine and what is wanted: packages, items, daemons that do not run. Reads only. */
import type { Init, Machine } from '#machine';
import { missingPackages } from '#machine';
import type { AbsPath } from '#base';
import type { Manifest, RenderInput, Service, Wake } from '#model';
import { inOrder, listensElsewhere, supervised } from './activate.ts';
import { type Change, needs } from './changes.ts';
import { compare } from './compare.ts';
import { readDerivedKeys } from './derived.ts';
import type { Secrets } from './secrets.ts';
import { openStore, type State, type Store } from './store.ts';

/** What is to be, rendered. */
export interface Desired {
  /** Text of the operator's file. */
  readonly source: string;
  /** What it comes to on this machine. */
  readonly input: RenderInput;
  readonly services: readonly Service[];
  readonly manifest: Manifest;
  readonly packages: readonly string[];
  /** To questions of theirs (Service, `answers`). */
  readonly answers: readonly string[];
}

/** What is not rendered: certificates, which belong to no generation, and passwords that the operator wrote down. */
export interface Materials {
  /** What `make` would do. Reads only. */
  readonly missing: (desired: Desired) => Promise<readonly Material[]>;
  readonly make: (desired: Desired) => Promise<void>;
  /** For a generation that is put back, with all that was rendered: its certificate. Answers with what that asks of daemons. */
  readonly again: (desired: Desired) => Promise<readonly Wake[]>;
}

export interface Material {
  readonly kind: 'certificate' | 'secret';
  readonly target: AbsPath;
  readonly action: 'create' | 'change';
  readonly wakes: readonly Wake[];
}

export interface Surroundings {
  readonly machine: Machine;
  readonly init: Init;
  readonly secrets: Secrets;
  readonly materials: Materials;
}

export interface Plan {
  readonly changes: readonly Change[];
  /** What new certificates ask of daemons; what files ask is seen when they are written. */
  readonly wakes: readonly Wake[];
  readonly state: State;
}

export const storeOf = (machine: Machine, desired: Desired): Store => openStore(machine, desired.input.wiring.places);

const stopped = async (init: Init, desired: Desired): Promise<readonly Change[]> => {
  const services = inOrder(desired.services);
  const states = await init.states(services.map((service) => supervised(service, desired.input)));
  return services.flatMap(({ name }, index): readonly Change[] => {
    const state = states[index]?.state;
    if (state === 'running') return [];
    return [{ kind: 'service', target: name, action: 'start', needs: [], drift: state === 'failed', diff: '' }];
  });
};

/** No reload moves a listener: where ports change, a restart is what will be done. */
const asDone = async ({ machine, init }: Surroundings, desired: Desired, changes: readonly Change[]): Promise<readonly Change[]> => {
  const moved = new Set<string>();
  for (const service of desired.services.filter(({ name }) => changes.some(({ needs }) => needs.includes(`reload ${name}`)))) {
    const { pid } = await init.state(supervised(service, desired.input));
    if (pid !== undefined && (await listensElsewhere(machine, desired.input, service, pid))) moved.add(service.name);
  }
  const need = (each: string): string => (moved.has(each.replace(/^reload /, '')) ? each.replace(/^reload/, 'restart') : each);
  return changes.map((change) => ({ ...change, needs: change.needs.map(need) }));
};

export const plan = async (around: Surroundings, desired: Desired): Promise<Plan> => {
  const { machine, init, secrets, materials } = around;
  const store = storeOf(machine, desired);
  const state = await store.state();
  const committed = state.committed === null ? undefined : (await store.load(state.committed)).manifest;
  const missing = await missingPackages(machine, desired.packages);
  const derived = await readDerivedKeys(machine, desired.input.wiring.places.state);
  const items = await compare({ machine, secrets, wanted: desired.manifest, committed, derived });
  const packages = missing.map((target): Change => ({ kind: 'package', target, action: 'install', needs: [], drift: false, diff: '' }));
  const made = await materials.missing(desired);
  const materialChanges = made.map(
    ({ kind, target, action, wakes }): Change => ({ kind, target, action, needs: needs(wakes), drift: false, diff: '' }),
  );
  const changes = [...packages, ...materialChanges, ...items];
  return {
    state,
    wakes: made.flatMap(({ wakes }) => wakes),
    changes: missing.length > 0 ? changes : [...(await asDone(around, desired, changes)), ...(await stopped(init, desired))],
  };
};
