/** SPF (RFC 7208): which addresses send in the name of the host, and of the domains. */
import { isWithin } from '#config';
import type { DnsFacts } from './facts.ts';
import type { LeftOut, Wanted } from './record.ts';

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

/** Of a server without an address that is known it would say that nobody sends. */
const isSaid = ({ reached, sending, relay }: DnsFacts): boolean =>
  relay !== null || [reached, sending].some(({ v4, v6 }) => v4.length + v6.length > 0);

export const hostSpf = (facts: DnsFacts): readonly Wanted[] => {
  if (!isSaid(facts)) return [];
  const why = 'SPF: in HELO and in notices of failure this name is used by its own addresses alone';
  return [record(facts.hostname, why, 'a', ...beyond(facts), others(facts, 'host'))];
};

export const spfLeftOut = (facts: DnsFacts, name: string): readonly LeftOut[] =>
  isSaid(facts) ? [] : [{ what: `SPF of ${name}`, why: 'no public address of this server is known, and it would say that nobody sends' }];

/** The domain that the host's name lies in names its addresses; all others what the host's own record says, so that a change is made once. */
export const domainSpf = (facts: DnsFacts, domain: string): readonly Wanted[] => {
  const { hostname } = facts;
  if (domain === hostname || !isSaid(facts)) return [];
  const own = isWithin(hostname, domain) ? [`a:${hostname}`, ...beyond(facts)] : [`include:${hostname}`];
  return [record(domain, `SPF: mail of this domain is sent by ${hostname}`, ...own, others(facts, 'domain'))];
};
