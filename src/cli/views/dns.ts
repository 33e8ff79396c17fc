/** `dns records` for a person: a table for each zone with the reason of each record; or the file that was asked for, as it is. Values are as they must be typed. */
import { readable } from '#base';
import { absolute, recordText } from '#formats';
import type { OutputOf } from '#operations';
import { columns, explained } from './table.ts';

type Output = OutputOf<'dns records'>;
type DnsRecord = Output['records'][number];

/** Of a value; a DKIM key has 400 characters and is looked at by nobody. */
const SHOWN = 72;

const shortened = (value: string): string => (value.length <= SHOWN ? value : `${value.slice(0, SHOWN - 3)}...`);

const value = (record: DnsRecord): string => shortened(record.type === 'TXT' ? record.data.text : recordText(record, record.name));

const row = (record: DnsRecord): { readonly cells: readonly string[]; readonly text: string } => ({
  cells: [readable(record.name), record.type, value(record)],
  text: record.why,
});

const zones = (records: Output['records']): readonly string[] =>
  [...Map.groupBy(records, ({ zone }) => zone)].map(
    ([zone, some]) => `Zone ${readable(zone)}\n\n${explained(some.map(row), [['NAME', 'TYPE', 'VALUE']])}\n`,
  );

const reverse = (list: Output['reverse']): readonly string[] =>
  list.length === 0
    ? []
    : [
        `To ask the provider of each address for\n\n${explained(list.map(({ address, type, data, why }) => ({ cells: [address, type, absolute(data.target)], text: why })))}\n`,
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

type Pushed = OutputOf<'dns push'>;
type PushedZone = Pushed['zones'][number];
type Value = PushedZone['kept'][number];

const pushedLine = (sign: string, { name, type, ttl, value: said }: Value): string => `  ${sign} ${name} ${ttl} ${type} ${shortened(said)}`;

const pushedZone = ({ zone, pushed, added, changed, removed, kept, conflicts }: PushedZone): readonly string[] => [
  `Zone ${readable(zone)}: ${pushed ? 'changed' : 'nothing to do'}${kept.length === 0 ? '' : `; ${kept.length} record${kept.length === 1 ? '' : 's'} as they should be`}`,
  ...removed.map((each) => pushedLine('-', each)),
  ...changed.flatMap(({ from, to }) => [...from.map((each) => pushedLine('-', each)), ...to.map((each) => pushedLine('+', each))]),
  ...added.map((each) => pushedLine('+', each)),
  ...conflicts.map(({ name, type, found }) => `  ! ${name} ${type} ${found.map(shortened).join(', ')}: somebody else's, left as it is`),
];

/** `dns push` for a person. */
export const dnsPush = ({ zones, reverse: asked }: Pushed): string => {
  const names = asked.map(({ address, target }) => [address, 'PTR', absolute(target)]);
  return [
    ...zones.map((zone) => `${pushedZone(zone).join('\n')}\n`),
    ...(names.length === 0 ? [] : [`To ask the provider of each address for\n\n${columns(names)}\n`]),
  ].join('\n');
};
