/**
 * Asks all name servers of all zones, and the machine's resolver, for what is to be there, and judges what they say. What is wrong with a zone as a
 * whole is told once, and nothing more of its records.
 */
import { isIPv4 } from 'node:net';
import type { RecordData, Reply } from '#formats';
import type { Asker, Question } from '../asking.ts';
import { isTold, named } from '../cuts.ts';
import { type NameServer, type Zone, zonesHolding } from '../delegation.ts';
import type { DnsFacts } from '../facts.ts';
import type { Records } from '../records.ts';
import { isSame } from '../same.ts';
import { prepareSights, type Sight, sightsOf } from '../sights.ts';
import { checkHost } from './check-host.ts';
import { type Checked, isGood, together, type Voice } from './checked.ts';
import { type Expectation, expectationsOf, type GoneKey, type Ours, plainNames } from './expectation.ts';
import { judge, type Standing } from './judge.ts';
import { isText } from './texts.ts';
import type { Verdict } from './verdict.ts';

export interface CheckInput {
  readonly facts: DnsFacts;
  readonly records: Records;
  readonly gone: readonly GoneKey[];
  /** The resolver looks up by itself, so that what this machine cannot reach it cannot reach either. */
  readonly recursive: boolean;
}

export interface Outcome {
  readonly checked: readonly Checked[];
  readonly zones: readonly Zone[];
  /** Domains that the zone in which they would lie does not know, with that zone. */
  readonly unknown: ReadonlyMap<string, string>;
}

const data = (records: readonly { readonly read: RecordData | undefined }[]): readonly RecordData[] => records.flatMap(({ read }) => read ?? []);

/** Where a name that mail programs try is no alias, its addresses count. */
const typesOf = ({ kind, type }: Expectation): readonly string[] => (kind === 'client' ? [type, 'A', 'AAAA'] : [type]);

/** Stands for all name servers where none of them can be reached, but the resolver can ask others. */
const resolverAsServer = async (asker: Asker, name: string, type: string): Promise<readonly Sight[]> => {
  const reply = await asker.one({ name, type });
  const server: NameServer = {
    name: "this machine's resolver",
    address: undefined,
    state: 'answers',
    status: reply?.status,
    serial: undefined,
    denied: undefined,
  };
  return isTold(reply) ? [{ server, found: named(reply.answer, type), alias: undefined }] : [{ server, found: undefined, alias: undefined }];
};

const isReached = ({ servers }: Zone): boolean => servers.some(({ state }) => state === 'answers');

const byResolverAlone = (zone: Zone, { recursive }: CheckInput): boolean => !recursive && !isReached(zone) && zone.standing !== 'dead';

/** Where the text of an SPF record does not say it itself, what receivers make of it does. */
const judged = async (asker: Asker, expectation: Expectation, standing: Standing, ours: Ours): Promise<Verdict> => {
  const verdict = judge(expectation, standing, ours);
  const text = verdict.found.find(isText)?.data.text;
  if (verdict.state !== 'unevaluated' || text === undefined) return verdict;
  return judge(expectation, { ...standing, evaluated: await checkHost(asker, expectation.name, text, ours) }, ours);
};

const voicesOf = async (asker: Asker, input: CheckInput, zone: Zone, expectation: Expectation, ours: Ours): Promise<readonly Voice[]> => {
  const alone = byResolverAlone(zone, input);
  const look = (type: string): Promise<readonly Sight[]> =>
    alone ? resolverAsServer(asker, expectation.name, type) : sightsOf(asker, zone, expectation.name, type);
  const [main = [], ...beside] = await Promise.all(typesOf(expectation).map(look));
  const voiceOf = async ({ server, found, alias }: Sight, index: number): Promise<Voice> => {
    const addresses = data(beside.flatMap((sights) => sights[index]?.found ?? []));
    const shows = found === undefined ? [] : data(found);
    const standing = { found: shows, alias, ...(shows.length === 0 && beside.length > 0 ? { addresses } : {}) };
    return { server, shows, alias, verdict: found === undefined ? undefined : await judged(asker, expectation, standing, ours) };
  };
  return Promise.all(main.map(voiceOf));
};

/** Seconds that a resolver goes on with this answer, or with there being none (RFC 2308 section 5). */
const lifeOf = (reply: Reply): number =>
  Math.max(0, ...(reply.answer.length > 0 ? reply.answer : named(reply.authority, 'SOA')).map(({ ttl }) => ttl));

