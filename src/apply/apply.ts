/**
 * Apply, in the order of the design: plan, consent, packages, stage, check, enter, converge, activate, probe, commit; or back to
 * the committed generation. Whatever interrupts it, `state.json` says what was under way and the next run heals it first.
 */
import { asHauspostError, environmentError, failure, type HauspostError, type Reporter, step } from '#base';
import {
  answerQuestions,
  endPolicy,
  ensureSystemUser,
  type Foreseen,
  foreseePackages,
  installPackages,
  missingPackages,
  refuseUserWithoutGroup,
} from '#machine';
import type { Manifest, Place, RenderInput, Service, ServiceName, Wake } from '#model';
import { openRoom } from '#sandbox';
import { type AheadOf, aheadOf } from './ahead.ts';
import { type Activated, type Activation, activate, inOrder, stopAll, supervised } from './activate.ts';
import { type Change, isBeside } from './changes.ts';
import { concerned } from './concerned.ts';
import { converge } from './converge.ts';
import { refuseStrangeLinks } from './directories.ts';
import { servicesOf } from './earlier.ts';
import { handEdits, keep, overwritten } from './hand-edits.ts';
import { putOriginalsBack } from './put-back.ts';
import { type Desired, plan, type Plan, storeOf, type Surroundings } from './plan.ts';
import { notUnderstood, type Origins, type Told } from './refused.ts';
import { namingLack, refuseWithoutRoom, release, reserve } from './space.ts';
import { FORMAT, type Generation, type Store } from './store.ts';

/** Whose mail is, as the group of that name. */
const MAIL_USER = 'vmail';

export interface ApplyRequest extends Surroundings {
  readonly reporter: Reporter;
  readonly version: string;
  /** Aborted when the operator interrupts: the change stops before its next step and goes back. */
  readonly signal: AbortSignal;
  readonly desired: Desired;
  /** Number of the generation on disk that `desired` was read from, which is entered as it stands (rollback); otherwise one is staged. */
  readonly kept?: number;
  /** Rendered anew once the packages are there, since their versions choose the dialect. */
  readonly renderAgain: () => Promise<Desired>;
  /** What a generation on disk was rendered from, completed (earlier.ts) where another version made it. */
  readonly inputOf: (generation: Generation) => Promise<RenderInput | undefined>;
  /** Which of the operator's options a line of a daemon's file comes from; undefined where that cannot be told. */
  readonly originsOf: (desired: Desired, place: Place) => Origins | undefined;
  /** Says yes or no to the plan; a refusal is thrown by it. */
  readonly consent: (plan: Plan) => Promise<void>;
}

interface Begun extends ApplyRequest {
  readonly ahead?: AheadOf;
}

export interface Applied extends Activated {
  readonly applied: boolean;
  readonly generation: number;
  readonly changes: readonly Change[];
}

const hands = (request: ApplyRequest, store: Store, desired: Desired): Parameters<typeof converge>[0] => ({
  machine: request.machine,
  store,
  state: desired.input.wiring.places.state,
});

const activation = (request: Begun, desired: Desired, remedy = 'The configuration before this change is put back.'): Activation => {
  // Postfix is the last of those that ask the database.
  const after: Partial<Record<ServiceName, () => Promise<void>>> = {
    mariadb: () => request.database.make(desired),
    postfix: () => request.database.finish(desired),
  };
  const proceed = (): void => stopWhenInterrupted(request.signal);
  return {
    proceed,
    remedy,
    machine: request.machine,
    init: request.init,
    reporter: request.reporter,
    services: desired.services,
    input: desired.input,
    originsOf: (place) => request.originsOf(desired, place),
    after,
    ...(request.ahead === undefined ? {} : { ahead: request.ahead.done }),
  };
};

/** What daemons read meanwhile is looked at before, so that a certificate which is renewed at this moment is seen as new by the next plan. */
const activateAll = async (
  request: ApplyRequest,
  desired: Desired,
  how: Activation,
  wakes: readonly Wake[],
  commit = (): Promise<void> => Promise.resolve(),
): Promise<Activated> => {
  const takeDown = await request.materials.noted(desired);
  const { catchUp, ...activated } = await activate(how, wakes);
  await takeDown();
  await commit();
  await catchUp();
  return activated;
};

