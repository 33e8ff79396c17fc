/** What stands in the zones: who serves them, how they hang together, and the records of the hosts. */
import type { Addresses } from '../network.ts';
import type { Facts } from './layer.ts';
import { DEAD, NAME_SERVERS, parentOf, reverseOf, type Zone, ZONES, zoneOf } from './topology.ts';

/** As a line of a zone file without time to live and class: `mail.right.example. A 198.18.0.20`. All names in full, with the dot at their end. */
export type ZoneLine = string;

/** Of every record: a test that changes one does not wait long for whoever remembers it. */
export const TTL = 60;

const SERVERS: Readonly<Record<string, Addresses>> = {
  'a.root.example.': NAME_SERVERS.root,
  'registry.example.': NAME_SERVERS.registry,
  'ns1.example.': NAME_SERVERS.primary,
  'ns2.example.': NAME_SERVERS.secondary,
  'gone.example.': DEAD,
};

const FIRST = { root: 'a.root.example.', registry: 'registry.example.', primary: 'ns1.example.' } as const;
const SECOND = { secondary: 'ns2.example.', dead: 'gone.example.' } as const;

const serversOf = ({ at, second }: Zone): readonly string[] => [FIRST[at], ...(second === undefined ? [] : [SECOND[second]])];

/**
 * How long it is remembered that a name does not exist (RFC 2308, section 4). A resolver that validates concludes from one such answer that
 * all names between two others do not (RFC 8198): a name that a test adds would not be there until that is forgotten.
 */
const DENIED = 0;

/** Both addresses of a name. */
export const addressLines = (name: string, { v4, v6 }: Addresses): readonly ZoneLine[] => [`${name} A ${v4}`, `${name} AAAA ${v6}`];

/** Both addresses lead back to `name`. */
export const reverseLines = (addresses: Addresses, name: string): readonly ZoneLine[] =>
  Object.values(reverseOf(addresses)).map((reverse) => `${reverse} PTR ${name}`);

/** What a list in DNS says of both addresses: an A record for each of its `answers` (RFC 5782, sections 2.1 and 2.4). */
export const listingLines = (addresses: Addresses, zone: string, ...answers: readonly string[]): readonly ZoneLine[] =>
  Object.values(reverseOf(addresses)).flatMap((reverse) =>
    answers.map((answer) => `${reverse.replace(/(?:in-addr|ip6)\.arpa\.$/, zone)} A ${answer}`),
  );

const glue = (zone: Zone): readonly ZoneLine[] => serversOf(zone).flatMap((name) => addressLines(name, SERVERS[name] ?? DEAD));

/** The registry vouches for a key that the zone does not have. */
const digestOf = ({ name, chain }: Zone, { ds }: Facts): string => {
  const digest = ds[name] ?? '';
  return chain === 'bogus' ? digest.replace(/.$/, (last) => (last === '0' ? '1' : '0')) : digest;
};

const delegation = (zone: Zone, facts: Facts): readonly ZoneLine[] => [
  ...serversOf(zone).map((server) => `${zone.name} NS ${server}`),
  ...(zone.chain === 'insecure' ? [] : [`${zone.name} DS ${digestOf(zone, facts)}`]),
];

/** The zone that a line belongs to. */
export const homeOf = (line: ZoneLine): Zone => zoneOf(line.split(' ')[0] ?? '');

const own = (zone: Zone): readonly ZoneLine[] => [
  `${zone.name} SOA ${serversOf(zone)[0]} hostmaster.example. 1 3600 600 86400 ${DENIED}`,
  ...serversOf(zone).map((server) => `${zone.name} NS ${server}`),
];

/** The text of a zone's file. `lines` are of any zone; those that belong here are taken. */
export const zoneFile = (zone: Zone, facts: Facts, lines: readonly ZoneLine[]): string => {
  const below = ZONES.filter((each) => each.name !== '.' && parentOf(each) === zone);
  const all = new Set([
    ...own(zone),
    ...below.flatMap((each) => [...delegation(each, facts), ...glue(each)]),
    ...glue(zone),
    ...lines.filter((line) => homeOf(line) === zone),
  ]);
  // What is said of name servers that have a home elsewhere stands there.
  const inZone = [...all].filter((line) => zone.name === '.' || line.split(' ')[0]?.endsWith(zone.name) === true);
  return `$TTL ${TTL}\n${inZone.map((line) => line.replace(' ', ' IN ')).join('\n')}\n`;
};
