/** `dns records` for a person: a table for each zone with the reason of each record; or the file that was asked for, as it is. Values are as they must be typed. */
import { readable } from '#base';
import { absolute, recordText } from '#formats';
import type { OutputOf } from '#operations';
import { columns } from './table.ts';

type Output = OutputOf<'dns records'>;
type DnsRecord = Output['records'][number];

/** Of a value; a DKIM key has 400 characters and is looked at by nobody. */
const SHOWN = 72;

const shortened = (value: string): string => (value.length <= SHOWN ? value : `${value.slice(0, SHOWN - 3)}...`);

const value = (record: DnsRecord): string => shortened(record.type === 'TXT' ? record.data.text : recordText(record, record.name));

const row = (record: DnsRecord): readonly string[] => [readable(record.name), record.type, value(record), record.why];

const zones = (records: Output['records']): readonly string[] =>
  [...Map.groupBy(records, ({ zone }) => zone)].map(
    ([zone, some]) => `Zone ${readable(zone)}\n\n${columns([['NAME', 'TYPE', 'VALUE', 'WHY'], ...some.map(row)])}\n`,
  );

const reverse = (list: Output['reverse']): readonly string[] =>
  list.length === 0
    ? []
    : [
        `To ask the provider of each address for\n\n${columns(list.map(({ address, type, data, why }) => [address, type, absolute(data.target), why]))}\n`,
      ];

const leftOut = (list: Output['left_out']): readonly string[] =>
  list.length === 0 ? [] : [`Left out\n\n${list.map(({ what, why }) => `${readable(what)}: ${why}\n`).join('')}`];

const isShortened = (record: DnsRecord): boolean => record.type === 'TXT' && record.data.text.length > SHOWN;

export const dnsRecords = ({ records, reverse: asked, left_out: out, text }: Output): string => {
  if (text !== null) return text;
  const whole = records.some(isShortened)
    ? ["Whole values: 'hauspost dns records --plain', for a provider's form, or --zone, --dnscontrol, --octodns.\n"]
    : [];
  return [...zones(records), ...reverse(asked), ...leftOut(out), ...whole].join('\n');
};
