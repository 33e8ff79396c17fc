/** In words: what is wrong with a zone as a whole, once for all of its records. */
import { isIPv6 } from 'node:net';
import type { Finding } from '#model';
import type { NameServer, Zone } from '../delegation.ts';
import { holds } from '../cuts.ts';
import type { Outcome } from './check.ts';
import { plural } from './words.ts';

export interface View {
  readonly now: Date;
  /** The resolver validates, so that it knows whether a zone is signed. */
  readonly validates: boolean;
  /** This machine reaches addresses of IPv6. */
  readonly ipv6: boolean;
  /** The server has a TLSA record. */
  readonly dane: boolean;
}

const finding = (level: Finding['level'], code: string, message: string, remedy: string): Finding => ({ level, code, message, remedy });

const SAID: Readonly<Record<NameServer['state'], string>> = {
  answers: 'answers',
  lame: 'does not serve it',
  silent: 'does not answer',
  nameless: 'has no address',
};

const serverText = ({ name, address, state, status }: NameServer): string =>
  `${name}${address === undefined ? '' : ` (${address})`} ${SAID[state]}${state === 'lame' && status !== undefined ? ` (${status})` : ''}`;

const isReached = ({ servers }: Zone): boolean => servers.some(({ state }) => state === 'answers');

const dead = (zone: Zone): Finding => {
  const who = zone.servers.length === 0 ? 'it has none that anybody names' : zone.servers.map(serverText).join(', ');
  return finding(
    'error',
    'dns.servers-dead',
    `no name server of ${zone.name} answers for it, and none of its records is seen: ${who}`,
    'Have them started, or have the delegation changed to servers that serve the zone; where the domain was registered, or at the provider of the address.',
  );
};

const unresolved = ({ name }: Zone): Finding =>
  finding(
    'error',
    'dns.unresolved',
    `this machine's resolver gets no answer for ${name}, although name servers of it do answer`,
    'See whether the delegation leads to the servers that answer, and whether all of them do.',
  );

const UNSEEN = 'whoever validates sees nothing of it, and brings no mail';

const expired = ({ name }: Zone, until: Date): Finding =>
  finding(
    'error',
    'dns.signatures-expired',
    `the signatures of ${name} (DNSSEC) expired on ${until.toISOString().slice(0, 16).replace('T', ' ')} (UTC): ${UNSEEN}`,
    'Have the zone signed anew, and see to it that whatever signs it does so in time.',
  );

const wrongly = ({ name }: Zone): Finding =>
  finding(
    'error',
    'dns.dnssec-broken',
    `the signatures of ${name} (DNSSEC) are wrong: ${UNSEEN}`,
    "Have the zone signed anew, or the DS record at the zone above replaced by that of the zone's key, or removed.",
  );

const indeterminate = ({ name }: Zone): Finding =>
  finding(
    'warning',
    'dns.dnssec-unknown',
    `whether the signatures of ${name} (DNSSEC) are right could not be seen: this machine's resolver did not get all that it validates them with`,
    'Run it again in a while; see whether this machine may send to port 53 by TCP as well as by UDP, and whether all name servers of the zone answer by both.',
  );

const broken = (zone: Zone, { now }: View): Finding =>
  zone.signedUntil !== undefined && zone.signedUntil < now ? expired(zone, zone.signedUntil) : wrongly(zone);

/** What one of several servers lacks. */
const one = (zone: Zone, server: NameServer, { ipv6 }: View): readonly Finding[] => {
  if (server.state === 'answers') return [];
  const unreachable = server.state === 'silent' && !ipv6 && server.address !== undefined && isIPv6(server.address);
  const code = server.state === 'lame' ? 'dns.server-lame' : 'dns.server-silent';
  const message = `name server ${serverText(server)} for ${zone.name}${unreachable ? ': this machine has no IPv6' : ''}`;
  const remedy = 'Have it serve the zone, or remove it from the delegation and from the NS records of the zone.';
  return [finding(unreachable ? 'warning' : 'error', code, message, unreachable ? 'See from elsewhere whether it answers.' : remedy)];
};

const blocked = ({ name }: Zone): Finding =>
  finding(
    'warning',
    'dns.resolver-alone',
    `no name server of ${name} answers this machine, whose resolver asks others: what is told of its records is what these say`,
    'Let this machine send to port 53 (UDP and TCP), to have each name server asked.',
  );

const delegation = ({ name, namedAbove, namedItself }: Zone): readonly Finding[] => {
  const [above, itself] = [new Set(namedAbove), new Set(namedItself)];
  if (above.size === 0 || itself.size === 0 || above.symmetricDifference(itself).size === 0) return [];
  const message = `the zone above names other servers for ${name} than it does itself: ${namedAbove.join(', ')}; ${namedItself.join(', ')}`;
  return [finding('warning', 'dns.delegation', message, 'Make both the same, where the domain was registered or in the zone.')];
};

const ofStanding = (zone: Zone, view: View): readonly Finding[] => {
  switch (zone.standing) {
    case 'dead':
      return [unresolved(zone)];
    case 'broken':
      return [broken(zone, view)];
    case 'indeterminate':
      return [indeterminate(zone)];
    case 'secure':
    case 'insecure':
      return [];
  }
};

const ofZone = (zone: Zone, mine: boolean, view: View, recursive: boolean): readonly Finding[] => {
  if (!isReached(zone)) return [!recursive && zone.standing !== 'dead' ? blocked(zone) : dead(zone)];
  return [...ofStanding(zone, view), ...(mine ? [...zone.servers.flatMap((server) => one(zone, server, view)), ...delegation(zone)] : [])];
};

/** RFC 7672 section 2.2: both the domain's MX and the host's TLSA must be validated. */
const unsigned = ({ checked, unknown: nowhere }: Outcome, { validates, dane }: View): readonly Finding[] => {
  if (!validates || !dane) return [];
  const zones = checked.filter(
    ({ expectation: { kind, of }, zone }) => (kind === 'tlsa' || kind === 'mx') && zone.standing === 'insecure' && !nowhere.has(of),
  );
  return [...new Set(zones.map(({ zone }) => zone.name))].map((zone) =>
    finding(
      'warning',
      'dns.unsigned',
      `${zone} is not signed (DNSSEC), so that the TLSA record does not count for mail to what lies in it: it comes without DANE`,
      'Have the zone signed, and its key made known to the zone above (DS).',
    ),
  );
};

const unknown = ({ unknown: domains, checked }: Outcome): readonly Finding[] =>
  [...domains].map(([domain, zone]) =>
    finding(
      'error',
      'dns.no-such-domain',
      `${domain} does not exist in DNS: ${zone}, the zone above, has neither a delegation nor a record of it; ${plural(checked.filter(({ expectation: { of, wanted } }) => of === domain && wanted.length > 0).length, 'record')} cannot be seen`,
      `Register ${domain}, or renew it; have it delegated to name servers; publish there what 'hauspost dns records ${domain}' shows.`,
    ),
  );

/** Those that the operator has a say in: at or below one of his domains. */
export const zoneFindings = (outcome: Outcome, view: View, recursive: boolean): readonly Finding[] => {
  const domains = new Set(outcome.checked.filter(({ expectation: { kind } }) => kind !== 'ptr').map(({ expectation: { of } }) => of));
  const isMine = ({ name }: Zone): boolean => [...domains].some((domain) => name !== '.' && holds(domain, name));
  return [...outcome.zones.flatMap((zone) => ofZone(zone, isMine(zone), view, recursive)), ...unknown(outcome), ...unsigned(outcome, view)];
};
