/**
 * Records of DNS in a zone's master file (RFC 1035, section 5): one a line, every name in full with the dot at its end, so that no `$ORIGIN` counts.
 * A string holds at most 255 octets (section 3.3.14); a longer text becomes several. Refuses what no record can hold; names are ours.
 */
import { atMost, holds, keyOf } from './refusal.ts';
import { comment } from './text.ts';

/** What a record says, by type. Names are without the dot at their end; the root is `.`. */
export type RecordData =
  | { readonly type: 'A' | 'AAAA'; readonly data: { readonly address: string } }
  | { readonly type: 'CNAME' | 'PTR'; readonly data: { readonly target: string } }
  | { readonly type: 'MX'; readonly data: { readonly preference: number; readonly exchange: string } }
  /** However many strings it takes. */
  | { readonly type: 'TXT'; readonly data: { readonly text: string } }
  /** RFC 2782. */
  | { readonly type: 'SRV'; readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string } }
  /** RFC 6698; the digest in hexadecimal digits. */
  | {
      readonly type: 'TLSA';
      readonly data: { readonly usage: number; readonly selector: number; readonly matching: number; readonly digest: string };
    }
  /** RFC 8659. */
  | { readonly type: 'CAA'; readonly data: { readonly flags: number; readonly tag: string; readonly value: string } };

export type ZoneRecord = RecordData & {
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  /** The comment above it. */
  readonly why?: string;
};

const FORMAT = 'a zone file';
const STRING_OCTETS = 255;
/** With more of them a record does not fit into what resolvers take by UDP (RFC 9715), and servers differ in what they load. */
const TEXT_OCTETS = 4000;

/** RFC 1035 section 2.3.4. */
const LABELS = /^(?=.{1,253}$)(?:[a-z0-9_*-]{1,63}\.)*[a-z0-9_-]{1,63}$/i;

/** As it is written there: with the dot at its end. */
export const absolute = (name: string): string => (name === '.' ? name : `${keyOf(FORMAT, name, LABELS)}.`);

/** One octet between double quotes (RFC 1035 section 5.1). */
const escaped = (octet: number): string => {
  if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`;
  return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`;
};

export const quoted = (octets: Uint8Array): string => `"${[...octets].map(escaped).join('')}"`;

/** The text as strings of at most 255 octets, each as it stands between quotes. */
export const quotedStrings = (text: string, where: string): string => {
  const octets = Buffer.from(atMost(FORMAT, where, TEXT_OCTETS, holds(FORMAT, where, text)));
  const count = Math.max(1, Math.ceil(octets.length / STRING_OCTETS));
  return Array.from({ length: count }, (_, index) => quoted(octets.subarray(index * STRING_OCTETS, (index + 1) * STRING_OCTETS))).join(' ');
};

const caaValue = (value: string, where: string): string => quoted(Buffer.from(atMost(FORMAT, where, STRING_OCTETS, holds(FORMAT, where, value))));

/** What stands behind the type. `where`: the record's name, for a refusal. */
export const recordText = (record: RecordData, where: string): string => {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return keyOf(FORMAT, record.data.address, /^[0-9a-f.:]+$/);
    case 'CNAME':
    case 'PTR':
      return absolute(record.data.target);
    case 'MX':
      return `${record.data.preference} ${absolute(record.data.exchange)}`;
    case 'TXT':
      return quotedStrings(record.data.text, `TXT of ${where}`);
    case 'SRV':
      return [record.data.priority, record.data.weight, record.data.port, absolute(record.data.target)].join(' ');
    case 'TLSA':
      return [record.data.usage, record.data.selector, record.data.matching, keyOf(FORMAT, record.data.digest, /^(?:[0-9a-f]{2})+$/)].join(' ');
    case 'CAA':
      return `${record.data.flags} ${keyOf(FORMAT, record.data.tag, /^[a-z0-9]+$/)} ${caaValue(record.data.value, `CAA of ${where}`)}`;
  }
};

/** A line as `why` above it says; in a zone file a comment begins with a semicolon. */
export const zoneComment = (why: string | undefined): string => comment(why).replace(/^#/gm, ';');

/** `mail.example.org. 3600 IN A 192.0.2.25` */
export const zoneLine = (record: ZoneRecord): string => `${absolute(record.name)} ${record.ttl} IN ${record.type} ${recordText(record, record.name)}`;

/** Records alone: start of authority and name servers are the zone's own. */
export const renderZone = (records: readonly ZoneRecord[]): string =>
  records.map((record) => `${zoneComment(record.why)}${zoneLine(record)}\n`).join('');