/** Where the word that programs use is none that people do. */
const NAMES: Partial<Readonly<Record<Change['kind'], string>>> = { dir: 'folder', derived: 'compiled file' };

const summary = (changes: readonly Change[]): string => {
  const counts = Map.groupBy(changes, (change) => change.kind);
  return [...counts].map(([kind, { length }]) => `${length} ${NAMES[kind] ?? kind}${length === 1 ? '' : 's'}`).join(', ');
};

const stage = async (request: ApplyRequest, store: Store, desired: Desired, changes: readonly Change[]): Promise<Generation> => {
  const number = Math.max(0, ...(await store.numbers())) + 1;
  const meta = {
    number,
    format: FORMAT,
    created: request.machine.now().toISOString(),
    summary: summary(changes),
    version: request.version,
    codename: desired.input.facts.codename,
    after: (await store.state()).committed,
    applied: null,
  };
  return store.save({ meta, manifest: desired.manifest, input: desired.input, source: desired.source }, (item) => request.secrets.reveal(item.text));
};

/** Each daemon's own dump of the staged files must equal what was rendered. */
const check = async (request: ApplyRequest, desired: Desired, staged: Generation, services: readonly Service[]): Promise<void> => {
  if (services.length === 0) return;
  const absent = desired.manifest.items.flatMap((item) => (item.kind === 'absent' ? [item.path] : []));
  await using room = await openRoom(request.machine, staged.tree, absent);
  const all = inOrder(services).map(async (service): Promise<readonly Told[]> => {
    const findings = await step(request.reporter, `check ${service.name}`, () => service.check(room, desired.input));
    return findings.map((finding) => {
      const origins = finding.place === undefined ? undefined : request.originsOf(desired, finding.place);
      return { daemon: service.name, finding, origins };
    });
  });
  // The room is there until all have ended.
  const told = (await Promise.allSettled(all)).flatMap((ended) => {
    if (ended.status === 'rejected') throw ended.reason;
    return ended.value;
  });
  // What another version wrote is not what this one renders; what the daemons themselves refuse counts all the same.
  const counts = staged.meta.version === request.version ? told : told.filter(({ finding }) => finding.ofRendering !== true);
  if (counts.some(({ finding }) => finding.level === 'error')) throw notUnderstood(counts);
};

const interrupted = (cause?: unknown): Error =>
  failure({ code: 'apply.interrupted', message: 'interrupted; what was there before is in place', remedy: 'Run it again when you like.', cause });

const stopWhenInterrupted = (signal: AbortSignal): void => {
  if (signal.aborted) throw interrupted();
};

/** Generation 0 was rendered by nobody. */
const manifestsOf = async (store: Store, numbers: readonly (number | null)[]): Promise<readonly Manifest[]> => {
  const loaded = await Promise.all(numbers.flatMap((number) => (number === null || number === 0 ? [] : [store.load(number)])));
  return loaded.map((generation) => generation.manifest);
};

/** Daemons that the configuration does not have, before what starts them goes. */
const stopOthers = async ({ init, reporter }: ApplyRequest, { without = [], input }: Desired): Promise<void> => {
  if (without.length === 0) return;
  const states = await init.states(without.map((service) => supervised(service, input)));
  const services = without.filter((_, index) => states[index]?.state === 'running');
  await stopAll({ init, reporter, services, input });
};

