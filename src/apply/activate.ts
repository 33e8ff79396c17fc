/**
 * Daemons follow their files: start what is stopped, restart or reload what was touched, in the fixed order, each until its
 * probes are satisfied. The next daemon is not touched before, but for those that a slow one does not concern.
 */
import { failure, type HauspostError, path, type Reporter, step } from '#base';
import { familiesOf, type Init, type Machine, type Supervised, talk } from '#machine';
import {
  type Finding,
  type Hands,
  listenersOf,
  type Place,
  type Probe,
  type RenderInput,
  SERVICE_NAMES,
  type Service,
  type ServiceName,
  type Vantage,
  type Wake,
} from '#model';
import { advice, type Origins, placeDetail, placeName } from './refused.ts';

export interface Activation {
  readonly machine: Machine;
  readonly init: Init;
  readonly reporter: Reporter;
  readonly services: readonly Service[];
  readonly input: RenderInput;
  /** Runs once the daemon answers and before the next one is touched: grants and migrations after MariaDB, what is taken away after Postfix. */
  readonly after: Partial<Readonly<Record<ServiceName, () => Promise<void>>>>;
  /** The end of what is being done for it ahead of its first start; it starts when that is done. */
  readonly ahead?: (service: ServiceName) => Promise<void> | undefined;
  /** What to do, or what is done, when a daemon does not run well. */
  readonly remedy: string;
  /** Which of the operator's options a line of a daemon's file comes from. */
  readonly originsOf: (place: Place) => Origins | undefined;
  /** Throws when the operator has interrupted. */
  readonly proceed: () => void;
  /** Told of each daemon that does not run well, and then the next one follows. Left out: the first of them ends it all. */
  readonly unwell?: (error: unknown) => void;
}

/** What listens here is asked from its own address: Linux would take the first of the subnet, which a daemon bound to another takes for a stranger. */
export const vantageOf = (machine: Machine): Vantage => ({
  talk: (target, dialogue) => talk('host' in target ? { ...target, from: target.host } : target, dialogue),
  now: () => machine.now(),
});

/** In the order in which daemons start. */
export const inOrder = (services: readonly Service[]): readonly Service[] =>
  SERVICE_NAMES.flatMap((name) => services.filter((service) => service.name === name));

export const supervised = (service: Service, input: Pick<RenderInput, 'facts'>): Supervised => {
  const { systemd, formerly, reload } = service.unit(input);
  return { name: service.name, systemd, ...(formerly === undefined ? {} : { formerly }), reload };
};

/** One probe of one daemon, and whether it was satisfied. */
export interface Probed {
  readonly service: ServiceName;
  readonly name: string;
  readonly ok: boolean;
}

/** What came of an activation: all probes were satisfied, some of them with a warning. */
export interface Activated {
  readonly findings: readonly Finding[];
  readonly probes: readonly Probed[];
}

interface Asked extends Probed {
  readonly findings: readonly Finding[];
}

const isError = ({ level }: Finding): boolean => level === 'error';

const complaint = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Asks until the probe is satisfied, or `isLost`; the last findings otherwise. */
const ask = async (machine: Machine, service: Service, probe: Probe, isLost: () => Promise<boolean>): Promise<Asked> => {
  let last: readonly Finding[] = [];
  const isWell = (): boolean => !last.some(isError);
  await machine.waitFor(async () => {
    last = await probe.run(vantageOf(machine)).catch((error: unknown): readonly Finding[] => [
      {
        level: 'error',
        code: `${service.name}.no-answer`,
        message: `${probe.name}: ${complaint(error)}`,
        remedy: `See the log of ${service.name}.`,
      },
    ]);
    return isWell() || (await isLost());
  }, probe.within);
  return { service: service.name, name: probe.name, ok: isWell(), findings: isWell() ? last.filter((finding) => !isError(finding)) : last };
};

/** All of the service's probes at once: a daemon that is down keeps everybody waiting for the longest limit, not for their sum. */
const askAll = (machine: Machine, service: Service, input: RenderInput, isLost = () => Promise.resolve(false)): Promise<readonly Asked[]> =>
  Promise.all(service.probes(input).map((each) => ask(machine, service, each, isLost)));

