/** What a name server of this internet holds in a zone, by its own word (knotc(8), zone-read), whatever it would answer. */
import type { Internet } from './internet.ts';
import type { NameServerName } from './topology.ts';

/** Those of the name servers' own, and those that Knot makes by signing. */
const NOT_OURS = /^\S+ \d+ (?:SOA|NS|DS|DNSKEY|CDS|CDNSKEY|RRSIG|NSEC|NSEC3|NSEC3PARAM) /;

/** `NAME TTL TYPE VALUE` of all that a server holds in a zone; digits of digests in lower case. */
export const heldBy = async ({ names }: Pick<Internet, 'names'>, who: NameServerName, zone: string): Promise<readonly string[]> => {
  const { stdout } = await names.servers[who].must(['knotc', '-c', '/etc/knot/knot.conf', 'zone-read', `${zone}.`]);
  return stdout
    .split('\n')
    .map((line) => line.replace(/^\[[^\]]+\] /, '').trim())
    .filter((line) => line !== '' && !NOT_OURS.test(line))
    .map((line) => (line.includes(' TLSA ') ? line.toLowerCase().replace(' tlsa ', ' TLSA ') : line))
    .toSorted();
};
