/** All records: the host's, then each domain's. Pure: the same facts give the same records, in the same order. */
import { isWithin } from '#config';
import { aliasesLeftOut, aliasRecords, srvRecords } from './clients.ts';
import { dkimRecords } from './dkim.ts';
import { dmarcRecord } from './dmarc.ts';
import type { DnsFacts, MailDomain } from './facts.ts';
import { hostLeftOut, hostRecords } from './host.ts';
import type { DnsRecord, LeftOut, Wanted } from './record.ts';
import { type Reverse, reverseRecords } from './reverse.ts';
import { domainSpf, spfLeftOut } from './spf.ts';
import { zonesOf } from './zones.ts';

const domainRecords = (facts: DnsFacts, domain: MailDomain): readonly Wanted[] => {
  const name = domain.domain;
  return [
    { name, type: 'MX', data: { preference: 10, exchange: facts.hostname }, why: 'mail for this domain is brought to this server' },
    ...domainSpf(facts, name),
    ...dkimRecords(domain),
    dmarcRecord(facts, name),
    ...aliasRecords(facts, name),
    ...srvRecords(facts, name),
  ];
};

const domainLeftOut = (facts: DnsFacts, { domain, dkim }: MailDomain): readonly LeftOut[] => [
  ...(domain === facts.hostname ? [] : spfLeftOut(facts, domain)),
  ...(dkim.length === 0
    ? [{ what: `DKIM of ${domain}`, why: "it has no key yet; the service dkim-keys makes one within a minute, or 'hauspost dkim sync'" }]
    : []),
  ...aliasesLeftOut(facts, domain),
];

/** RFC 1035 section 2.3.4, without the dot at the end. */
const NAME_OCTETS = 253;

const fits = ({ name }: Wanted): boolean => name.length <= NAME_OCTETS;

const tooLong = ({ name, type }: Wanted): LeftOut => ({ what: `${type} of ${name}`, why: `no name in DNS is longer than ${NAME_OCTETS} characters` });

export interface Records {
  readonly records: readonly DnsRecord[];
  /** In zones of others. */
  readonly reverse: readonly Reverse[];
  readonly leftOut: readonly LeftOut[];
}

/** Of all, or of one domain: its own, with the host's where its name lies in it. */
export const recordsOf = (facts: DnsFacts, only?: string): Records => {
  const zoneOf = zonesOf(facts);
  const withHost = only === undefined || isWithin(facts.hostname, only);
  const domains = facts.domains.filter(({ domain }) => only === undefined || domain === only);
  const wanted = [...(withHost ? hostRecords(facts) : []), ...domains.flatMap((domain) => domainRecords(facts, domain))];
  return {
    records: wanted.filter(fits).map((record) => ({ ...record, ttl: facts.ttl, zone: zoneOf(record.name) })),
    reverse: withHost ? reverseRecords(facts) : [],
    leftOut: [
      ...(withHost ? hostLeftOut(facts) : []),
      ...domains.flatMap((domain) => domainLeftOut(facts, domain)),
      ...wanted.filter((record) => !fits(record)).map(tooLong),
    ],
  };
};
