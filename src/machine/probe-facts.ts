/** Looks at the machine and answers with Facts. Refuses systems that Hauspost was not tried on. */
import { availableParallelism, networkInterfaces, totalmem } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { environmentError, path } from '#base';
import type { Codename, Facts } from './facts.ts';
import type { Machine } from './machine.ts';
import { plannedMemoryMb } from './memory.ts';
import { type Attended, knownVersions, upstreamVersion } from './packages.ts';
import { allCarryDnssec, hostResolvers } from './resolvers.ts';

const CODENAMES: readonly Codename[] = ['bookworm', 'trixie'];

/** Whose version chooses a dialect. */
const VERSIONED: Readonly<Record<keyof Facts['versions'], string>> = {
  unbound: 'unbound',
  mariadb: 'mariadb-server',
  redis: 'redis-server',
  rspamd: 'rspamd',
  dovecot: 'dovecot-core',
  postfix: 'postfix',
  nginx: 'nginx',
};

/** os-release(5). */
const codename = async (machine: Machine): Promise<Codename> => {
  const text = (await machine.read(path('/etc/os-release')))?.toString() ?? '';
  const field = (name: string): string => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  const found = CODENAMES.find((name) => field('ID') === 'debian' && field('VERSION_CODENAME') === name);
  if (found !== undefined) return found;
  throw environmentError({
    code: 'machine.unsupported',
    message: `this is ${field('PRETTY_NAME') || 'an unknown system'}`,
    remedy: 'Hauspost runs on Debian 12 (bookworm) and Debian 13 (trixie).',
  });
};

const addresses = (): Pick<Facts, 'addresses' | 'ipv6'> => {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const global = all.filter((entry) => !entry.internal && !entry.address.startsWith('fe80:') && !entry.address.startsWith('169.254.'));
  const of = (family: 'IPv4' | 'IPv6'): readonly string[] => global.filter((entry) => entry.family === family).map((entry) => entry.address);
  return { addresses: { v4: of('IPv4'), v6: of('IPv6') }, ipv6: all.some((entry) => entry.address === '::1') };
};

const versions = async (machine: Machine, attended: Attended): Promise<Facts['versions']> => {
  const known = await knownVersions(machine, Object.values(VERSIONED), attended);
  const upstream = (name: keyof Facts['versions']): string => upstreamVersion(known.get(VERSIONED[name]) ?? '');
  return {
    unbound: upstream('unbound'),
    mariadb: upstream('mariadb'),
    redis: upstream('redis'),
    rspamd: upstream('rspamd'),
    dovecot: upstream('dovecot'),
    postfix: upstream('postfix'),
    nginx: upstream('nginx'),
  };
};

type ResolverFacts = Pick<Facts, 'resolvers' | 'resolversCarryDnssec'>;

/** What they once answered holds while they are the same: a network that is away for a moment must not change a configuration. */
const resolverFacts = async (machine: Machine, known: ResolverFacts | undefined): Promise<ResolverFacts> => {
  const resolvers = await hostResolvers(machine);
  const same = known !== undefined && isDeepStrictEqual(known.resolvers, resolvers);
  return { resolvers, resolversCarryDnssec: same ? known.resolversCarryDnssec : null };
};

/** Asks the host's resolvers what they did not answer so far; takes 2 s where they are away, so it is for those who need to know. */
export const askResolvers = async (facts: Facts): Promise<Facts> =>
  facts.resolversCarryDnssec === null ? { ...facts, resolversCarryDnssec: await allCarryDnssec(facts.resolvers) } : facts;

/**
 * Everything but the DKIM keys, which their capability adds, and what only the network can answer (askResolvers). `known`: what the
 * configuration in place was made from.
 */
export const probeFacts = async (machine: Machine, attended: Attended, known?: ResolverFacts): Promise<Facts> => {
  const name = await codename(machine);
  return {
    codename: name,
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    init: (await machine.state(path('/run/systemd/system'))) === undefined ? 'runit' : 'systemd',
    cores: availableParallelism(),
    memoryMb: plannedMemoryMb(totalmem(), process.constrainedMemory()),
    ...addresses(),
    ...(await resolverFacts(machine, known)),
    versions: await versions(machine, attended),
    dkimKeys: [],
  };
};
