/**
 * Who is who in the private internet: names, addresses, zones and who serves them. Names end in `example`, since Unbound by itself says
 * that `test` has none (RFC 6761, section 6.2); addresses are for benchmarks (RFC 2544, RFC 5180), which no program takes for private ones.
 */
import type { Addresses } from '../network.ts';

/** The same number in both families; up to 9999. */
export const addressesOf = (number: number): Addresses => ({
  v4: `198.18.${Math.floor(number / 250)}.${(number % 250) + 1}`,
  v6: `2001:2::${number + 1}`,
});

export const ROOT = addressesOf(0);
export const REGISTRY = addressesOf(1);
export const PRIMARY = addressesOf(2);
export const SECONDARY = addressesOf(3);
/** Whom the hosts that are not ours ask for names; it validates, too. */
export const RESOLVER = addressesOf(4);
export const CERTIFICATE_AUTHORITY = addressesOf(6);
export const RECORDER = addressesOf(7);
/** Where people sit. */
export const PEOPLE = addressesOf(8);
/** Nobody is there. */
export const DEAD = addressesOf(9);

export type NameServerName = 'root' | 'registry' | 'primary' | 'secondary';

export const NAME_SERVERS: Readonly<Record<NameServerName, Addresses>> = { root: ROOT, registry: REGISTRY, primary: PRIMARY, secondary: SECONDARY };

/** How far a validating resolver believes a zone. */
export type Chain = 'secure' | 'insecure' | 'bogus' | 'expired';

export interface Zone {
  /** With the dot at its end. */
  readonly name: string;
  /** Where it is written and signed. */
  readonly at: 'root' | 'registry' | 'primary';
  /** `insecure`: not signed. `bogus`: signed with a key that the delegation does not know. `expired`: signed so long ago that it does not count any more. */
  readonly chain: Chain;
  /** Beside the one where it is written: `secondary` gets it by transfer, `dead` is a name server that never answers. */
  readonly second?: 'secondary' | 'dead';
}

const REVERSE_V4 = '18.198.in-addr.arpa.';
const REVERSE_V6 = '0.0.0.0.2.0.0.0.1.0.0.2.ip6.arpa.';

/** Parents before their children. */
export const ZONES: readonly Zone[] = [
  { name: '.', at: 'root', chain: 'secure' },
  { name: 'test.', at: 'registry', chain: 'secure' },
  { name: 'example.', at: 'registry', chain: 'secure' },
  { name: REVERSE_V4, at: 'registry', chain: 'secure', second: 'secondary' },
  { name: REVERSE_V6, at: 'registry', chain: 'secure', second: 'secondary' },
  { name: 'house.example.', at: 'primary', chain: 'secure', second: 'secondary' },
  { name: 'club.example.', at: 'primary', chain: 'secure', second: 'secondary' },
  { name: 'lame.example.', at: 'primary', chain: 'secure', second: 'dead' },
  { name: 'unsigned.example.', at: 'primary', chain: 'insecure' },
  { name: 'broken.example.', at: 'primary', chain: 'bogus' },
  { name: 'lapsed.example.', at: 'primary', chain: 'expired' },
  { name: 'blocked.example.', at: 'primary', chain: 'secure' },
  { name: 'welcome.example.', at: 'primary', chain: 'secure' },
  { name: 'far.test.', at: 'primary', chain: 'secure', second: 'secondary' },
];

export const within = (name: string, zone: string): boolean => zone === '.' || name === zone || name.endsWith(`.${zone}`);

/** The zone that `name` (with its dot) belongs to. */
export const zoneOf = (name: string): Zone => {
  const found = ZONES.filter((zone) => within(name, zone.name)).toSorted((a, b) => b.name.length - a.name.length)[0];
  if (found === undefined) throw new Error(`no zone holds ${name}`);
  return found;
};

/** The zone that delegates to it. */
export const parentOf = ({ name }: Zone): Zone => {
  const found = ZONES.filter((zone) => zone.name !== name && within(name, zone.name)).toSorted((a, b) => b.name.length - a.name.length)[0];
  if (found === undefined) throw new Error(`${name} has no parent`);
  return found;
};

/** The eight groups of an address as `x::y` or `x:y::z` writes it, in full. */
const groupsOf = (v6: string): readonly string[] => {
  const [head = '', tail = ''] = v6.split('::');
  const [before, after] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''));
  const missing = 8 - (before?.length ?? 0) - (after?.length ?? 0);
  return [...(before ?? []), ...Array.from({ length: missing }, () => '0'), ...(after ?? [])].map((group) => group.padStart(4, '0'));
};

/** The names under which the addresses' PTR records lie (RFC 1035 section 3.5, RFC 3596 section 2.5). */
export const reverseOf = ({ v4, v6 }: Addresses): { readonly v4: string; readonly v6: string } => ({
  v4: `${v4.split('.').toReversed().join('.')}.in-addr.arpa.`,
  v6: `${[...groupsOf(v6).join('')].toReversed().join('.')}.ip6.arpa.`,
});