export const probe = async (machine: Machine, service: Service, input: RenderInput): Promise<readonly Finding[]> =>
  (await askAll(machine, service, input)).flatMap(({ findings }) => findings);

const LOOK_MS = 1000;
const LOST_AFTER = 5;

/** Who ends is started again after a second (`RestartSec`); seen down as often as that, a second apart, it will not come. */
const lossOf = ({ machine, init, input }: Activation, service: Service): (() => Promise<boolean>) => {
  let [looked, down] = [0, 0];
  return async () => {
    const now = machine.now().getTime();
    if (now - looked < LOOK_MS) return down >= LOST_AFTER;
    looked = now;
    if ((await init.state(supervised(service, input))).state !== 'running') down += 1;
    return down >= LOST_AFTER;
  };
};

interface Failed {
  readonly why: string;
  /** When it was woken: what it said before is not about this. */
  readonly since: Date;
  readonly cause?: unknown;
  readonly probes?: readonly Probed[];
}

/** The end of what it said, and the line of its files that this names. */
const lastWords = async (
  { machine, init, input }: Activation,
  service: Service,
  since: Date,
): Promise<{ words: string; place: Place | undefined }> => {
  const said = (await init.lastWords(supervised(service, input), since)).trim();
  const place = await service.placeIn?.(said, async (file) => (await machine.read(path(file)))?.toString() ?? '');
  const words = said
    .split('\n')
    .slice(-8)
    .map((line) => line.slice(0, 300))
    .join('\n');
  return { words, place };
};

const refusal = async (activation: Activation, service: Service, { why, since, cause, probes }: Failed): Promise<HauspostError> => {
  const { words, place } = await lastWords(activation, service, since);
  const origins = place === undefined ? undefined : activation.originsOf(place);
  const where = place === undefined ? '' : ` (${placeName(place)})`;
  return failure({
    code: 'activate.not-well',
    message: `${service.name} does not run well${where}: ${why}${words === '' ? '' : `\nIts last words:\n${words}`}`,
    remedy: [activation.remedy, ...(place === undefined || origins === undefined ? [] : [advice([place], origins)])].join(' '),
    detail: { daemon: service.name, ...placeDetail(place, origins), ...(probes === undefined ? {} : { probes }) },
    cause,
  });
};

/** Whether the TCP ports that the daemon has open are others than those it is to have; no reload changes them safely (docs/dovecot.md, docs/nginx.md). */
export const listensElsewhere = async (machine: Machine, input: RenderInput, service: Service, pid: number): Promise<boolean> => {
  const wanted = listenersOf(input.wiring, service.name).filter((listener) => listener.transport === 'tcp');
  const names = wanted.map(({ address, port }) => `tcp ${address.includes(':') ? `[${address}]` : address}:${port}`);
  const open = ((await familiesOf(machine, [pid])).get(pid)?.listeners ?? []).filter((name) => name.startsWith('tcp '));
  return names.toSorted().join() !== open.join();
};

type Way = 'start' | 'wait for' | 'restart' | 'reload' | 'look at';

/** What is to be done about the daemon. */
const wayOf = async (activation: Activation, service: Service, wakes: readonly Wake[]): Promise<Way> => {
  const own = wakes.filter((each) => each.service === service.name);
  const { state, pid } = await activation.init.state(supervised(service, activation.input));
  // What is starting and reads what it is to read is not stopped in the middle of it.
  if (state === 'starting' && own.length === 0) return 'wait for';
  if (state !== 'running') return 'start';
  if (own.length === 0) return 'look at';
  const restart =
    own.some((each) => each.by === 'restart') || (pid !== undefined && (await listensElsewhere(activation.machine, activation.input, service, pid)));
  return restart ? 'restart' : 'reload';
};

const wake = async ({ init, input }: Activation, service: Service, way: Way): Promise<void> => {
  const unit = supervised(service, input);
  if (way === 'start' || way === 'restart') await init.restart(unit);
  else if (way === 'wait for') await init.start(unit);
  else if (way === 'reload') await init.reload(unit);
};

const probed = ({ service, name, ok }: Asked): Probed => ({ service, name, ok });

