/**
 * What MariaDB understood: the table at the end of `mariadbd --verbose --help`, which shows the values the server would run with:
 * sizes in octets, switches as TRUE and FALSE, directories with a slash at their end, one line for each value.
 * An unknown option ends it with a status other than 0.
 */
import { type Mismatch, mismatch, octets } from './compare.ts';
import { rowsFor } from './rows.ts';
import { type Block, isLines, isList, isRow, type Row } from './types.ts';
import { redacted } from '#base';
import { optionText } from './ini.ts';

/** Sections that the server reads. */
const SERVER = ['mysqld', 'server', 'mysqld_safe', 'mariadb', 'mariadbd'];
/** Not in the table, or not as it was written, when help is asked for. */
const NOT_SHOWN = ['user', 'plugin-load-add'];

const canonical = (name: string): string => name.replaceAll('_', '-');

export const parseMariadbVariables = (help: string): ReadonlyMap<string, string> => {
  const table = /^-+ -+\n([\s\S]*)/m.exec(help)?.[1] ?? '';
  return new Map(
    table.split('\n').flatMap((line) => {
      const match = /^([a-z][a-z0-9_-]*) +(.*)$/.exec(line);
      return match?.[1] === undefined ? [] : [[canonical(match[1]), match[2] ?? ''] as const];
    }),
  );
};

const same = (expected: string, actual: string, isSwitch: boolean): boolean => {
  if (isSwitch) return (expected === 'ON') === (actual === 'TRUE' || actual === 'ON' || actual === '1');
  if (expected === actual || (expected === '' && actual === '(No default value)') || `${expected}/` === actual) return true;
  return octets(expected) !== undefined && octets(expected) === octets(actual);
};

/** `help`: standard output of `mariadbd --defaults-file=... --verbose --help`. The last of a repeated option counts. */
export const compareMariadb = (sections: readonly Block[], version: string, help: string): readonly Mismatch[] => {
  const actual = parseMariadbVariables(help);
  const rows = rowsFor(version, sections)
    .filter((section) => SERVER.includes(section.block))
    .flatMap((section) => section.rows)
    .filter(isRow);
  return rows
    .filter((row) => !NOT_SHOWN.includes(canonical(row.set)))
    .flatMap((row) => {
      const value = last(row);
      const expected = redacted(optionText(value, row.set));
      const got = actual.get(canonical(row.set));
      return got !== undefined && same(expected, got, typeof value === 'boolean') ? [] : [mismatch(row.set, optionText(value, row.set), got)];
    });
};

const last = ({ to }: Row): Exclude<Row['to'], readonly unknown[] | { readonly lines: unknown }> => {
  const words = isLines(to) ? to.lines.flat() : isList(to) ? to : [to];
  return words.at(-1) ?? '';
};