/** Puts the committed generation back, or generation 0 when there is none, and wakes its daemons; `unwell` as an activation has it. */
const goBack = async (request: ApplyRequest, store: Store, desired: Desired, unwell?: (error: unknown) => void): Promise<void> => {
  const { committed, entering } = await store.state();
  await release(request.machine, desired);
  await step(request.reporter, committed === null ? 'put back what was there before' : `put back generation ${committed}`, async () => {
    const written = await Promise.all([committed, entering].flatMap((number) => (number === null || number === 0 ? [] : [store.load(number)])));
    await keep(request, store, await handEdits(request.machine, store, written));
    if (committed === null) await putOriginalsBack({ ...request, store, desired });
    else {
      const generation = await store.load(committed);
      // Its daemons answer where its own settings say, not where the new ones do.
      const { manifest } = generation;
      const known = [...desired.services, ...(desired.without ?? [])];
      const was = { ...desired, input: (await request.inputOf(generation)) ?? desired.input, manifest, ...servicesOf(known, manifest) };
      await stopOthers(request, was);
      const touched = await converge(hands(request, store, desired), generation, await manifestsOf(store, [entering]));
      const wakes = await request.materials.again(was);
      const how = { ...activation(request, was), proceed: () => undefined, ...(unwell === undefined ? {} : { unwell }) };
      await activateAll(request, was, how, [...touched.wakes, ...wakes]);
    }
    if (committed === null && entering === 0) await store.originals.forget();
    await store.setState({ committed, entering: null });
    await store.sweep();
  });
};

const enter = async (request: Begun, store: Store, desired: Desired, staged: Generation, { changes, wakes }: Plan): Promise<Activated> => {
  const { committed } = await store.state();
  await store.originals.keep(staged.manifest);
  await keep(request, store, overwritten(changes));
  await reserve(request.machine, desired, changes);
  await store.setState({ committed, entering: staged.meta.number });
  return backIfNot(request, store, desired, async () => {
    await stopOthers(request, desired);
    const touched = await step(request.reporter, 'write files', async () =>
      converge(hands(request, store, desired), staged, await manifestsOf(store, [committed])),
    );
    return activateAll(request, desired, activation(request, desired), [...touched.wakes, ...wakes], async () => {
      await store.commit(staged.meta.number);
      await release(request.machine, desired);
    });
  });
};

/** Where the reason of both is one, it is told once. */
const notBack = (first: HauspostError, then: HauspostError): HauspostError => {
  const again = first.message === then.message ? 'for the same reason' : `as well: ${then.message}`;
  const parts = {
    code: 'apply.not-back',
    message: `${first.message}\nPutting the earlier configuration back failed ${again}`,
    remedy: `${then.blame === 'environment' ? then.remedy : 'Mend what is named above.'} The next 'hauspost apply' goes on from here.`,
    cause: first,
  };
  return then.blame === 'environment' ? environmentError(parts) : failure(parts);
};

/** What is entered works, or what was there before comes back. */
export const backIfNot = async <T>(request: ApplyRequest, store: Store, desired: Desired, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    await goBack(request, store, desired).catch((second: unknown) => {
      throw notBack(asHauspostError(error), asHauspostError(second));
    });
    // Ctrl-C reaches a program that is just being started as well: what came of that is nobody's fault.
    throw request.signal.aborted ? interrupted(error) : error;
  }
};

const prepare = async (request: ApplyRequest, store: Store, desired: Desired, foreseen: Foreseen, ahead: AheadOf): Promise<Desired> => {
  const before = inOrder(desired.services).map((service) => supervised(service, desired.input));
  if ((await store.state()).committed === null) {
    const wasOurs = (await store.metas()).some(({ applied }) => applied !== null);
    await store.originals.begin(await request.init.standing(before), wasOurs);
  }
  await answerQuestions(request.machine, desired.answers);
  const missing = await missingPackages(request.machine, desired.packages);
  if (missing.length > 0)
    await step(request.reporter, `install ${missing.length} ${missing.length === 1 ? 'package' : 'packages'}`, () =>
      installPackages(request.machine, missing, foreseen, request, ahead.begin),
    );
  else await endPolicy(request.machine);
  await ensureSystemUser(request.machine, MAIL_USER, desired.input.wiring.places.mail);
  const again = missing.length > 0 ? await request.renderAgain() : desired;
  await request.materials.make(again); // after the packages are there, before anything is checked
  return again;
};