/** What to do about one daemon, until its probes are satisfied; `goOn` once there is nothing but to wait. */
const settle = async (activation: Activation, service: Service, way: Way, goOn: () => void): Promise<readonly Asked[]> => {
  const done = activation.ahead?.(service.name);
  if (done !== undefined) {
    goOn();
    await done;
  }
  const since = activation.machine.now();
  await wake(activation, service, way).catch(async (error: unknown) => {
    throw await refusal(activation, service, { why: complaint(error), since, cause: error });
  });
  goOn();
  const asked = await askAll(activation.machine, service, activation.input, lossOf(activation, service));
  const errors = asked.flatMap(({ findings }) => findings.filter(isError));
  if (errors.length === 0) return asked;
  throw await refusal(activation, service, { why: errors.map(({ message }) => message).join('; '), since, probes: asked.map(probed) });
};

const handsOf = (machine: Machine): Hands => ({
  run: (argv, options) => machine.run(argv, options),
  now: () => machine.now(),
  pause: (ms) => machine.pause(ms, new AbortController().signal),
});

/** Whether it has read its files is not known: begun anew it has, or it does not run. */
const readsAnew = async ({ init, input }: Activation, service: Service): Promise<void> => {
  const unit = supervised(service, input);
  if ((await init.state(unit)).state === 'running') await init.restart(unit).catch(() => undefined);
};

/** All is well already: what fails here is told and no more. */
const catchUp = async ({ machine, reporter, services, input }: Activation, woken: ReadonlyMap<ServiceName, Date>): Promise<void> => {
  for (const service of services) {
    try {
      const text = await service.catchUp?.(handsOf(machine), input, woken);
      if (text !== undefined) reporter.emit({ kind: 'info', text });
    } catch (error) {
      const text = `${service.name} could not be told to do at once what it had put off: ${complaint(error)}`;
      reporter.emit({ kind: 'warning', code: 'activate.not-caught-up', text, remedy: 'It does that by itself later.' });
    }
  }
};

/** Before whom a daemon has to answer that is slow to: Rspamd computes for ten seconds when it starts for the first time (docs/rspamd.md). */
const AWAITED_BY: Partial<Readonly<Record<ServiceName, ServiceName>>> = { rspamd: 'postfix' };

/** `catchUp` is for when the change is made: it may take some seconds, and nothing depends on it. */
export const activate = async (activation: Activation, wakes: readonly Wake[]): Promise<Activated & { readonly catchUp: () => Promise<void> }> => {
  const answers = new Map<ServiceName, readonly Asked[]>();
  const woken = new Map<ServiceName, Date>();
  const { init, services, input } = activation;
  const units = services.map((service) => supervised(service, input));
  await init.enable(units);
  await init.refresh();
  if (wakes.some((wake) => wake.service === 'logs')) await init.reloadLogs(units);
  const slow = new Map<ServiceName, Promise<void>>();
  const begin = async (service: Service): Promise<void> => {
    const way = await wayOf(activation, service, wakes);
    const waits = Promise.withResolvers<void>();
    const settled = step(activation.reporter, `${way} ${service.name}`, async () => {
      answers.set(service.name, await settle(activation, service, way, waits.resolve));
      await activation.after[service.name]?.();
      if (way !== 'look at') woken.set(service.name, activation.machine.now());
    }).catch((error: unknown) => {
      if (activation.unwell === undefined) throw error;
      activation.unwell(error);
      return readsAnew(activation, service);
    });
    const by = AWAITED_BY[service.name];
    if (by === undefined) return settled;
    slow.set(by, settled);
    return Promise.race([waits.promise, settled]);
  };
  try {
    for (const service of inOrder(services)) {
      await slow.get(service.name);
      activation.proceed();
      await begin(service);
    }
  } finally {
    // Also where another one has failed: what comes next begins when nothing is under way.
    await Promise.allSettled(slow.values());
  }
  const all = inOrder(services).flatMap(({ name }) => answers.get(name) ?? []);
  return { findings: all.flatMap(({ findings }) => findings), probes: all.map(probed), catchUp: () => catchUp(activation, woken) };
};

/** In the reverse order. */
export const stopAll = async (activation: Pick<Activation, 'init' | 'services' | 'input' | 'reporter'>): Promise<void> => {
  for (const service of inOrder(activation.services).toReversed()) {
    await step(activation.reporter, `stop ${service.name}`, () => activation.init.stop(supervised(service, activation.input)));
  }
};
