/**
 * What Redis understood: `redis-cli --json CONFIG GET '*'` of a running server. It prints sizes in octets (`1k` is 1000, `1kb` is
 * 1024) and arguments of one directive separated by blanks. Directives that it does not show (`user`, `rename-command`) are left out.
 */
import { bug } from '#base';
import { type Mismatch, mismatch, sameText } from './compare.ts';
import { argumentText } from './redis.ts';
import { rowsFor } from './rows.ts';
import { separated } from './text.ts';
import { isLines, isList, type Row } from './types.ts';

const NOT_SHOWN = ['user', 'rename-command', 'loadmodule', 'include'];

export const parseConfigGet = (json: string): ReadonlyMap<string, string> => {
  const answer: unknown = JSON.parse(json);
  if (typeof answer !== 'object' || answer === null) throw bug('CONFIG GET answered with something that is not a map');
  return new Map(Object.entries(answer).map(([name, value]) => [name, String(value)] as const));
};

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1e3, kb: 2 ** 10, m: 1e6, mb: 2 ** 20, g: 1e9, gb: 2 ** 30 };
const memory = (text: string): number => {
  const match = /^([0-9]+)([kmg]?b?)$/i.exec(text);
  return match === null ? Number.NaN : Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? Number.NaN);
};

/** `json`: what `redis-cli --json CONFIG GET '*'` printed. */
export const compareRedis = (rows: readonly Row[], version: string, json: string): readonly Mismatch[] => {
  const actual = parseConfigGet(json);
  return rowsFor(version, rows)
    .filter((row) => !NOT_SHOWN.includes(row.set))
    .flatMap((row) => {
      const words = isLines(row.to) ? row.to.lines.flat() : isList(row.to) ? row.to : [row.to];
      const expected = separated(
        ' ',
        words.map((word) => argumentText(word, row.set)),
      );
      const got = actual.get(row.set);
      return got !== undefined && (sameText(expected, got) || memory(expected.join('')) === memory(got)) ? [] : [mismatch(row.set, expected, got)];
    });
};
