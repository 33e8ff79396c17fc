/** A zone as the world meets it: the name servers that are named for it, above it and by itself, and which of them answer for it. */
import type { FoundRecord, Reply } from '#formats';
import type { Asker } from './asking.ts';
import { addressesOf, type Cut, cutsOf, holds, isTold, named, nameServersIn, parentOf, saidAbove } from './cuts.ts';

export interface NameServer {
  readonly name: string;
  /** The first of its addresses that answers for the zone; otherwise the first that it has. */
  readonly address: string | undefined;
  /** `lame`: it answers, but not for this zone. `nameless`: its name leads to no address. */
  readonly state: 'answers' | 'lame' | 'silent' | 'nameless';
  /** Of its answer for the start of authority. */
  readonly status: string | undefined;
  /** Version of the zone that it has. */
  readonly serial: number | undefined;
  /** Seconds for which others remember that a record is not there (RFC 2308 section 5). */
  readonly denied: number | undefined;
}

/** As the machine's resolver finds it: validated, without signatures, with wrong ones, with some that it could not validate, or not at all. */
export type Standing = 'secure' | 'insecure' | 'broken' | 'indeterminate' | 'dead';

export interface Zone {
  readonly name: string;
  readonly standing: Standing;
  /** Of a broken one whose start of authority is signed: until when. */
  readonly signedUntil: Date | undefined;
  readonly servers: readonly NameServer[];
  /** Names of servers, by whoever names them. Empty where nobody could be asked. */
  readonly namedAbove: readonly string[];
  readonly namedItself: readonly string[];
}

type Told = Pick<Reply, 'status' | 'flags'> | undefined;

/**
 * By the answers for the start of authority, the second one to the same question put again, and by those, without validation, for what signatures are
 * validated with. Where these do not come, through a network that lets no TCP through, say, SERVFAIL says nothing of signatures (RFC 4033 section 5).
 */
export const standingBy = (validated: readonly Told[], unvalidated: Told, proofs: readonly Told[]): Standing => {
  const good = validated.find((reply) => reply?.status === 'NOERROR');
  if (good !== undefined) return good.flags.has('ad') ? 'secure' : 'insecure';
  if (unvalidated?.status !== 'NOERROR') return 'dead';
  const isRefused = validated.every((reply) => reply?.status === 'SERVFAIL');
  return isRefused && proofs.every((reply) => reply?.status === 'NOERROR') ? 'broken' : 'indeterminate';
};

const standingOf = async ({ ask }: Asker, zone: string): Promise<Standing> => {
  const question = { name: zone, type: 'SOA' };
  const [validated, unvalidated] = await ask([question, { ...question, checkingDisabled: true }]);
  const first = standingBy([validated], unvalidated, []);
  if (first !== 'broken' && first !== 'indeterminate') return first;
  const proofs = ['DNSKEY', 'DS'].map((type) => ({ name: zone, type, checkingDisabled: true }));
  const [again, ...found] = await ask([{ ...question, again: true }, ...proofs]);
  return standingBy([validated, again], unvalidated, found);
};

/** `TYPE ALGORITHM LABELS TTL EXPIRATION INCEPTION ...` (RFC 4034 section 3.2), times as `YYYYMMDDHHmmSS`. */
const expirationOf = ({ text }: FoundRecord): readonly number[] => {
  const [, year, month, day, hour, minute, second] = /^SOA \d+ \d+ \d+ (\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d) /.exec(text) ?? [];
  return year === undefined ? [] : [Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)];
};

/** The last of its signatures counts. */
const signedUntil = async ({ one }: Asker, zone: string): Promise<Date | undefined> => {
  const reply = await one({ name: zone, type: 'SOA', checkingDisabled: true, signatures: true });
  const ends = named(reply?.answer ?? [], 'RRSIG', zone).flatMap(expirationOf);
  return ends.length === 0 ? undefined : new Date(Math.max(...ends));
};

/** `MNAME RNAME SERIAL REFRESH RETRY EXPIRE MINIMUM` */
const startOf = ({ ttl, text }: FoundRecord): Pick<NameServer, 'serial' | 'denied'> => {
  const [, , serial, , , , minimum] = text.split(' ').map(Number);
  return { serial, denied: Math.min(ttl, minimum ?? ttl) };
};

