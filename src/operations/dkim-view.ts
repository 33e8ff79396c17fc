/** What DNS shows of keys: every name server of the zone is asked; in profile `local` nobody outside, since nobody outside sees us. */
import { HauspostError } from '#base';
import { homeDomain } from '#config';
import { type DkimKey, recordName, type Seen } from '#dkim';
import { type Asker, asker, type NameServer, prepareSights, type Sight, sightsOf, type Zone, zonesHolding } from '#dns';
import { type FoundRecord, parseDkimRecord } from '#formats';
import type { RenderInput } from '#model';
import type { Context } from './operation.ts';

export interface Look extends Seen {
  /** Servers that show something else by that name, and what. */
  readonly others: readonly { readonly server: string; readonly text: string }[];
}

type Wanted = Pick<DkimKey, 'domain' | 'selector' | 'publicKey'>;
type Looks = ReadonlyMap<string, Look>;

/** RFC 2308, section 5: more than a day has proved to be a problem, and resolvers remember less. */
const MOST_DENIED = 86_400;

const textsIn = (found: readonly FoundRecord[]): readonly string[] => found.flatMap(({ read }) => (read?.type === 'TXT' ? [read.data.text] : []));

/** With another one beside it verifiers may take either (RFC 6376, section 3.6.2.2). */
const isAlone = (texts: readonly string[], publicKey: string): boolean => texts.length === 1 && parseDkimRecord(texts[0] ?? '') === publicKey;

const sightIn = (server: NameServer, sights: readonly Sight[]): Sight | undefined => sights.find((sight) => sight.server.name === server.name);

const missingAt = (server: NameServer, sights: readonly Sight[], publicKey: string): readonly string[] => {
  const found = sightIn(server, sights)?.found;
  if (server.state !== 'answers' || found === undefined) return [`${server.name} does not answer for the zone`];
  const texts = textsIn(found);
  if (isAlone(texts, publicKey)) return [];
  return [texts.length === 0 ? `${server.name} does not show it` : `${server.name} shows something else`];
};

const lookOf = async (asking: Asker, zone: Zone | undefined, wanted: Wanted): Promise<Look> => {
  if (zone === undefined || zone.servers.length === 0)
    return { everywhere: false, why: `nobody answers for a zone that holds ${wanted.domain}`, negativeTtl: 0, others: [] };
  const sights = await sightsOf(asking, zone, recordName(wanted), 'TXT');
  const missing = zone.servers.flatMap((server) => missingAt(server, sights, wanted.publicKey));
  const others = sights.flatMap(({ server, found }) => {
    const texts = textsIn(found ?? []);
    return isAlone(texts, wanted.publicKey) ? [] : texts.map((text) => ({ server: server.name, text }));
  });
  const negativeTtl = Math.min(MOST_DENIED, Math.max(0, ...zone.servers.map(({ denied = 0 }) => denied)));
  return { everywhere: missing.length === 0, why: missing.join('; '), negativeTtl, others };
};

/** Our resolver has the home domain's records (dkim-resolver.ts); those of other domains nobody asks for. */
const lookHere = async (asking: Asker, { settings }: RenderInput, wanted: Wanted): Promise<Look> => {
  const there = { everywhere: true, why: '', negativeTtl: 0, others: [] };
  if (wanted.domain !== homeDomain(settings)) return there;
  const reply = await asking.one({ name: recordName(wanted), type: 'TXT' });
  return isAlone(textsIn(reply?.answer ?? []), wanted.publicKey)
    ? there
    : { ...there, everywhere: false, why: "the server's own resolver does not show it; 'hauspost apply' tells it" };
};

/** Of profile `local`: keys of the home domain of which our resolver, if it answers, shows no record. */
export const deniedHere = async ({ machine }: Context, { wiring }: RenderInput, keys: readonly DkimKey[]): Promise<readonly DkimKey[]> => {
  const replies = await asker(machine, wiring.resolver).ask(keys.map((key) => ({ name: recordName(key), type: 'TXT' })));
  return keys.filter(({ publicKey }, index) => {
    const reply = replies[index];
    return reply !== undefined && !isAlone(textsIn(reply.answer), publicKey);
  });
};

/** By the names of the records. */
export const lookAtKeys = async (context: Context, input: RenderInput, wanted: readonly Wanted[]): Promise<Looks> => {
  if (wanted.length === 0) return new Map();
  const asking = asker(context.machine, input.wiring.resolver);
  if (input.settings.profile === 'local')
    return new Map(await Promise.all(wanted.map(async (one) => [recordName(one), await lookHere(asking, input, one)] as const)));
  const zones = await zonesHolding(asking, wanted.map(recordName));
  await prepareSights(
    asking,
    wanted.flatMap((one) => {
      const zone = zones.get(recordName(one));
      return zone === undefined ? [] : [{ zone, name: recordName(one), type: 'TXT' }];
    }),
  );
  return new Map(await Promise.all(wanted.map(async (one) => [recordName(one), await lookOf(asking, zones.get(recordName(one)), one)] as const)));
};

/** The same; where nobody can be asked at this moment nobody has looked. */
export const seenInDns = async (context: Context, input: RenderInput, wanted: readonly Wanted[]): Promise<Looks> => {
  try {
    return await lookAtKeys(context, input, wanted);
  } catch (error) {
    if (error instanceof HauspostError && error.code.startsWith('dns.')) return new Map();
    throw error;
  }
};
