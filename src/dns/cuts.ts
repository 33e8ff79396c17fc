/**
 * In which zone names really lie: the resolver is asked for the start of authority, which it brings also where there is no such name (RFC 2308
 * section 3). Where nobody in the zone answers, the zone above says where it begins.
 */
import { isWithin } from '#config';
import { environmentError } from '#base';
import type { FoundRecord, Reply } from '#formats';
import type { Asker, Question } from './asking.ts';

/** `resolved`: the resolver gets answers from it, validated or not. */
export interface Cut {
  readonly zone: string;
  readonly resolved: boolean;
}

export const parentOf = (name: string): string => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : '.');

export const holds = (zone: string, name: string): boolean => zone === '.' || isWithin(name, zone);

export const named = (records: readonly FoundRecord[], type: string, name?: string): readonly FoundRecord[] =>
  records.filter((record) => record.type === type && (name === undefined || record.name === name));

const soaOf = (name: string): Question => ({ name, type: 'SOA', checkingDisabled: true });

/** A name's start of authority stands in the answer if it is the zone's own, otherwise beside it; an alias has that of where it leads. */
const zoneIn = (reply: Reply, name: string): string | undefined => {
  const own = named(reply.answer, 'SOA', name)[0]?.name;
  const beside = named(reply.authority, 'SOA')[0]?.name;
  return own ?? (beside !== undefined && holds(beside, name) && named(reply.answer, 'CNAME').length === 0 ? beside : undefined);
};

/** That there is none is an answer, too. */
export const isTold = (reply: Reply | undefined): reply is Reply =>
  reply !== undefined && (reply.status === 'NOERROR' || reply.status === 'NXDOMAIN');

const noResolver = (): Error =>
  environmentError({
    code: 'dns.no-resolver',
    message: 'no name can be looked up from this machine, so nothing can be said of DNS',
    remedy: "Let it send to port 53 (UDP and TCP), and see 'hauspost status' for the service unbound.",
  });

/** Addresses of the name servers that a zone names, by the resolver; a few do. */
const SERVERS = 3;

export const addressesOf = async ({ ask }: Asker, names: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> => {
  const questions = names.flatMap((name) => (['A', 'AAAA'] as const).map((type) => ({ name, type, checkingDisabled: true })));
  const replies = await ask(questions);
  const found = (index: number): readonly string[] =>
    [replies[2 * index], replies[2 * index + 1]].flatMap((reply) =>
      (reply?.answer ?? []).flatMap(({ read }) => (read?.type === 'A' || read?.type === 'AAAA' ? [read.data.address] : [])),
    );
  return new Map(names.map((name, index) => [name, found(index)]));
};

export const nameServersIn = (records: readonly FoundRecord[], zone: string): readonly string[] =>
  named(records, 'NS', zone).map(({ text }) => text.replace(/(?<=.)\.$/, '').toLowerCase());

/** What the zone `above` says of `name`: the first answer of one of its servers. */
export const saidAbove = async (asker: Asker, above: string, name: string): Promise<Reply | undefined> => {
  const reply = await asker.one({ name: above, type: 'NS', checkingDisabled: true });
  const addresses = await addressesOf(asker, nameServersIn(reply?.answer ?? [], above).slice(0, SERVERS));
  for (const server of [...addresses.values()].flat()) {
    const said = await asker.one({ name, type: 'NS', server });
    if (isTold(said)) return said;
  }
  return undefined;
};

/** A zone that begins above or at `name`, of which nobody answers. */
const delegatedBelow = async (asker: Asker, above: string, name: string): Promise<Cut | undefined> => {
  const said = await saidAbove(asker, above, name);
  const zone = named(said?.authority ?? [], 'NS').find((record) => record.name !== above && holds(record.name, name))?.name;
  return zone === undefined ? undefined : { zone, resolved: false };
};

const labels = (name: string): number => name.split('.').length;

/** Of each name its zone. */
export const cutsOf = async (asker: Asker, names: readonly string[]): Promise<ReadonlyMap<string, Cut>> => {
  const dead: Cut[] = [];
  const inDead = (name: string): Cut | undefined => dead.find(({ zone }) => holds(zone, name));
  const cutOf = async (name: string): Promise<Cut> => {
    const reply = await asker.one(soaOf(name));
    const zone = isTold(reply) ? zoneIn(reply, name) : undefined;
    if (zone !== undefined) return { zone, resolved: true };
    // Some resolvers say of everything, the root as well, that it does not exist.
    if (name === '.') throw noResolver();
    if (isTold(reply)) return cutOf(parentOf(name));
    const above = inDead(parentOf(name)) ?? (await cutOf(parentOf(name)));
    return above.resolved ? ((await delegatedBelow(asker, above.zone, name)) ?? above) : above;
  };
  const found = new Map<string, Cut>();
  const levels = Map.groupBy(new Set(names), labels);
  // Short names first: below a zone that is dead each further question would be waited for.
  for (const [, level] of [...levels].toSorted(([a], [b]) => a - b)) {
    const alive = level.filter((name) => inDead(name) === undefined);
    await asker.ask(alive.map(soaOf));
    for (const name of alive) {
      const cut = await cutOf(name);
      if (!cut.resolved) dead.push(cut);
      found.set(name, cut);
    }
    for (const name of level) {
      const cut = inDead(name);
      if (cut !== undefined) found.set(name, cut);
    }
  }
  return found;
};
