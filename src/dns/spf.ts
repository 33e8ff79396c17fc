/** SPF (RFC 7208): which addresses send in the name of the host, and of the domains. */
import { isWithin } from '#config';
import type { DnsFacts } from './facts.ts';
import type { Wanted } from './record.ts';

const isDomain = ({ domains, hostname }: DnsFacts): boolean => domains.some(({ domain }) => domain === hostname);

/**
 * What of all others. Nobody but this server has the host's name, in HELO and in notices. Of a domain a forwarder may be the one who sends: `~all`
 * lets the receiver look at the DKIM signature, which is still right, where `-all` may end it before (RFC 7208 section 8.4).
 * By a relay all is open: which addresses it sends from only its provider knows.
 */
const others = (facts: DnsFacts, whose: 'host' | 'domain'): string => {
  if (facts.relay !== null) return '?all';
  return whose === 'domain' || isDomain(facts) ? '~all' : '-all';
};

const beyond = ({ sending: { v4, v6 } }: DnsFacts): readonly string[] => [
  ...v4.map((address) => `ip4:${address}`),
  ...v6.map((address) => `ip6:${address}`),
];

const record = (name: string, why: string, ...terms: readonly string[]): Wanted => ({
  name,
  type: 'TXT',
  data: { text: ['v=spf1', ...terms].join(' ') },
  why,
});

export const hostSpf = (facts: DnsFacts): Wanted =>
  record(
    facts.hostname,
    'SPF: in HELO and in notices of failure this name is used by its own addresses alone',
    'a',
    ...beyond(facts),
    others(facts, 'host'),
  );

/** The domain that the host's name lies in names its addresses; all others what the host's own record says, so that a change is made once. */
export const domainSpf = (facts: DnsFacts, domain: string): readonly Wanted[] => {
  const { hostname } = facts;
  if (domain === hostname) return [];
  const own = isWithin(hostname, domain) ? [`a:${hostname}`, ...beyond(facts)] : [`include:${hostname}`];
  return [record(domain, `SPF: mail of this domain is sent by ${hostname}`, ...own, others(facts, 'domain'))];
};
