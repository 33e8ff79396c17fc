/**
 * How mail programs find their server by the address alone: SRV records (RFC 6186; RFC 8314 for `_submissions`), and the names that many of them
 * guess. Such a name is of use only where the certificate is valid for it.
 */
import type { ClientService, DnsFacts } from './facts.ts';
import type { LeftOut, Wanted } from './record.ts';

/** TLS from the start comes first (RFC 8314 section 5.1). */
const PRIORITY: Readonly<Record<ClientService, number>> = { submissions: 0, imaps: 0, submission: 10, imap: 10 };
const SERVICES: readonly ClientService[] = ['submissions', 'submission', 'imaps', 'imap'];
const NOT_OFFERED = ['pop3s', 'pop3'];

const PURPOSE: Readonly<Record<ClientService, string>> = {
  submissions: 'mail programs send here, with TLS from the start',
  submission: 'mail programs send here by STARTTLS, where they cannot do otherwise',
  imaps: 'mail programs read here, with TLS from the start',
  imap: 'mail programs read here by STARTTLS, where they cannot do otherwise',
};

/** RFC 6186 section 3.4: `.` is "not here". */
const nowhere = (domain: string, service: string): Wanted => ({
  name: `_${service}._tcp.${domain}`,
  type: 'SRV',
  data: { priority: 0, weight: 0, port: 0, target: '.' },
  why: `there is no ${service.toUpperCase()} here, and mail programs need not look for it`,
});

export const srvRecords = ({ hostname, ports }: DnsFacts, domain: string): readonly Wanted[] => [
  ...SERVICES.map((service): Wanted => {
    const port = ports[service];
    if (port === undefined) return nowhere(domain, service);
    const data = { priority: PRIORITY[service], weight: 1, port, target: hostname };
    return { name: `_${service}._tcp.${domain}`, type: 'SRV', data, why: PURPOSE[service] };
  }),
  ...NOT_OFFERED.map((service) => nowhere(domain, service)),
];

/** What mail programs try, of all domains. */
export const clientNames = (domains: readonly string[]): readonly string[] => domains.flatMap((domain) => [`imap.${domain}`, `smtp.${domain}`]);

/** Those that are nobody else's: a CNAME stands alone at its name (RFC 2181 section 10.1). */
const free = ({ hostname, domains }: DnsFacts, domain: string): readonly string[] =>
  clientNames([domain]).filter((name) => name !== hostname && !domains.some((each) => each.domain === name));

export const aliasRecords = (facts: DnsFacts, domain: string): readonly Wanted[] =>
  free(facts, domain)
    .filter((name) => facts.certified.includes(name))
    .map((name) => ({
      name,
      type: 'CNAME',
      data: { target: facts.hostname },
      why: 'a name that mail programs try; the certificate is for it as well',
    }));

/** Those that would lead to a certificate that is not theirs. */
export const aliasesLeftOut = (facts: DnsFacts, domain: string): readonly LeftOut[] => {
  const names = free(facts, domain).filter((name) => !facts.certified.includes(name));
  if (names.length === 0) return [];
  return [
    { what: names.join(', '), why: `the certificate is not valid for ${names.length === 1 ? 'it' : 'them'}, and mail programs would refuse it` },
  ];
};