/** Not of names that mail programs try: whether they are an alias or have addresses, the one answer of the resolver does not say. */
const staleIn = async (asker: Asker, expectation: Expectation, ours: Ours): Promise<Checked['stale']> => {
  const { name, type, kind } = expectation;
  const reply = await asker.one({ name, type });
  if (kind === 'client' || !isTold(reply)) return undefined;
  const shows = data(named(reply.answer, type));
  const first = named(reply.answer, 'CNAME', name)[0]?.read;
  const alias = first?.type === 'CNAME' ? first.data.target : undefined;
  const verdict = await judged(asker, expectation, { found: shows, alias }, ours);
  return isGood(verdict) || verdict.state === 'unevaluated' ? undefined : { shows, seconds: lifeOf(reply) };
};

/** Both ways (RFC 8499, "forward-confirmed"): the address has a name, and the name has the address. */
const leadsBack = async (asker: Asker, { kind, of }: Expectation, found: readonly RecordData[]): Promise<boolean | undefined> => {
  const names = found.flatMap((record) => (record.type === 'PTR' ? [record.data.target] : []));
  if (kind !== 'ptr' || names.length === 0) return undefined;
  const type = isIPv4(of) ? 'A' : 'AAAA';
  const replies = await asker.ask(names.map((name) => ({ name, type })));
  const address: RecordData = { type, data: { address: of } };
  return replies.some((reply) => data(reply?.answer ?? []).some((record) => isSame(record, address)));
};

const isBogus = async (asker: Asker, { standing }: Zone, { name, type }: Expectation): Promise<boolean> => {
  if (standing !== 'secure' && standing !== 'insecure') return false;
  for (const again of [{}, { again: true }] as const) if ((await asker.one({ name, type, ...again }))?.status !== 'SERVFAIL') return false;
  return isTold(await asker.one({ name, type, checkingDisabled: true }));
};

const checkOne = async (asker: Asker, input: CheckInput, zone: Zone, expectation: Expectation, ours: Ours): Promise<Checked> => {
  const voices = await voicesOf(asker, input, zone, expectation, ours);
  const result = together(voices);
  const alive = zone.standing === 'secure' || zone.standing === 'insecure';
  const stale = alive && (result.state === 'right' || result.state === 'differs') ? await staleIn(asker, expectation, ours) : undefined;
  const bogus = await isBogus(asker, zone, expectation);
  const back = await leadsBack(asker, expectation, result.found);
  return { expectation, zone, ...result, leadsBack: back, ...(stale === undefined ? {} : { state: 'stale' as const }), voices, stale, bogus };
};

/** Domains that do not lie in a zone of their own, and of which that zone knows nothing at all. */
const unknownDomains = async (asker: Asker, domains: readonly string[], zones: ReadonlyMap<string, Zone>): Promise<ReadonlyMap<string, string>> => {
  const found = await Promise.all(
    domains.map(async (domain) => {
      const zone = zones.get(domain);
      if (zone === undefined || zone.name === domain || !isReached(zone)) return [];
      const servers = zone.servers.filter(({ state }) => state === 'answers').flatMap(({ address }) => address ?? []);
      const replies = await asker.ask(servers.map((server) => ({ name: domain, type: 'SOA', server })));
      return replies.every((reply) => reply?.status === 'NXDOMAIN') ? [[domain, zone.name] as const] : [];
    }),
  );
  return new Map(found.flat());
};

/** In a zone that the resolver gets no answer from, each question would be waited for. */
const prepare = async (asker: Asker, expectations: readonly Expectation[], zones: ReadonlyMap<string, Zone>): Promise<void> => {
  const placed = expectations.flatMap((expectation) => {
    const zone = zones.get(expectation.name);
    return zone === undefined ? [] : typesOf(expectation).map((type) => ({ zone, name: expectation.name, type }));
  });
  const questions: readonly Question[] = placed.filter(({ zone }) => zone.standing !== 'dead').map(({ name, type }) => ({ name, type }));
  await Promise.all([prepareSights(asker, placed), asker.ask(questions)]);
};

export const check = async (asker: Asker, input: CheckInput): Promise<Outcome> => {
  const expectations = expectationsOf(input.facts, input.records, input.gone);
  const domains = [...new Set(expectations.filter(({ kind }) => kind !== 'ptr').map(({ of }) => of))];
  const zones = await zonesHolding(asker, [...domains, ...expectations.map(({ name }) => name)]);
  await prepare(asker, expectations, zones);
  const ours = { ...input.facts, plain: plainNames(expectations) };
  const checked = await Promise.all(
    expectations.flatMap((expectation) => {
      const zone = zones.get(expectation.name);
      return zone === undefined ? [] : [checkOne(asker, input, zone, expectation, ours)];
    }),
  );
  return {
    checked,
    zones: [...new Set(expectations.flatMap(({ name }) => zones.get(name) ?? []))],
    unknown: await unknownDomains(asker, domains, zones),
  };
};
