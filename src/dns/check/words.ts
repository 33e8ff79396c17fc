/** How records are spoken of. */
import type { RecordData } from '#formats';
import type { Evaluated } from './check-host.ts';
import type { Voice } from './checked.ts';
import type { Expectation, Kind } from './expectation.ts';

const LABEL: Readonly<Partial<Record<Kind, string>>> = { spf: 'SPF', dkim: 'DKIM', dmarc: 'DMARC' };

/** `MX of example.org`, `SPF of example.org` */
export const whatOf = ({ kind, type, name }: Expectation): string => `${LABEL[kind] ?? type} of ${name}`;

const SHOWN = 100;

const shortened = (text: string): string => (text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 3)}...`);

/** Of a name that we did not write: it may hold what no name of ours does. */
const nameText = (name: string): string => (name === '.' ? name : `${name}.`);

/** As it stands in a zone file, but for a text, which is one here however many strings it takes. What others wrote is no line of ours: it is not escaped, and not refused. */
export const valueText = (record: RecordData): string => {
  switch (record.type) {
    case 'TXT':
      return record.data.text;
    case 'CNAME':
    case 'PTR':
      return nameText(record.data.target);
    case 'MX':
      return `${record.data.preference} ${nameText(record.data.exchange)}`;
    case 'SRV':
      return [record.data.priority, record.data.weight, record.data.port, nameText(record.data.target)].join(' ');
    case 'CAA':
      return `${record.data.flags} ${record.data.tag} "${record.data.value}"`;
    case 'A':
    case 'AAAA':
      return record.data.address;
    case 'TLSA':
      return [record.data.usage, record.data.selector, record.data.matching, record.data.digest].join(' ');
  }
};

const one = (record: RecordData, type: RecordData['type']): string =>
  `${record.type === type ? '' : `${record.type} `}${shortened(valueText(record))}`;

/** Several with a comma between; the type where it is not the one that is spoken of. */
export const valuesOf = (records: readonly RecordData[], type: RecordData['type']): string => records.map((record) => one(record, type)).join(', ');

const resultText = (some: readonly Evaluated[]): string => {
  const [result, why] = [some[0]?.result, some[0]?.why ?? ''];
  const addresses = `${some.map(({ address }) => address).join(' and ')}${why === '' ? '' : ` (${shortened(why)})`}`;
  return result === 'unknown' ? addresses : `${result} for ${addresses}`;
};

/** `softfail for 192.0.2.25 and 2001:db8::25`; of an error why as well; the addresses alone where it could not be found out. */
export const resultsOf = (evaluated: readonly Evaluated[]): string =>
  [...Map.groupBy(evaluated, ({ result, why }) => `${result} ${why}`).values()].map(resultText).join(', ');

const serial = ({ server }: Voice): string => (server.serial === undefined ? '' : ` (version ${server.serial} of the zone)`);

/** `ns2.example.org (version 7 of the zone) has 10 other.example.org.` */
export const voiceText = (voice: Voice, { type }: Expectation): string => {
  const who = `${voice.server.name}${serial(voice)}`;
  if (voice.verdict === undefined) return `${who} gives no answer`;
  if (voice.verdict.state === 'right' || voice.verdict.state === 'differs') return `${who} shows it`;
  return voice.shows.length === 0 ? `${who} has none` : `${who} has ${valuesOf(voice.shows, type)}`;
};

export const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
