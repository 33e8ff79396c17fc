/**
 * For DNSControl's dnsconfig.js: a D_EXTEND for each zone, which adds to the D() that the operator has. Its language splits and quotes texts itself.
 * Addresses' own names (PTR) are not in these zones and left out.
 */
import { absolute } from '#formats';
import { byZone } from './by-zone.ts';
import type { DnsRecord } from './record.ts';
import type { Records } from './records.ts';
import { relativeTo } from './zones.ts';

/** A string of ECMAScript 5, in ASCII. */
const word = (value: string): string => JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const values = (record: DnsRecord): readonly (string | number)[] => {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return [record.data.address];
    case 'CNAME':
    case 'PTR':
      return [absolute(record.data.target)];
    case 'MX':
      return [record.data.preference, absolute(record.data.exchange)];
    case 'TXT':
      return [record.data.text];
    case 'SRV':
      return [record.data.priority, record.data.weight, record.data.port, absolute(record.data.target)];
    case 'TLSA':
      return [record.data.usage, record.data.selector, record.data.matching, record.data.digest];
    case 'CAA':
      return [record.data.tag, record.data.value];
  }
};

const call = (record: DnsRecord): string => {
  const given = [relativeTo(record.name, record.zone), ...values(record)].map((each) => (typeof each === 'number' ? String(each) : word(each)));
  return `  // ${record.why}\n  ${record.type}(${[...given, `TTL(${record.ttl})`].join(', ')})`;
};

export const dnscontrolText = ({ records }: Records): string =>
  byZone(records)
    .map(({ zone, records: some }) => `D_EXTEND(${word(zone)},\n${some.map(call).join(',\n')}\n);\n`)
    .join('\n');
