/**
 * master.cf (master(5)): one service a line, its `-o` options on continuation lines, each with its own reason above the service
 * (a comment between continuation lines is legal, but `postconf -M` would lose it). A value with blanks is written as
 * `-o { name = value }`; such a value cannot hold unbalanced braces.
 */
import { bug, type Text } from '#base';
import { parameterName, parameterValue } from './postfix.ts';
import { cannotHold, holds, keyOf } from './refusal.ts';
import { isValidIn, rowsFor } from './rows.ts';
import { comment, header, joined } from './text.ts';
import type { Row, Validity } from './types.ts';

export interface MasterService extends Validity {
  readonly service: string;
  readonly type: 'inet' | 'unix' | 'unix-dgram' | 'fifo' | 'pass';
  /** Undefined stands for `-`, the default of the column. */
  readonly private?: boolean;
  readonly unpriv?: boolean;
  readonly chroot?: boolean;
  /** Seconds; a `?` after them wakes it only when it is in use. */
  readonly wakeup?: number | `${number}?`;
  /** Processes at most; 0 is no limit. */
  readonly maxproc?: number;
  /** Program below daemon_directory and its arguments; `-o` goes into `options`. */
  readonly command: string | readonly string[];
  readonly options?: readonly Row[];
}

const FORMAT = 'master.cf';
const flag = (value: boolean | undefined): string => (value === undefined ? '-' : value ? 'y' : 'n');
const cell = (value: string | number | undefined): string => (value === undefined ? '-' : String(value));

const balanced = (text: string, where: string): void => {
  let depth = 0;
  for (const character of text) {
    depth += character === '{' ? 1 : character === '}' ? -1 : 0;
    if (depth < 0) break;
  }
  if (depth !== 0) throw cannotHold(FORMAT, where, 'an unmatched brace');
};

const argument = (text: string, where: string): string => {
  holds(FORMAT, where, text, /[\n\r]/);
  balanced(text, where);
  if (text === '') throw cannotHold(FORMAT, where, 'nothing');
  if (/^[ \t]|[ \t]$/.test(text)) throw cannotHold(FORMAT, where, 'a blank at its beginning or end');
  return /[ \t{]/.test(text) ? `{ ${text} }` : text;
};

const plain = (value: Text, where: string): string =>
  value
    .map((piece) => {
      if (typeof piece !== 'string') throw bug(`a secret in ${FORMAT} (${where})`);
      return piece;
    })
    .join('');

const option = (row: Row): string => {
  const [name, value] = [parameterName(row), plain(parameterValue(row), row.set)];
  balanced(value, row.set);
  return /[ \t]/.test(value) ? `  -o { ${name} = ${value} }` : `  -o ${name}=${value}`;
};

/** The eight columns of the service, and its arguments. */
export const serviceColumns = (row: MasterService): { readonly columns: readonly string[]; readonly args: readonly string[] } => {
  const [program = '', ...args] = typeof row.command === 'string' ? [row.command] : row.command;
  const name = keyOf(FORMAT, row.service, /^[^\s#{}]+$/);
  const flags = [row.private, row.unpriv, row.chroot].map(flag);
  return { columns: [name, row.type, ...flags, cell(row.wakeup), cell(row.maxproc), keyOf(FORMAT, program, /^[A-Za-z0-9_./-]+$/)], args };
};

const serviceText = (row: MasterService, version: string): Text => {
  const { columns, args } = serviceColumns(row);
  const [name = '', type = '', ...others] = columns;
  const options = rowsFor(version, row.options ?? [], `${row.service}/${row.type} `);
  const reasons = options.map((each) => comment(each.why === undefined ? undefined : `${each.set}: ${each.why}`)).join('');
  const tail = args.map((arg) => ` ${argument(arg, `${row.service}/${row.type}`)}`).join('');
  return [
    `${comment(row.why)}${reasons}${name.padEnd(10)} ${type.padEnd(5)} ${others.join(' ')}\n${options.map((each) => `${option(each)}\n`).join('')}${tail === '' ? '' : ` ${tail}\n`}`,
  ];
};

/** master.cf for a Postfix of `version`. A service of one name and type twice is a defect of ours. */
export const renderMasterCf = (rows: readonly MasterService[], version: string): Text => {
  const valid = rows.filter((row) => isValidIn(version, row));
  const names = valid.map((row) => `${row.service}/${row.type}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw bug(`master.cf has ${twice} twice`);
  return joined(header(), ...valid.map((row) => serviceText(row, version)));
};
