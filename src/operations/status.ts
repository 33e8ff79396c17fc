/** `status`: what runs, what waits in the queue, which certificates are served, and whether somebody changed our files. */
import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { type Change, type Desired, inOrder, plan, supervised } from '#apply';
import { HauspostError } from '#base';
import { initOf, installedVersions, listenersOfFamily, type Machine, memoryMb, type UnitState, upstreamVersion } from '#machine';
import type { Finding, RenderInput, Service } from '#model';
import { SERVICES } from '#services';
import { certificateAt } from '#tls';
import { standing, standingFields, surroundings } from './applying.ts';
import { dkimFindings } from './dkim.ts';
import { desiredOf, inPlace, loadDesired } from './desired.ts';
import { type Context, operation } from './operation.ts';
import { serverFindings } from './findings.ts';
import { nameFindings } from './names.ts';
import { finding } from './people.ts';
import { queued } from './queue.ts';

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

const packageOf = ({ name }: Service): string => PACKAGE[name] ?? name;

const serviceStates = async ({ machine, version: own }: Context, input: RenderInput): Promise<readonly z.output<typeof service>[]> => {
  const services = inOrder(SERVICES);
  const states = await initOf(machine, input.facts).states(services.map((each) => supervised(each, input)));
  const versions = await installedVersions(machine, services.map(packageOf));
  const rows = services.map(async (each, index) => {
    const { state, pid, since }: UnitState = states[index] ?? { state: 'stopped' };
    const version = each.name === 'dkim-keys' ? own : (versions.get(packageOf(each)) ?? '');
    return {
      name: each.name,
      version: upstreamVersion(version),
      state,
      listeners: pid === undefined ? [] : await listenersOfFamily(machine, pid),
      since: state === 'running' ? (since?.toISOString() ?? null) : null,
      memory_mb: pid === undefined ? 0 : await memoryMb(machine, pid),
    };
  });
  return Promise.all(rows);
};

const queueStatus = async (machine: Machine): Promise<z.output<typeof queue>> => {
  const messages = await queued(machine);
  if (messages === undefined) return null;
  const count = (...of: readonly string[]): number => messages.filter(({ queue_name: name }) => of.includes(name)).length;
  return { active: count('active', 'incoming', 'maildrop'), deferred: count('deferred'), hold: count('hold') };
};

/** OpenSSL writes all groups of an IPv6 address; RFC 5952 shortens it. */
const nameInCertificate = (entry: string): string => {
  const name = entry.replace(/^(DNS|IP Address):/, '');
  return isIPv6(name) ? new URL(`http://[${name}]/`).hostname.slice(1, -1) : name;
};

const certificates = async (machine: Machine, { wiring }: RenderInput): Promise<readonly z.output<typeof certificate>[]> => {
  const leaf = await certificateAt(machine, wiring.places['tls-chain']);
  if (leaf === undefined) return [];
  const { subjectAltName, validTo, issuer } = leaf;
  const names = (subjectAltName ?? '').split(', ').map(nameInCertificate);
  return [{ names, expires: new Date(validTo).toISOString(), issuer: issuer.replaceAll('\n', ', ') }];
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
  const settled = stands.under_way === undefined && state.committed !== null;
  const differing = settled ? changes.filter((change) => change.drift) : [];
  return {
    generation: state.committed,
    ...stands,
    drift: [...new Set(differing.map((change) => change.target))],
    findings: changes.flatMap(notMade),
  };
};

/** A mistake in the operator's file must not hide how the server is: then what is in place counts. */
const desiredForStatus = async (context: Context): Promise<Desired> => {
  try {
    return await loadDesired(context);
  } catch (error) {
    const { input, source = '' } = (await inPlace(context)) ?? {};
    if (!(error instanceof HauspostError && error.blame === 'operator') || input === undefined) throw error;
    const text = `${context.configFile} cannot be used (${error.message.split('\n')[0]}); this is about the configuration in place`;
    context.reporter.emit({
      kind: 'warning',
      code: error.code,
      text,
      remedy: "'hauspost config check' and 'hauspost plan' say what is wrong with it.",
    });
    return desiredOf(context, input, source);
  }
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
    const desired = await desiredForStatus(context);
    const { input } = desired;
    const { findings, ...place } = await drift(context, desired);
    return {
      services: await serviceStates(context, input),
      queue: await queueStatus(machine),
      certificates: await certificates(machine, input),
      ...place,
      findings: [...findings, ...(await serverFindings(context, input)), ...(await nameFindings(input)), ...(await dkimFindings(context))],
    };
  },
});
