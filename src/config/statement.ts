/** One line of a TOML file that the parser refused: what it was meant to be, and how it is written properly. */
import { parseTOML } from 'toml-eslint-parser';

const NAME = /"[^"]*"|'[^']*'|[A-Za-z0-9_-]+/.source;
const KEY = new RegExp(`^\\s*(${NAME})((?:\\s*\\.\\s*(?:${NAME}))*)\\s*=`);
/** An assignment in another language: `key value`, `key: value`. */
const FOREIGN = /^\s*([A-Za-z0-9_-]+)\s*[:\s]\s*([^=\s].*?)\s*$/;
const HEADER = new RegExp(`^\\s*\\[{1,2}\\s*((?:${NAME})(?:\\s*\\.\\s*(?:${NAME}))*)?[\\s\\]]*(?:[^,"'\\]].*)?$`);
const BARE_VALUE = /^[^=]*=\s*([^"'\s#[{][^"#]*?)\s*(?:#.*)?$/;

export const isHeader = (line: string): boolean => HEADER.test(line);
export const startsStatement = (line: string): boolean => KEY.test(line) || isHeader(line);

const parts = (dotted: string): string[] => [...dotted.matchAll(new RegExp(NAME, 'g'))].map(([name]) => name.replace(/^(["'])(.*)\1$/, '$2'));

const headerName = (line: string): string[] => parts(HEADER.exec(line)?.[1] ?? '');

/** The option or section that line `index` is about, as far as it can be told; `known` gives the name behind a stand-in. */
export const targetOf = (lines: readonly string[], index: number, known: (line: string) => string | undefined): string[] => {
  const line = lines[index] ?? '';
  if (isHeader(line)) return headerName(line);
  const above = lines.slice(0, index).findLast(isHeader);
  const table = above === undefined ? [] : (known(above)?.split('.') ?? headerName(above));
  const key = KEY.exec(line);
  if (key !== null) return [...table, ...parts(`${key[1]}${key[2]}`)];
  const foreign = FOREIGN.exec(line)?.[1];
  return foreign === undefined ? table : [...table, foreign];
};

const isToml = (line: string): boolean => {
  try {
    parseTOML(line);
    return true;
  } catch {
    return false; // Which error it is does not matter: the guess is not offered.
  }
};

const SWITCH: Readonly<Record<string, string>> = { yes: 'true', on: 'true', true: 'true', no: 'false', off: 'false', false: 'false' };

/** What word processors make of quotes. */
const TYPOGRAPHIC = /^[\u2018-\u201f\u00ab\u00bb]+|[\u2018-\u201f\u00ab\u00bb]+$/g;

/** The line as it was probably meant, if that is valid. */
const guess = (line: string): string | undefined => {
  const foreign = KEY.test(line) ? null : FOREIGN.exec(line);
  const key = foreign?.[1] ?? line.split('=')[0]?.trim() ?? '';
  const written = foreign?.[2] ?? BARE_VALUE.exec(line)?.[1] ?? '';
  const value = written.replace(TYPOGRAPHIC, '');
  if (value === '') return undefined;
  const literal = SWITCH[value.toLowerCase()] ?? (value === written && isToml(`x = ${value}`) ? value : `"${value}"`);
  const whole = `${key} = ${literal}`;
  return isToml(whole) ? whole : undefined;
};

interface Explained {
  readonly message: string;
  readonly remedy: string;
}

const FORM = 'Write key = value on one line: text in double quotes, numbers and true or false without, lists in [ ].';

export const explainSyntax = (line: string, path: readonly string[], said: string): Explained => {
  const name = path.join('.');
  const message = `${name === '' ? 'this line' : name}: not valid TOML: ${said.slice(0, 1).toLowerCase()}${said.slice(1)}`;
  if (isHeader(line)) return { message, remedy: name === '' ? 'Write a section as [mail].' : `Write [${name}] on a line of its own.` };
  const meant = guess(line);
  if (meant !== undefined) return { message, remedy: `Write ${meant}` };
  if (/^[^=]*=\s*(?:#.*)?$/.test(line)) return { message, remedy: 'Write a value after the equals sign, or remove the line.' };
  if (/"/.test(line) && (line.match(/"/g) ?? []).length % 2 === 1) return { message, remedy: 'Close the text with a double quote on the same line.' };
  if (/=\s*\[/.test(line)) return { message, remedy: 'Close the list with ], and put a comma between its values.' };
  return { message, remedy: FORM };
};

export const explainDuplicate = (line: string, path: readonly string[], first: number | undefined): Explained => {
  const name = path.join('.');
  const where = first === undefined ? '' : ` (first in line ${first})`;
  if (isHeader(line))
    return { message: `section [${name}] is there twice${where}`, remedy: `Put the options below one [${name}] and remove the other.` };
  return { message: `${name} is there twice${where}`, remedy: 'Keep one of the two lines and remove the other.' };
};
