/**
 * Lines to paste into a provider's form: host part, type and value with a tab between. A short text stands there without quotes; one of more than 255
 * octets as its strings in quotes, since a form that takes a long line as one string cuts it off or refuses it.
 */
import { absolute, recordText } from '#formats';
import { byZone } from './by-zone.ts';
import type { DnsRecord } from './record.ts';
import type { Records } from './records.ts';
import { relativeTo } from './zones.ts';

const STRING_OCTETS = 255;

const value = (record: DnsRecord): string =>
  record.type === 'TXT' && Buffer.byteLength(record.data.text) <= STRING_OCTETS ? record.data.text : recordText(record, record.name);

const line = (record: DnsRecord): string => `${relativeTo(record.name, record.zone)}\t${record.type}\t${value(record)}\n`;

export const plainText = ({ records, reverse }: Records): string =>
  [
    ...byZone(records).map(({ zone, records: some }) => `Zone ${zone}\n${some.map(line).join('')}`),
    ...(reverse.length === 0
      ? []
      : [`To ask the provider of the address for\n${reverse.map(({ address, data }) => `${address}\tPTR\t${absolute(data.target)}\n`).join('')}`]),
  ].join('\n');
