/**
 * What a zone has against what it is to have. A record is ours if Hauspost has published it, if it says exactly what one of ours is to say, or if it
 * stands where a DKIM key of ours does. All others stay as they are; where one of them stands in the way of ours, that is a conflict, and nothing of
 * that name and type changes. Pure.
 */
import type { FoundRecord } from '#formats';
import { type Identity, identityOf } from './ownership.ts';
import type { DnsRecord } from './record.ts';
import { isSame } from './same.ts';

/** All of one name and type that is to be, which may be nothing any more. */
export interface Wanted {
  readonly name: string;
  readonly type: string;
  readonly zone: string;
  readonly records: readonly DnsRecord[];
}

/** What there is of that name and type, and of others that cannot stand beside it. */
export interface There {
  readonly same: readonly FoundRecord[];
  readonly others: readonly FoundRecord[];
}

export interface Conflict {
  readonly name: string;
  /** Of what is there. */
  readonly type: string;
  readonly found: readonly string[];
  readonly wanted: readonly DnsRecord[];
}

export interface Difference extends Wanted {
  readonly there: There;
  readonly add: readonly DnsRecord[];
  readonly remove: readonly FoundRecord[];
  readonly kept: readonly DnsRecord[];
  /** Of others, and left alone. */
  readonly foreign: readonly FoundRecord[];
  readonly conflicts: readonly Conflict[];
}

export interface Rights {
  readonly published: ReadonlySet<Identity>;
  /** Of conflicts, as `placeKey` has it: what is there goes. */
  readonly takeOver: ReadonlySet<string>;
  /** What is not to vanish, although it is wanted no longer. */
  readonly spared: (wanted: Wanted) => boolean;
}

/** As the operator types it. */
export const placeKey = ({ name, type }: { readonly name: string; readonly type: string }): string => `${name}/${type}`;

/** Texts of which a name may have one (RFC 7208 section 4.5, RFC 9989). */
const KINDS: readonly RegExp[] = [/^v=spf1(?: |$)/i, /^v=dmarc1\s*(?:;|$)/i];

const textOf = (record: Pick<FoundRecord, 'read'> | DnsRecord): string => {
  const data = 'read' in record ? record.read : record;
  return data?.type === 'TXT' ? data.data.text : '';
};

const competes = (found: FoundRecord, wanted: readonly DnsRecord[]): boolean =>
  KINDS.some((kind) => kind.test(textOf(found)) && wanted.some((record) => kind.test(textOf(record))));

/** Of these others may have any number beside ours. */
const SHARED = new Set(['TLSA', 'CAA']);

const isInTheWay = (found: FoundRecord, { type, records }: Wanted): boolean => {
  if (records.length === 0 || (found.type === type && SHARED.has(type))) return false;
  return type !== 'TXT' || found.type !== 'TXT' || competes(found, records);
};

const says = (found: FoundRecord, record: DnsRecord): boolean => found.read !== undefined && isSame(found.read, record);

/** `hDATE._domainkey`: the name is made by us, and no one else signs with it. */
const isOfOurKey = ({ type, records }: Wanted): boolean => type === 'TXT' && records.some(({ name }) => name.includes('._domainkey.'));

const isOurs = (found: FoundRecord, wanted: Wanted, { published }: Rights): boolean =>
  (found.read !== undefined && published.has(identityOf({ ...found.read, name: found.name }))) ||
  wanted.records.some((record) => says(found, record)) ||
  (found.type === 'TXT' && isOfOurKey(wanted));

const conflictsOf = ({ name, records }: Wanted, inTheWay: readonly FoundRecord[]): readonly Conflict[] =>
  [...Map.groupBy(inTheWay, ({ type }) => type)].map(([type, some]) => ({ name, type, found: some.map(({ text }) => text), wanted: records }));

/** Of one name and type all records live equally long (RFC 2181 section 5.2): beside those of others ours live as long as they do. */
const lifeOf = (there: There, foreign: readonly FoundRecord[]): number | undefined => (foreign.length > 0 ? there.same[0]?.ttl : undefined);

export const differenceOf = (wanted: Wanted, there: There, rights: Rights): Difference => {
  const all = [...there.same, ...there.others];
  const theirs = all.filter((found) => !isOurs(found, wanted, rights));
  const inTheWay = theirs.filter((found) => isInTheWay(found, wanted));
  const conflicts = conflictsOf(wanted, inTheWay);
  const open = conflicts.filter((conflict) => !rights.takeOver.has(placeKey(conflict)));
  const foreign = theirs.filter((found) => found.type === wanted.type && !inTheWay.includes(found));
  const base = { ...wanted, there, foreign, conflicts: open };
  const here = wanted.records.filter((record) => there.same.some((found) => says(found, record)));
  if (open.length > 0) return { ...base, add: [], remove: [], kept: here };
  const life = lifeOf(there, foreign);
  const lives = (record: DnsRecord): DnsRecord => ({ ...record, ttl: life ?? record.ttl });
  const inTime = here.filter((record) => there.same.some((found) => says(found, record) && found.ttl === lives(record).ttl));
  const stays = (found: FoundRecord): boolean => foreign.includes(found) || inTime.some((record) => says(found, record));
  const gone = there.same.filter((found) => !stays(found));
  const spared = gone.filter((found) => !here.some((record) => says(found, record)) && rights.spared(wanted));
  return {
    ...base,
    add: wanted.records.filter((record) => !inTime.includes(record)).map(lives),
    remove: [...gone.filter((found) => !spared.includes(found)), ...inTheWay.filter((found) => found.type !== wanted.type)],
    kept: inTime,
  };
};
