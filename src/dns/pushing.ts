/** What is to be changed at the name server that takes changes of our zones. Reads only. */
import { isWithin } from '#config';
import type { FoundRecord } from '#formats';
import { type Difference, differenceOf, type Rights, type There, type Wanted } from './difference.ts';
import { identityOf, placeOf } from './ownership.ts';
import type { DnsRecord } from './record.ts';
import type { Asked, UpdateServer } from './update-server.ts';

export interface Pushed {
  readonly zone: string;
  readonly differences: readonly Difference[];
}

/** What cannot be published there. */
export interface Elsewhere {
  readonly record: DnsRecord;
  readonly why: string;
}

export interface PushPlan {
  readonly zones: readonly Pushed[];
  readonly elsewhere: readonly Elsewhere[];
}

export interface PushRequest extends Rights {
  /** What is to be. */
  readonly wanted: readonly DnsRecord[];
  /** Also what is not to be published this time: none of it is to vanish. */
  readonly all: readonly DnsRecord[];
  /** Where what is wanted no longer vanishes; without it everywhere. */
  readonly within: string | undefined;
}

const key = ({ name, type }: Asked): string => `${name} ${type}`;

/** What an alias cannot stand beside (RFC 1034 section 3.6.2) and somebody may have there. */
const BESIDE = ['A', 'AAAA', 'MX', 'TXT'];

type Place = Omit<Wanted, 'zone'>;

const placesOf = ({ wanted, all, within, published }: PushRequest): readonly Place[] => {
  const groups = [...Map.groupBy(wanted, key).values()].flatMap((records) => {
    const [first] = records;
    return first === undefined ? [] : [{ name: first.name, type: first.type, records }];
  });
  const needed = new Set(all.map(key));
  const old = new Map([...published].map(placeOf).map((place) => [key(place), place]));
  const vanishing = [...old.values()].filter((place) => !needed.has(key(place)) && (within === undefined || isWithin(place.name, within)));
  return [...groups, ...vanishing.map((place) => ({ ...place, records: [] }))];
};

const questionsFor = ({ name, type, records }: Place): readonly Asked[] => [
  { name, type },
  ...(type === 'CNAME' && records.length > 0 ? BESIDE.map((beside) => ({ name, type: beside })) : []),
];

type Found = ReadonlyMap<string, readonly FoundRecord[]>;

const thereOf = (found: Found, place: Place): There => {
  const here = questionsFor(place).flatMap((question) => found.get(key(question)) ?? []);
  const [same, others] = [here.filter(({ type }) => type === place.type), here.filter(({ type }) => type !== place.type)];
  // Each question is answered with the alias, if there is one.
  return {
    same: same.filter((each, index) => same.findIndex(({ text }) => text === each.text) === index),
    others: place.records.length > 0 ? others : [],
  };
};

const foundAt = async (server: UpdateServer, places: readonly Place[]): Promise<Found> => {
  const questions = [...new Map(places.flatMap(questionsFor).map((question) => [key(question), question])).values()];
  const replies = await server.found(questions);
  return new Map(questions.map((question, index) => [key(question), replies[index] ?? []]));
};

export const isChange = ({ add, remove }: Difference): boolean => add.length > 0 || remove.length > 0;

/** Names at which nothing is, although the server answers for them. Asked only of names where it matters and that are not known to be ours. */
const namesOfWildcards = async (
  server: UpdateServer,
  differences: readonly Difference[],
  { published }: Pick<Rights, 'published'>,
): Promise<ReadonlySet<string>> => {
  const isStrange = (found: FoundRecord): boolean => found.read === undefined || !published.has(identityOf({ ...found.read, name: found.name }));
  const inQuestion = differences.filter(
    (each) => each.name !== each.zone && (isChange(each) || each.conflicts.length > 0) && [...each.there.same, ...each.there.others].some(isStrange),
  );
  const zones = new Map(inQuestion.map(({ name, zone }) => [name, zone]));
  const unused = new Set<string>();
  for (const [name, zone] of zones) if (await server.isUnused(zone, name)) unused.add(name);
  return unused;
};

/** Throws where the server does not answer, or takes nothing from the key. */
export const lookAt = async (server: UpdateServer, request: PushRequest): Promise<PushPlan> => {
  const places = placesOf(request);
  const homes = await server.homes([...new Set(places.map(({ name }) => name))]);
  const placed = places.flatMap((place) => {
    const home = homes.get(place.name);
    return home !== undefined && 'zone' in home ? [{ place, zone: home.zone }] : [];
  });
  const found = await foundAt(
    server,
    placed.map(({ place }) => place),
  );
  const differences = placed.map(({ place, zone }) => {
    const records = place.records.map((record) => ({ ...record, zone }));
    return differenceOf({ ...place, records, zone }, thereOf(found, place), request);
  });
  const synthesized = await namesOfWildcards(server, differences, request);
  const real = differences.map((each) => (synthesized.has(each.name) ? differenceOf(each, { same: [], others: [] }, request) : each));
  const elsewhere = places.flatMap(({ name, records }) => {
    const home = homes.get(name);
    return home !== undefined && 'elsewhere' in home ? records.map((record) => ({ record, why: home.elsewhere })) : [];
  });
  return { zones: [...Map.groupBy(real, ({ zone }) => zone)].map(([zone, some]) => ({ zone, differences: some })), elsewhere };
};

/** As each name and type of these is there now; for who has just changed them. */
export const lookAgain = async (server: UpdateServer, differences: readonly Difference[]): Promise<readonly There[]> => {
  const found = await foundAt(server, differences);
  return differences.map((difference) => thereOf(found, difference));
};
