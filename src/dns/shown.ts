/** Whether the whole world can see a record: every name server of its zone shows it. */
import type { FoundRecord, RecordData } from '#formats';
import type { Asker } from './asking.ts';
import { type NameServer, type Zone, zonesHolding } from './delegation.ts';
import { isSame, isSameKey } from './same.ts';
import { prepareSights, type Sight, sightsOf } from './sights.ts';

/** A record that is to be seen. */
export type Published = RecordData & { readonly name: string };

export interface Shown {
  readonly record: Published;
  readonly zone: string;
  readonly everywhere: boolean;
  /** `absent`: the server answers, and has no such record. */
  readonly servers: readonly { readonly name: string; readonly address: string | undefined; readonly state: 'shown' | 'absent' | Unasked }[];
  /** Seconds. Of all records of that name and type the highest time to live that a server gave, or for which it says that there is none. */
  readonly ttl: number;
  /** What else stands there, of that name and type, as in a zone file. */
  readonly others: readonly string[];
}

type Unasked = Exclude<NameServer['state'], 'answers'>;

const says =
  (wanted: RecordData) =>
  ({ read }: FoundRecord): boolean =>
    read !== undefined && (isSame(read, wanted) || (read.type === 'TXT' && wanted.type === 'TXT' && isSameKey(read.data.text, wanted.data.text)));

const stateOf = (record: RecordData, sight: Sight): Shown['servers'][number]['state'] => {
  if (sight.found === undefined) return 'silent';
  return sight.found.some(says(record)) ? 'shown' : 'absent';
};

/** For how long somebody may go on with what this server said a moment ago. */
const lifeOf = ({ found, server }: Sight): number =>
  found === undefined || found.length === 0 ? (server.denied ?? 0) : Math.max(...found.map(({ ttl }) => ttl));

const shownOne = async (asker: Asker, zone: Zone, record: Published): Promise<Shown> => {
  const sights = await sightsOf(asker, zone, record.name, record.type);
  const servers = zone.servers.map(({ name, address, state }) => {
    const sight = sights.find(({ server }) => server.name === name);
    return { name, address, state: state === 'answers' ? (sight === undefined ? ('silent' as const) : stateOf(record, sight)) : state };
  });
  return {
    record,
    zone: zone.name,
    everywhere: servers.length > 0 && servers.every(({ state }) => state === 'shown'),
    servers,
    ttl: Math.max(0, ...sights.map(lifeOf)),
    others: [...new Set(sights.flatMap(({ found = [] }) => found.filter((each) => !says(record)(each)).map(({ text }) => text)))],
  };
};

/** In the order of the records. Asks afresh: a second call does not know of the first where it has an asker of its own. */
export const shownBy = async (asker: Asker, records: readonly Published[]): Promise<readonly Shown[]> => {
  const zones = await zonesHolding(
    asker,
    records.map(({ name }) => name),
  );
  const wanted = records.flatMap((record) => {
    const zone = zones.get(record.name);
    return zone === undefined ? [] : [{ record, zone, name: record.name, type: record.type }];
  });
  await prepareSights(asker, wanted);
  return Promise.all(wanted.map(({ record, zone }) => shownOne(asker, zone, record)));
};