/** What a server's answer for the zone's start of authority makes of it. */
const judged = (name: string, address: string, reply: Reply | undefined, zone: string): NameServer => {
  const none = { serial: undefined, denied: undefined };
  if (reply === undefined) return { name, address, state: 'silent', status: undefined, ...none };
  const [start] = named(reply.answer, 'SOA', zone);
  if (!reply.flags.has('aa') || start === undefined) return { name, address, state: 'lame', status: reply.status, ...none };
  return { name, address, state: 'answers', status: reply.status, ...startOf(start) };
};

/** One that answers at one of its addresses answers: which of them this machine can reach is another matter. */
const RANK: readonly NameServer['state'][] = ['answers', 'lame', 'silent', 'nameless'];

const serverAt = async ({ ask }: Asker, zone: string, name: string, addresses: readonly string[]): Promise<NameServer> => {
  const replies = await ask(addresses.map((server) => ({ name: zone, type: 'SOA', server })));
  const each = addresses.map((address, index) => judged(name, address, replies[index], zone));
  const [best] = each.toSorted((a, b) => RANK.indexOf(a.state) - RANK.indexOf(b.state));
  return best ?? { name, address: undefined, state: 'nameless', status: undefined, serial: undefined, denied: undefined };
};

/** Addresses that the zone above has for names that cannot be looked up without it (glue). */
const glueOf = (reply: Reply | undefined, name: string): readonly string[] =>
  (reply?.additional ?? []).flatMap((record) =>
    record.name === name && (record.read?.type === 'A' || record.read?.type === 'AAAA') ? [record.read.data.address] : [],
  );

/** Where one server of several never answers, a resolver's first answer may take longer than anybody waits (Unbound 1.17.1: once 20 seconds). */
const resolvedAfterAll = async (asker: Asker, zone: string, servers: readonly NameServer[]): Promise<boolean> =>
  servers.some(({ state }) => state === 'answers') && isTold(await asker.one({ name: zone, type: 'SOA', checkingDisabled: true, again: true }));

const zoneAt = async (asker: Asker, { zone, resolved }: Cut): Promise<Zone> => {
  const own = resolved ? await asker.one({ name: zone, type: 'NS', checkingDisabled: true }) : undefined;
  const above = zone === '.' ? undefined : await saidAbove(asker, (await cutsOf(asker, [parentOf(zone)])).get(parentOf(zone))?.zone ?? '.', zone);
  const namedAbove = nameServersIn([...(above?.answer ?? []), ...(above?.authority ?? [])], zone);
  const namedItself = nameServersIn(own?.answer ?? [], zone);
  const names = [...new Set([...namedAbove, ...namedItself])].toSorted();
  // Of names in a zone that nobody answers for, only the zone above knows addresses.
  const asked = names.filter((name) => resolved || !holds(zone, name));
  const addresses = await addressesOf(asker, asked);
  const reached = (name: string): readonly string[] => {
    const found = addresses.get(name) ?? [];
    return found.length > 0 ? found : glueOf(above, name);
  };
  const servers = await Promise.all(names.map((name) => serverAt(asker, zone, name, reached(name))));
  const isResolved = resolved || (await resolvedAfterAll(asker, zone, servers));
  const standing = isResolved ? await standingOf(asker, zone) : 'dead';
  const until = standing === 'broken' ? await signedUntil(asker, zone) : undefined;
  return { name: zone, standing, signedUntil: until, servers, namedAbove, namedItself };
};

/** Of each name the zone that it lies in. */
export const zonesHolding = async (asker: Asker, names: readonly string[]): Promise<ReadonlyMap<string, Zone>> => {
  const cuts = await cutsOf(asker, names);
  const distinct = new Map([...cuts.values()].map((cut) => [cut.zone, cut]));
  const zones = new Map((await Promise.all([...distinct.values()].map((cut) => zoneAt(asker, cut)))).map((zone) => [zone.name, zone]));
  return new Map(
    [...cuts].flatMap(([name, { zone }]) => {
      const found = zones.get(zone);
      return found === undefined ? [] : [[name, found] as const];
    }),
  );
};
