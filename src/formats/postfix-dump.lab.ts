/**
 * What Postfix understood: `postconf -n` (main.cf), `postconf -M` (services) and `postconf -P` (their options). postconf(1) ends
 * with status 0 on an unknown parameter and warns on standard error, so every line there is a mismatch. It prints runs of blanks
 * as one blank, so values are compared in that form.
 */
import type { Text } from '#base';
import { type Mismatch, mismatch, sameText } from './compare.ts';
import { type MasterService, serviceColumns } from './master.ts';
import { parameterValue } from './postfix.ts';
import { isValidIn, rowsFor } from './rows.ts';
import type { Row } from './types.ts';

export interface PostfixDump {
  /** Standard output of `postconf -n`, `postconf -M` and `postconf -P`. */
  readonly parameters: string;
  readonly services: string;
  readonly options: string;
  /** Standard error of all three. */
  readonly complaints: string;
}

const ABSENT: Text = ['(not set)'];
const collapsed = (text: string): string => text.trim().replace(/[ \t\n]+/g, ' ');
const lined = (text: string): readonly string[] => text.split('\n').filter((line) => line !== '');

/** `name = value` lines; the name may hold blanks and slashes (`postconf -P`). */
export const parsePostconf = (dump: string): ReadonlyMap<string, string> =>
  new Map(
    lined(dump).map((line) => {
      const at = line.indexOf(' =');
      return [line.slice(0, at), line.slice(at + 3)] as const;
    }),
  );

const compareParameters = (rows: readonly (readonly [string, Row])[], actual: ReadonlyMap<string, string>): readonly Mismatch[] => {
  const expected = new Map(
    rows.map(([key, row]) => [key, parameterValue(row).map((piece) => (typeof piece === 'string' ? collapsed(piece) : piece))] as const),
  );
  const wrong = [...expected].flatMap(([key, value]) => {
    const got = actual.get(key);
    return got !== undefined && sameText(value, collapsed(got)) ? [] : [mismatch(key, value, got)];
  });
  const extra = [...actual].filter(([key]) => !expected.has(key)).map(([key, value]) => mismatch(key, ABSENT, value));
  return [...wrong, ...extra];
};

/** Words of a line of `postconf -M`; braces keep a word together. */
const words = (line: string): readonly string[] => {
  const out: string[] = [];
  let depth = 0;
  for (const part of line.trim().split(/([ \t]+)/)) {
    const open = depth > 0;
    depth += (part.match(/\{/g)?.length ?? 0) - (part.match(/\}/g)?.length ?? 0);
    if (open) out.push((out.pop() ?? '') + part);
    else if (part.trim() !== '') out.push(part);
  }
  return out;
};

const withoutOptions = (all: readonly string[]): string => all.filter((word, index) => word !== '-o' && all[index - 1] !== '-o').join(' ');

const bare = (word: string): string => (/[ \t{]/.test(word) ? `{${word}}` : word);

const line = (row: MasterService): string => {
  const { columns, args } = serviceColumns(row);
  return [...columns, ...args.map(bare)].join(' ');
};

const compareServices = (services: readonly MasterService[], dump: string): readonly Mismatch[] => {
  const actual = new Map(lined(dump).map((text) => [words(text).slice(0, 2).join('/'), withoutOptions(words(text))] as const));
  const expected = new Map<string, string>(services.map((row) => [`${row.service}/${row.type}`, line(row)]));
  const wrong = [...expected].filter(([key, text]) => actual.get(key) !== text).map(([key, text]) => mismatch(key, [text], actual.get(key)));
  const extra = [...actual].filter(([key]) => !expected.has(key)).map(([key, text]) => mismatch(key, ABSENT, text));
  return [...wrong, ...extra];
};

/** Both files whole: what Postfix knows and we did not write is a mismatch, too. */
export const comparePostfix = (
  parameters: readonly Row[],
  services: readonly MasterService[],
  version: string,
  dump: PostfixDump,
): readonly Mismatch[] => {
  const valid = services.filter((row) => isValidIn(version, row));
  const options = valid.flatMap((row) =>
    rowsFor(version, row.options ?? []).map((option) => [`${row.service}/${row.type}/${option.set}`, option] as const),
  );
  return [
    ...compareParameters(
      rowsFor(version, parameters).map((row) => [row.set, row] as const),
      parsePostconf(dump.parameters),
    ),
    ...compareServices(valid, dump.services),
    ...compareParameters(options, parsePostconf(dump.options)),
    ...lined(dump.complaints).map((line) => mismatch('postconf', ['no warning'], line)),
  ];
};
