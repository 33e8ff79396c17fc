/** Rotation by time, as upkeep has it done: the next keys of domains whose key is old enough, and what is due for those that are there. */
import { type Domain, HauspostError } from '#base';
import type { Settings } from '#config';
import { ALGORITHMS, due, keysOf, signing } from '#dkim';
import { readUpdateKey, updateServer } from '#dns';
import type { RenderInput } from '#model';
import type { Context } from './operation.ts';
import { keyringOf } from './secrets.ts';

/** 180 days: long enough to be seldom, short enough that a key which somebody copied does not serve them for years. */
const PUSHED_SECONDS = 180 * 86_400;

/** Null: only when somebody asks for it. Where records are published by hand nobody would know of keys that come by themselves. */
const rotatesAfter = ({ dkim, dns }: Settings): number | null =>
  dkim.rotateSeconds === undefined ? (dns.update === null ? null : PUSHED_SECONDS) : dkim.rotateSeconds;

/** Domains of which the name server that takes changes has the records of keys. Where it says nothing at this moment there is none. */
const pushedOf = async ({ machine }: Context, { settings }: RenderInput, served: readonly Domain[]): Promise<readonly Domain[]> => {
  const { dns, profile } = settings;
  if (dns.update === null || profile === 'local' || served.length === 0) return [];
  const place = (domain: Domain): string => `_domainkey.${domain}`;
  try {
    const server = updateServer(machine, dns.update, await readUpdateKey(machine, dns.update.keyFile));
    const homes = await server.homes(served.map(place));
    return served.filter((domain) => 'zone' in (homes.get(place(domain)) ?? {}));
  } catch (error) {
    if (error instanceof HauspostError && error.blame !== 'bug') return []; // upkeep's push tells of it
    throw error;
  }
};

/** In seconds, of those of `served` whose keys are followed by others by themselves. */
export const periodsOf = async (context: Context, input: RenderInput, served: readonly Domain[]): Promise<ReadonlyMap<Domain, number>> => {
  const period = rotatesAfter(input.settings);
  if (period === null) return new Map();
  const domains = input.settings.dkim.rotateSeconds === undefined ? await pushedOf(context, input, served) : served;
  return new Map(domains.map((domain) => [domain, period]));
};

/** Those whose keys are to be followed by others. */
export const dueDomains = async (context: Context, input: RenderInput, served: readonly Domain[]): Promise<readonly Domain[]> => {
  const period = rotatesAfter(input.settings);
  if (period === null) return [];
  const now = context.machine.now();
  const found: Domain[] = [];
  for (const domain of served) {
    const keys = await keysOf(keyringOf(context), domain);
    const old = ALGORITHMS.map((algorithm) => signing(keys, algorithm)).filter((key) => key !== undefined && due(key, period, now) <= now);
    if (old.length > 0) found.push(domain);
  }
  return [...(await periodsOf(context, input, found)).keys()];
};
