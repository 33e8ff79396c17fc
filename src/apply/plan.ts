/** What stands between the machine and what is wanted: packages, items, certificates, the database, daemons that do not run. Reads only. */
import type { Init, Machine, UnitState } from '#machine';
import { foreseePackages, missingPackages } from '#machine';
import type { Manifest, RenderInput, Service, Wake } from '#model';
import { inOrder, listensElsewhere, supervised } from './activate.ts';
import { type Change, needs, plainChange } from './changes.ts';
import { compare, compareGrants, grantName } from './compare.ts';
import { movedPackages, readDerivedKeys } from './derived.ts';
import type { State } from './records.ts';
import type { Secrets } from './secrets.ts';
import { openStore, type Store } from './store.ts';

/** What is to be, rendered. */
export interface Desired {
  /** Text of the operator's file. */
  readonly source: string;
  /** What it comes to on this machine. */
  readonly input: RenderInput;
  readonly services: readonly Service[];
  /** Daemons that an earlier version of Hauspost did not have: they are stopped. Missing where it is rendered. */
  readonly without?: readonly Service[];
  readonly manifest: Manifest;
  readonly packages: readonly string[];
  /** To questions of theirs (Service, `answers`). */
  readonly answers: readonly string[];
}

/** What is not rendered: certificates, which belong to no generation, and passwords that the operator wrote down. */
export interface Materials {
  /** What `make` would do, and which certificate no daemon has read yet. Reads only; throws where the operator's own files are wrong. */
  readonly missing: (desired: Desired) => Promise<readonly Lack[]>;
  readonly make: (desired: Desired) => Promise<void>;
  /** For a generation that is put back, with all that was rendered: its certificate. Answers with what that asks of daemons. */
  readonly again: (desired: Desired) => Promise<readonly Wake[]>;
  /** Looks at what daemons are about to read; the answer, called once they run with it, takes that down. */
  readonly noted: (desired: Desired) => Promise<() => Promise<void>>;
}

/** Migrations and grants. */
export interface Database {
  /** What `make` would do; undefined while MariaDB does not answer: then its start does whatever is needed. Reads only. */
  readonly missing: (desired: Desired) => Promise<readonly Lack[] | undefined>;
  /** All but what daemons may ask that still are as they were. */
  readonly make: (desired: Desired) => Promise<void>;
  /** Once all that ask it have been woken: takes away what nobody asks any more. */
  readonly finish: (desired: Desired) => Promise<void>;
}

/** What is not there, or not as it should be, beside what is rendered. */
export interface Lack extends Pick<Change, 'action' | 'target'> {
  readonly kind: 'certificate' | 'secret' | 'migration' | 'grant';
  readonly wakes: readonly Wake[];
}

export interface Surroundings {
  readonly machine: Machine;
  readonly init: Init;
  readonly secrets: Secrets;
  readonly materials: Materials;
  readonly database: Database;
}

export interface Plan {
  readonly changes: readonly Change[];
  /** What new certificates and migrations ask of daemons; what files ask is seen when they are written. */
  readonly wakes: readonly Wake[];
  readonly state: State;
}

export const storeOf = (machine: Machine, desired: Desired): Store => openStore(machine, desired.input.wiring.places);

type States = ReadonlyMap<string, UnitState | undefined>;

/** By name, of all daemons that it has and that it does not have. */
const statesOf = async (init: Init, { services, without = [], input }: Desired): Promise<States> => {
  const all = [...services, ...without];
  const states = await init.states(all.map((service) => supervised(service, input)));
  return new Map(all.map(({ name }, index) => [name, states[index]]));
};

const stopped = (states: States, { services }: Desired): readonly Change[] =>
  inOrder(services).flatMap(({ name }) => (states.get(name)?.state === 'running' ? [] : [plainChange('service', name, 'start')]));

const leaving = (states: States, { without = [] }: Desired): readonly Change[] =>
  without.flatMap(({ name }) => (states.get(name)?.state === 'running' ? [plainChange('service', name, 'stop')] : []));

/** No reload moves a listener: where ports change, a restart is what will be done. */
const asDone = async (machine: Machine, states: States, desired: Desired, changes: readonly Change[]): Promise<readonly Change[]> => {
  const moved = new Set<string>();
  for (const service of desired.services.filter(({ name }) => changes.some(({ needs }) => needs.includes(`reload ${name}`)))) {
    const pid = states.get(service.name)?.pid;
    if (pid !== undefined && (await listensElsewhere(machine, desired.input, service, pid))) moved.add(service.name);
  }
  const need = (each: string): string => (moved.has(each.replace(/^reload /, '')) ? each.replace(/^reload/, 'restart') : each);
  return changes.map((change) => ({ ...change, needs: change.needs.map(need) }));
};

const asChange = ({ kind, target, action, wakes }: Lack, drift = false): Change => ({ kind, target, action, needs: needs(wakes), drift, diff: '' });

/** A right that was given or taken by somebody else: what is in place wants it otherwise. */
const isDrift = ({ kind, action, target }: Lack, committed: Manifest | undefined): boolean => {
  if (kind !== 'grant' || committed === undefined) return false;
  const had = committed.items.some((item) => item.kind === 'grant' && grantName(item) === target);
  return action === 'revoke' ? !had : had || action === 'change';
};

/** Grants as MariaDB says that they are held; as they were applied while it does not answer. */
const inDatabase = (lacks: readonly Lack[] | undefined, committed: Manifest | undefined, wanted: Manifest): readonly Change[] =>
  lacks === undefined ? compareGrants(wanted, committed) : lacks.map((lack) => asChange(lack, isDrift(lack, committed)));

/** What is missing, and what apt takes away for it. */
const inPackages = async (machine: Machine, missing: readonly string[]): Promise<readonly Change[]> => {
  const { leaving: going } = await foreseePackages(machine, missing);
  return [...missing.map((name) => plainChange('package', name, 'install')), ...going.map((name) => plainChange('package', name, 'remove'))];
};

export const plan = async (around: Surroundings, desired: Desired): Promise<Plan> => {
  const { machine, init, secrets, materials, database } = around;
  const store = storeOf(machine, desired);
  const state = await store.state();
  const made = await materials.missing(desired);
  const committed = state.committed === null ? undefined : (await store.load(state.committed)).manifest;
  const missing = await missingPackages(machine, desired.packages);
  const derived = await readDerivedKeys(machine, desired.input.wiring.places.state);
  const moved = await movedPackages(machine, desired.manifest);
  const items = await compare({ machine, secrets, wanted: desired.manifest, committed, derived, moved });
  const packages = await inPackages(machine, missing);
  const lacks = await database.missing(desired);
  const changes = [...packages, ...made.map((lack) => asChange(lack)), ...items, ...inDatabase(lacks, committed, desired.manifest)];
  const wakes = [...made, ...(lacks ?? [])].flatMap((lack) => lack.wakes);
  if (missing.length > 0) return { state, wakes, changes };
  const states = await statesOf(init, desired);
  const daemons = [...leaving(states, desired), ...stopped(states, desired)];
  return { state, wakes, changes: [...(await asDone(machine, states, desired, changes)), ...daemons] };
};
