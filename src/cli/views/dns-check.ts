/** `dns check` for a person: each zone with its name servers and a line for each record; then what is wrong, and what to do. */
import { readable } from '#base';
import type { OutputOf } from '#operations';
import { columns } from './table.ts';

type Output = OutputOf<'dns check'>;
type Zone = Output['zones'][number];
type DnsRecord = Output['records'][number];

const SHOWN = 72;

const shortened = (value: string): string => (value.length <= SHOWN ? value : `${value.slice(0, SHOWN - 3)}...`);

const STATE: Readonly<Record<DnsRecord['state'], string>> = {
  right: 'ok',
  differs: 'ok, differs',
  missing: 'MISSING',
  wrong: 'WRONG',
  'in-the-way': 'IN THE WAY',
  alias: 'CNAME',
  'left-over': 'left over',
  unevaluated: 'NOT EVALUATED',
  'not-everywhere': 'NOT EVERYWHERE',
  stale: 'ok, cached',
  unknown: 'NOT SEEN',
};

const STANDING: Readonly<Record<Zone['standing'], string>> = {
  secure: 'signed (DNSSEC)',
  insecure: 'not signed',
  broken: 'SIGNATURES WRONG',
  indeterminate: 'SIGNATURES NOT SEEN',
  dead: 'NOT RESOLVED',
};

const SERVER: Readonly<Record<Zone['servers'][number]['state'], string>> = {
  answers: '',
  lame: 'DOES NOT SERVE IT',
  silent: 'DOES NOT ANSWER',
  nameless: 'HAS NO ADDRESS',
};

const serverText = ({ name, address, state, serial }: Zone['servers'][number]): string =>
  [name, address ?? '', serial === null ? SERVER[state] : `version ${serial}`].filter((part) => part !== '').join(' ');

const joined = (values: readonly string[]): string => shortened(values.join(', '));

/** What is wrong takes two lines: what is to be there, and what is. */
const rows = ({ name, type, state, wanted, expected, found }: DnsRecord): readonly (readonly string[])[] => {
  const first = [STATE[state], readable(name), type, joined(expected.length > 0 ? expected : wanted)];
  if (state === 'right' || state === 'missing' || state === 'unknown' || found.length === 0) return [first];
  return [first, ['', '', '', `found: ${joined(found)}`]];
};

const zoneText = ({ zone, standing, servers }: Zone, records: readonly DnsRecord[]): string => {
  const head = `Zone ${readable(zone)}: ${STANDING[standing]}; ${servers.length === 0 ? 'no name servers' : servers.map(serverText).join(', ')}`;
  return `${head}\n\n${columns(records.flatMap(rows))}\n`;
};

type Finding = Output['findings'][number];

const line = ({ level, message }: Finding): string => `${level === 'error' ? 'Wrong' : 'Attention'}: ${message.replace(/\.?$/, '.')}\n`;

/** What is mended in the same way stands together. */
const attention = (findings: readonly Finding[]): readonly string[] =>
  [...Map.groupBy(findings, ({ remedy }) => remedy)].map(([remedy, some]) => readable(`${some.map(line).join('')}  ${remedy}\n`));

export const dnsCheck = ({ ok, zones, records, findings }: Output): string => {
  const shown = zones.map((zone) =>
    zoneText(
      zone,
      records.filter((record) => record.zone === zone.zone),
    ),
  );
  const end = ok ? 'The world sees what it is to see.' : 'The world does not see all that it is to see.';
  return `${[...shown, ...attention(findings)].join('\n')}\n${end}\n`;
};
