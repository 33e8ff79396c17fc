/** What is to be found in DNS, question by question: the records of one name and type, or of a text's kind, belong together. */
import type { RecordData } from '#formats';
import type { Addresses } from '#model';
import { clientNames } from '../clients.ts';
import type { DnsFacts } from '../facts.ts';
import type { DnsRecord } from '../record.ts';
import type { Records } from '../records.ts';

export type Kind = 'address' | 'mx' | 'spf' | 'dkim' | 'dmarc' | 'tlsa' | 'caa' | 'srv' | 'client' | 'ptr';

/** Mail comes and goes without these, and not every provider of DNS has them. */
const OPTIONAL: ReadonlySet<string> = new Set<Kind>(['tlsa', 'caa', 'srv']);

/** Whether it is no fault that there is none: only who was led there before would miss it. */
export const isOptional = (kind: string): boolean => OPTIONAL.has(kind);

export interface Expectation {
  readonly kind: Kind;
  readonly name: string;
  readonly type: RecordData['type'];
  /** None: nothing of this is to be there. */
  readonly wanted: readonly RecordData[];
  /** The domain that it belongs to, as far as it can be told without DNS; of a PTR the address. */
  readonly of: string;
}

/** Names that are no aliases: a host that an MX leads to, a domain with an MX (RFC 2181 section 10, RFC 5321 section 5.1). Others lead where what is asked for stands. */
export const plainNames = (expectations: readonly Expectation[]): ReadonlySet<string> =>
  new Set(expectations.filter(({ kind }) => kind === 'address' || kind === 'mx').map(({ name }) => name));

/** Of the server, what the records are held against. */
export interface Ours {
  readonly hostname: string;
  readonly reached: Addresses;
  /** From which it sends, beyond these. */
  readonly sending: Addresses;
  /** By which all mail leaves instead; null: none. */
  readonly relay: string | null;
  /** Names that must be no aliases. */
  readonly plain: ReadonlySet<string>;
}

const textKind = (text: string): Kind => {
  if (text.startsWith('v=spf1')) return 'spf';
  return text.startsWith('v=DMARC1') ? 'dmarc' : 'dkim';
};

const kindOf = (record: RecordData): Kind => {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return 'address';
    case 'CNAME':
      return 'client';
    case 'TXT':
      return textKind(record.data.text);
    case 'MX':
      return 'mx';
    case 'SRV':
      return 'srv';
    case 'TLSA':
      return 'tlsa';
    case 'CAA':
      return 'caa';
    case 'PTR':
      return 'ptr';
  }
};

const grouped = (records: readonly DnsRecord[]): readonly Expectation[] =>
  [...Map.groupBy(records, (record) => `${kindOf(record)} ${record.type} ${record.name}`).values()].flatMap((wanted) => {
    const [first] = wanted;
    return first === undefined ? [] : [{ kind: kindOf(first), name: first.name, type: first.type, wanted, of: first.zone }];
  });

/** A family by which the server is not reached must not lead anywhere else either. Where no address is known, nothing is said of any. */
const noAddresses = (facts: DnsFacts, records: Records): readonly Expectation[] => {
  const host = records.records.find(({ name, type }) => name === facts.hostname && (type === 'A' || type === 'AAAA'));
  if (host === undefined) return [];
  const absent = (['A', 'AAAA'] as const).filter((type) => facts.reached[type === 'A' ? 'v4' : 'v6'].length === 0);
  return absent.map((type) => ({ kind: 'address', name: facts.hostname, type, wanted: [], of: host.zone }));
};

/** Names that were of use as long as the certificate was valid for them. */
const noClientNames = (facts: DnsFacts, { records }: Records): readonly Expectation[] => {
  const zones = new Set(records.filter(({ type }) => type === 'MX').map(({ name }) => name));
  const domains = facts.domains.map(({ domain }) => domain);
  const names = clientNames(domains.filter((domain) => zones.has(domain)));
  return names
    .filter((name) => name !== facts.hostname && !domains.some((domain) => domain === name) && !facts.certified.includes(name))
    .map((name) => ({ kind: 'client', name, type: 'CNAME', wanted: [], of: name.slice(name.indexOf('.') + 1) }));
};

const reverse = ({ reverse: list }: Records): readonly Expectation[] =>
  list.map(({ address, name, data }) => ({ kind: 'ptr', name, type: 'PTR', wanted: [{ type: 'PTR', data }], of: address }));

/** A DKIM key that is gone. */
export interface GoneKey {
  readonly domain: string;
  readonly selector: string;
}

/** Whoever has the key could still sign with it. */
const noGoneKeys = ({ records }: Records, gone: readonly GoneKey[]): readonly Expectation[] => {
  const domains = new Set(records.filter(({ type }) => type === 'MX').map(({ name }) => name));
  return gone
    .filter(({ domain }) => domains.has(domain))
    .map(({ domain, selector }) => ({ kind: 'dkim', name: `${selector}._domainkey.${domain}`, type: 'TXT', wanted: [], of: domain }));
};

export const expectationsOf = (facts: DnsFacts, records: Records, gone: readonly GoneKey[] = []): readonly Expectation[] => [
  ...grouped(records.records),
  ...noGoneKeys(records, gone),
  ...noAddresses(facts, records),
  ...noClientNames(facts, records),
  ...reverse(records),
];
