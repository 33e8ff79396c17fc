/**
 * Back to generation 0, what was there before the first apply: as far away as a configuration can get, and undone like any other change when it
 * does not work or is interrupted. Packages and mail stay.
 */
import { type AbsPath, path } from '#base';
import type { Machine } from '#machine';
import { type Applied, type ApplyRequest, backIfNot, heal } from './apply.ts';
import { type Change, plainChange, unified } from './changes.ts';
import { managedFiles } from './compare.ts';
import { keep, overwritten } from './hand-edits.ts';
import { type Plan, storeOf } from './plan.ts';
import { putOriginalsBack } from './put-back.ts';
import { inOrder, supervised } from './activate.ts';
import { namingLack, refuseWithoutRoom, release, reserve } from './space.ts';
import type { Generation, Store } from './store.ts';

interface Found {
  readonly bytes: Buffer | undefined;
  readonly placed: string;
}

/** Undefined: nothing is there. Of directories and links only that they are there, whose, and where a link leads. */
const look = async (machine: Machine, target: AbsPath): Promise<Found | undefined> => {
  const state = await machine.state(target);
  if (state === undefined) return undefined;
  const bytes = state.kind === 'file' ? await machine.read(target) : undefined;
  const link = state.kind === 'link' ? await machine.readLink(target) : '';
  return { bytes, placed: [state.kind, state.owner, state.mode.toString(8), link].join(' ') };
};

const same = (one: Found | undefined, other: Found | undefined): boolean =>
  one?.placed === other?.placed && (one?.bytes === undefined || other?.bytes === undefined || one.bytes.equals(other.bytes));

/** Ours may hold a secret, and then only the name of the file is told. */
const hidden = ({ manifest }: Generation, target: AbsPath): boolean =>
  manifest.items.some((item) => item.kind === 'file' && item.path === target && item.text.some((part) => typeof part !== 'string'));

const fileChange = async (machine: Machine, store: Store, committed: Generation, target: AbsPath): Promise<readonly Change[]> => {
  const [now, was] = [await look(machine, target), await look(machine, store.originals.copyOf(target))];
  if (same(now, was)) return [];
  const action = was === undefined ? 'remove' : now === undefined ? 'create' : 'change';
  const ours = managedFiles(committed.manifest).includes(target);
  const drift = ours && now !== undefined && (await machine.read(path(`${committed.tree}${target}`)))?.equals(now.bytes ?? Buffer.alloc(0)) !== true;
  const diff = action === 'change' && !hidden(committed, target) ? unified(now?.bytes?.toString() ?? '', was?.bytes?.toString() ?? '') : '';
  return [plainChange('file', target, action, { drift, diff })];
};

/** What generation 0 would change, and which daemons would stop or be started anew with it. Empty where nothing of ours is in place. */
export const planLeaving = async ({ machine, desired }: Pick<ApplyRequest, 'machine' | 'desired'>): Promise<Plan> => {
  const store = storeOf(machine, desired);
  const state = await store.state();
  if (state.committed === null) return { state, changes: [], wakes: [] };
  const committed = await store.load(state.committed);
  const ran = new Set((await store.originals.units()).filter(({ active }) => active).map(({ unit }) => unit));
  const files = await Array.fromAsync((await store.originals.paths()).keys(), (target) => fileChange(machine, store, committed, target));
  const services = inOrder(desired.services).map((service) =>
    plainChange('service', service.name, ran.has(supervised(service, desired.input).systemd) ? 'restart' : 'stop'),
  );
  return { state, changes: [...files.flat(), ...services], wakes: [] };
};

const goAway = async (request: ApplyRequest): Promise<Applied> => {
  const { desired, machine } = request;
  const store = storeOf(machine, desired);
  await heal(request, store, desired);
  const planned = await planLeaving(request);
  const { committed } = planned.state;
  if (committed === null) return { applied: false, generation: 0, changes: [], probes: [], findings: [] };
  await request.consent(planned);
  await refuseWithoutRoom(machine, desired, planned.changes, 0);
  await keep(request, store, overwritten(planned.changes));
  await reserve(machine, desired, planned.changes);
  await store.setState({ committed, entering: 0 });
  await backIfNot(request, store, desired, () => putOriginalsBack({ ...request, store }));
  await given(store);
  await release(machine, desired);
  return { applied: true, generation: 0, changes: planned.changes, probes: [], findings: [] };
};

/** Must run under the lock. */
export const leave = (request: ApplyRequest): Promise<Applied> => namingLack(request.machine, request.desired, () => goAway(request));

/** Nothing of ours is in place any more; what generation 0 held is the operator's again. */
const given = async (store: Store): Promise<void> => {
  await store.setState({ committed: null, entering: 0 });
  await store.originals.forget();
  await store.setState({ committed: null, entering: null });
};