/**
 * A change that was interrupted is undone first. Its files are whole again then, also where a daemon does not run with them any more (an address that the
 * machine has lost): what comes next may be the very change that mends this.
 */
export const heal = async (request: ApplyRequest, store: Store, desired: Desired): Promise<void> => {
  const { entering } = await store.state();
  if (entering === null) return;
  const text = `an earlier change (generation ${entering}) was interrupted; it is undone first`;
  request.reporter.emit({ kind: 'warning', code: 'apply.healed', text, remedy: 'Then this command goes on.' });
  await goBack(request, store, desired, (error) => {
    const { message } = asHauspostError(error);
    request.reporter.emit({ kind: 'warning', code: 'apply.healed-unwell', text: message, remedy: 'This command goes on all the same.' });
  });
};

/** Daemons that were stopped come back as they are configured, read new certificates, find the database mended: nothing that a generation holds has changed. */
const startAll = (request: Begun, desired: Desired, { wakes }: Plan): Promise<Activated> =>
  activateAll(request, desired, activation(request, desired, "See its log and mend that; then run 'hauspost up' again."), wakes);

/** Nothing that a generation holds is to be changed. */
const isAllBeside = ({ changes, state: { committed } }: Plan, { kept }: ApplyRequest): boolean =>
  committed !== null && (kept ?? committed) === committed && changes.every(isBeside);

const change = async (request: Begun, store: Store, desired: Desired, planned: Plan): Promise<Activated & { readonly generation: number }> => {
  const { kept } = request;
  const { committed } = planned.state;
  if (committed !== null && isAllBeside(planned, request)) return { generation: committed, ...(await startAll(request, desired, planned)) };
  const staged =
    kept === undefined ? await step(request.reporter, 'stage', () => stage(request, store, desired, planned.changes)) : await store.load(kept);
  const before = committed === null ? undefined : await store.load(committed);
  await check(request, desired, staged, await concerned(request.machine, desired, staged, before, planned.changes));
  stopWhenInterrupted(request.signal);
  return { generation: staged.meta.number, ...(await enter(request, store, desired, staged, planned)) };
};

/** Whether the machine is in it already: no file differs, and it is the committed one. */
const isInPlace = ({ changes, state: { committed } }: Plan, { kept }: ApplyRequest): boolean =>
  changes.length === 0 && (kept === undefined || kept === committed);

/** Where nothing is being entered, nothing that was made for it takes room: what was staged, what was put by. */
const tidied = async <T>(request: ApplyRequest, store: Store, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    if ((await store.state()).entering === null) {
      await release(request.machine, request.desired);
      await store.sweep();
    }
    throw error;
  }
};

const inOrderOfTheDesign = async (request: ApplyRequest, store: Store): Promise<Applied> => {
  const { machine, desired: first } = request;
  await heal(request, store, first);
  await store.sweep();
  await release(machine, first);
  const planned = await plan(request, first);
  if (isInPlace(planned, request)) return { applied: false, generation: planned.state.committed ?? 0, changes: [], probes: [], findings: [] };
  await request.consent(planned);
  await refuseStrangeLinks(machine, first.manifest);
  await refuseUserWithoutGroup(machine, MAIL_USER);
  const foreseen = await foreseePackages(machine, await missingPackages(machine, first.packages));
  if (!isAllBeside(planned, request)) await refuseWithoutRoom(machine, first, planned.changes, foreseen.octets);
  const ahead = aheadOf(machine, first.services);
  const desired = await prepare(request, store, first, foreseen, ahead);
  stopWhenInterrupted(request.signal);
  const done = await tidied(request, store, () => change({ ...request, ahead }, store, desired, planned));
  for (const { code, message, remedy } of done.findings) request.reporter.emit({ kind: 'warning', code, text: message, remedy });
  return { applied: true, changes: planned.changes, ...done };
};

/** Must run under the lock. */
export const apply = (request: ApplyRequest): Promise<Applied> =>
  namingLack(request.machine, request.desired, () => inOrderOfTheDesign(request, storeOf(request.machine, request.desired)));
