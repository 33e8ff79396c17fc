/** `status`: what runs, what waits in the queue, which certificates are served, and whether somebody changed our files. */
import { z } from 'zod';
import { type Change, type Desired, inOrder, plan, supervised } from '#apply';
import { changeUnderWay, familiesOf, initOf, installedVersions, type Machine, type UnitState, upstreamVersion } from '#machine';
import type { Finding, RenderInput, Service } from '#model';
import { certificateAt, namesIn } from '#tls';
import { standing, standingFields, surroundings } from './applying.ts';
import { unreadFindings } from './certificates.ts';
import { dkimFindings } from './dkim.ts';
import { judged } from './judged.ts';
import { type Context, operation } from './operation.ts';
import { serverFindings } from './findings.ts';
import { nameFindings } from './names.ts';
import { finding } from './people.ts';
import { queued } from './queue.ts';
import { requireServer } from './require-server.ts';

const service = z.object({
  name: z.string(),
  version: z.string(),
  state: z.enum(['running', 'starting', 'stopped', 'failed']),
  listeners: z.array(z.string()).readonly(),
  since: z.string().nullable(),
  memory_mb: z.number(),
});
const certificate = z.object({ names: z.array(z.string()).readonly(), expires: z.string(), issuer: z.string() });
const queue = z
  .object({ active: z.number(), deferred: z.number(), hold: z.number() })
  .nullable()
  .describe('null: Postfix is not there, or has no configuration');

const PACKAGE: Readonly<Record<string, string>> = { mariadb: 'mariadb-server', redis: 'redis-server', dovecot: 'dovecot-core' };

/** Daemons of our own. */
const OWN: ReadonlySet<string> = new Set(['dkim-keys', 'upkeep']);

const packageOf = ({ name }: Service): string => PACKAGE[name] ?? name;

const serviceStates = async (
  { machine, version: ours }: Context,
  { input, services: known }: Desired,
): Promise<readonly z.output<typeof service>[]> => {
  const services = inOrder(known);
  const states = await initOf(machine, input.facts).states(services.map((each) => supervised(each, input)));
  const versions = await installedVersions(machine, services.map(packageOf));
  const families = await familiesOf(
    machine,
    states.flatMap(({ pid }) => pid ?? []),
  );
  return services.map((each, index) => {
    const { state, pid, since }: UnitState = states[index] ?? { state: 'stopped' };
    const own = pid === undefined ? undefined : families.get(pid);
    const version = OWN.has(each.name) ? ours : (versions.get(packageOf(each)) ?? '');
    return {
      name: each.name,
      version: upstreamVersion(version),
      state,
      listeners: own?.listeners ?? [],
      since: state === 'running' ? (since?.toISOString() ?? null) : null,
      memory_mb: own?.memoryMb ?? 0,
    };
  });
};

const queueStatus = async (machine: Machine): Promise<z.output<typeof queue>> => {
  const messages = await queued(machine);
  if (messages === undefined) return null;
  const count = (...of: readonly string[]): number => messages.filter(({ queue_name: name }) => of.includes(name)).length;
  return { active: count('active', 'incoming', 'maildrop'), deferred: count('deferred'), hold: count('hold') };
};

const certificates = async (machine: Machine, { wiring }: RenderInput): Promise<readonly z.output<typeof certificate>[]> => {
  const leaf = await certificateAt(machine, wiring.places['tls-chain']);
  if (leaf === undefined) return [];
  const { validTo, issuer } = leaf;
  return [{ names: namesIn(leaf), expires: new Date(validTo).toISOString(), issuer: issuer.replaceAll('\n', ', ') }];
};

interface Place {
  readonly generation: number | null;
  readonly drift: readonly string[];
  readonly findings: readonly Finding[];
  readonly under_way?: string;
  readonly interrupted?: number;
}

/** It should have been made anew when its daemon started (services/dovecot/compile.ts), and was not. */
const notMade = ({ kind, target, package: by }: Change): readonly Finding[] => {
  if (kind !== 'derived' || by === undefined) return [];
  const message = `${target} was made by another version than ${by}, which is installed now`;
  return [{ level: 'warning', code: 'derived.old', message, remedy: "'hauspost apply' makes it anew, or says why it cannot." }];
};

const drift = async (context: Context, desired: Desired): Promise<Place> => {
  const around = surroundings(context, desired.input);
  // What is not rendered is nobody's hand edit; and a file of the operator's that is missing must not hide how the server is.
  const materials = { ...around.materials, missing: async () => [] };
  const { changes, state } = await plan({ ...around, materials }, desired);
  const stands = await standing(context, state);
  // In the middle of a change nobody can say who made a difference, and without a configuration in place all is somebody else's.
  const settled = stands.under_way === undefined && stands.interrupted === undefined && state.committed !== null;
  const differing = settled ? changes.filter((change) => change.drift) : [];
  return {
    generation: state.committed,
    ...stands,
    drift: [...new Set(differing.map((change) => change.target))],
    findings: changes.flatMap(notMade),
  };
};

export const status = operation({
  name: 'status',
  summary: 'Shows daemons, queue, certificates, and files that somebody else changed; ends with 0 whatever it shows, which programs read by --json.',
  example: 'hauspost status',
  positionals: [],
  input: z.object({}),
  output: z.object({
    services: z.array(service).readonly(),
    queue,
    certificates: z.array(certificate).readonly(),
    generation: z.number().nullable(),
    drift: z.array(z.string()).readonly(),
    findings: z.array(finding).readonly(),
    ...standingFields,
  }),
  needs: 'root',
  run: async (context) => {
    const { machine } = context;
    // Of the first `up`, while it is at work, there is something to tell.
    if ((await changeUnderWay()) === undefined) await requireServer(context);
    const { desired, findings: ofFile } = await judged(context);
    const { input } = desired;
    const { findings, ...place } = await drift(context, desired);
    const services = await serviceStates(context, desired);
    const resolves = services.some(({ name, state }) => name === 'unbound' && state === 'running');
    return {
      services,
      queue: await queueStatus(machine),
      certificates: await certificates(machine, input),
      ...place,
      findings: [
        // In the middle of a change it is about to be otherwise.
        ...(place.under_way === undefined ? ofFile : []),
        ...findings,
        ...(await serverFindings(context, input)),
        ...(await unreadFindings(context, input)),
        ...(resolves ? await nameFindings(input) : []),
        ...(await dkimFindings(context, input)),
      ],
    };
  },
});
