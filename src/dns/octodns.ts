/**
 * For octoDNS: what stands in the YAML file of a zone, `config/ZONE.yaml`; of several zones one document each. Keys are in the order that its
 * YamlProvider insists on; a semicolon in a text has a backslash before it. Texts are quoted as in JSON, which is YAML. Addresses' own names (PTR) are
 * left out.
 */
import { absolute } from '#formats';
import { byZone } from './by-zone.ts';
import type { DnsRecord } from './record.ts';
import type { Records } from './records.ts';
import { relativeTo } from './zones.ts';

type Value = string | Readonly<Record<string, string | number>>;

const yamlValue = (record: DnsRecord): Value => {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.data.address;
    case 'CNAME':
    case 'PTR':
      return absolute(record.data.target);
    case 'MX':
      return { exchange: absolute(record.data.exchange), preference: record.data.preference };
    case 'TXT':
      return record.data.text.replaceAll(';', '\\;');
    case 'SRV': {
      const { port, priority, target, weight } = record.data;
      return { port, priority, target: absolute(target), weight };
    }
    case 'TLSA': {
      const { digest, usage, matching, selector } = record.data;
      return { certificate_association_data: digest, certificate_usage: usage, matching_type: matching, selector };
    }
    case 'CAA': {
      const { flags, tag, value } = record.data;
      return { flags, tag, value };
    }
  }
};

const compared = <T extends string | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** As Python's natsort: `a10` is behind `a9`, and `a09` is the same as `a9`. Every second part is a number. */
const inOrder = (a: string, b: string): number => {
  const [left, right] = [a, b].map((name) => name.split(/(\d+)/)) as [string[], string[]]; // of two comes two
  for (const [at, part] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    const difference = at % 2 === 1 ? compared(BigInt(part), BigInt(other)) : compared(part, other);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
};

/** All records of one name and type. */
const set = (records: readonly DnsRecord[]): readonly string[] => {
  const [first] = records;
  if (first === undefined) return [];
  const all = records.map(yamlValue);
  const lines = all.length === 1 ? [`value: ${JSON.stringify(all[0])}`] : ['values:', ...all.map((value) => `- ${JSON.stringify(value)}`)];
  return [...records.map(({ why }) => `# ${why}`), `- ttl: ${first.ttl}`, `  type: ${first.type}`, ...lines.map((line) => `  ${line}`)];
};

const document = (zone: string, records: readonly DnsRecord[]): string => {
  const names = [...Map.groupBy(records, ({ name }) => relativeTo(name, zone).replace(/^@$/, ''))].toSorted(([a], [b]) => inOrder(a, b));
  const entry = ([name, some]: (typeof names)[number]): string => {
    const sets = [...Map.groupBy(some, ({ type }) => type).values()].flatMap(set);
    return [`${JSON.stringify(name)}:`, ...sets].join('\n');
  };
  return `---\n# ${zone}.yaml\n${names.map(entry).join('\n')}\n`;
};

export const octodnsText = ({ records }: Records): string =>
  byZone(records)
    .map(({ zone, records: some }) => document(zone, some))
    .join('');
