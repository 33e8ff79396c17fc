/** Challenges by DNS (DNS-01, RFC 8555 section 8.4): where their records are put, by `[dns] update_server`, and whether they are seen. */
import { environmentError, HauspostError, operatorError } from '#base';
import { type Published, readUpdateKey, type UpdateServer, updateServer } from '#dns';
import type { RenderInput } from '#model';
import { shownEverywhere } from './dns-view.ts';
import type { Context } from './operation.ts';

const SHOWN_MS = 300_000;
const LOOK_MS = 2000;

const noServer = (): Error =>
  operatorError({
    code: 'acme.no-update-server',
    message: 'a challenge by DNS needs somebody who takes changes of the zones, and dns.update_server names nobody',
    remedy: 'Write update_server and update_key_file below [dns], or challenge = "http" below [tls].',
    detail: { path: 'dns.update_server' },
  });

const challengeName = (name: string): string => `_acme-challenge.${name}`;

/** Throws where none is named, and where the key cannot be used. */
export const serverOf = async ({ machine }: Context, { settings: { dns } }: RenderInput): Promise<UpdateServer> => {
  if (dns.update === null) throw noServer();
  return updateServer(machine, dns.update, await readUpdateKey(machine, dns.update.keyFile));
};

/** Where a record of a challenge is put. */
export interface Place {
  readonly name: string;
  readonly zone: string;
}
type Found = Place | { readonly elsewhere: string };

/** Aliases of names at which one really stands. What only a wildcard answers is in nobody's way (RFC 4592). */
const aliasesAt = async (server: UpdateServer, places: readonly Place[]): Promise<ReadonlyMap<string, string>> => {
  const found = await server.found(places.map(({ name }) => ({ name, type: 'CNAME' })));
  const targets = new Map<string, string>();
  for (const [index, { name, zone }] of places.entries()) {
    const [target] = (found[index] ?? []).flatMap(({ read }) => (read?.type === 'CNAME' ? [read.data.target] : []));
    if (target !== undefined && !(await server.isUnused(zone, name))) targets.set(name, target);
  }
  return targets;
};

/** A server to which the key means nothing there has no zone of ours there. */
const homeOf = async (server: UpdateServer, name: string): Promise<Found> => {
  try {
    const home = (await server.homes([name])).get(name) ?? { elsewhere: 'its zone is not found' };
    return 'zone' in home ? { name, zone: home.zone } : home;
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'dns.update-key') return { elsewhere: error.message };
    throw error;
  }
};

const MOST_ALIASES = 8;

/** Beside an alias an update puts nothing, and says nothing of it (RFC 2136 section 3.4.2.2); the authority follows it, and so do we. */
const leadsTo = async (server: UpdateServer, from: string, target: string, left = MOST_ALIASES): Promise<Found> => {
  const place = left === 0 ? { elsewhere: 'that is one of many aliases' } : await homeOf(server, target);
  const next = 'zone' in place ? (await aliasesAt(server, [place])).get(target) : undefined;
  const found = next === undefined ? place : await leadsTo(server, target, next, left - 1);
  return 'zone' in found ? found : { elsewhere: `${from} is an alias of ${target}: ${found.elsewhere}` };
};

/** Of each name. Throws where nothing can be put anywhere. */
const placesOf = async (server: UpdateServer, names: readonly string[]): Promise<ReadonlyMap<string, Found>> => {
  const homes = await server.homes(names.map(challengeName));
  const places = [...homes].flatMap(([name, home]) => ('zone' in home ? [{ name, zone: home.zone }] : []));
  const aliases = await aliasesAt(server, places);
  const found = new Map<string, Found>();
  for (const name of names) {
    const from = challengeName(name);
    const [home, target] = [homes.get(from) ?? { elsewhere: 'its zone is not found' }, aliases.get(from)];
    const place = 'zone' in home ? { name: from, zone: home.zone } : home;
    found.set(name, target === undefined ? place : await leadsTo(server, from, target));
  }
  return found;
};

/** Why no record can be put there for the name; undefined where it can. Throws where nothing can be put anywhere. */
export const obstaclesOf = async (context: Context, input: RenderInput, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const places = await placesOf(await serverOf(context, input), names);
  return new Map([...places].flatMap(([name, place]) => ('zone' in place ? [] : [[name, place.elsewhere] as const])));
};

export const placeFor = async (server: UpdateServer, name: string): Promise<Place> => {
  const place = (await placesOf(server, [name])).get(name);
  if (place !== undefined && 'zone' in place) return place;
  throw environmentError({
    code: 'acme.no-zone',
    message: `no record can be put at ${challengeName(name)}: ${place?.elsewhere ?? 'its zone is not found'}`,
    remedy: 'Name the primary of its zone as update_server below [dns], or write challenge = "http" below [tls].',
  });
};

const notShown = (name: string): Error =>
  environmentError({
    code: 'acme.not-shown',
    message: `not every name server of its zone shows ${name} after ${SHOWN_MS / 60_000} minutes`,
    remedy: 'See whether all of them get changes from the primary.',
  });

export const seenEverywhere = async (context: Context, input: RenderInput, record: Published): Promise<void> => {
  const { machine } = context;
  let looked = 0;
  const isShown = async (): Promise<boolean> => {
    const now = machine.now().getTime();
    if (Math.abs(now - looked) < LOOK_MS) return false;
    looked = now;
    return (await shownEverywhere(context, input, [record])).every(({ everywhere }) => everywhere);
  };
  if (!(await machine.waitFor(isShown, SHOWN_MS))) throw notShown(record.name);
};
