/**
 * The two ini dialects. MariaDB's option files (my_getopt, my_default.c): quoted values with C escapes, lines under 4096 octets.
 * systemd's unit drop-ins (systemd.syntax(7)): `%` is doubled (specifiers), values are trimmed lines; the words of a list setting
 * are quoted with C escapes (systemd.exec(5) "Environment", systemd.service(5) "Command lines").
 */
import { bug, type Text } from '#base';
import { atMost, cannotHold, holds, keyOf, untrimmed } from './refusal.ts';
import { rowsFor } from './rows.ts';
import { comment, header, joined, separated } from './text.ts';
import { type Block, isLines, isList, isRow, type Row, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

type Words = Word | readonly Word[];
type Line = (key: string, value: Words) => Text;

const render = (sections: readonly Block[], key: RegExp, line: Line): Text =>
  joined(
    header(),
    ...sections.map((section, index) => {
      if (section.name !== undefined) throw bug(`[${section.block}]: sections have no second name`);
      const rows = section.rows.flatMap((row) => {
        if (!isRow(row)) throw bug(`[${section.block}]: ini files have no nested sections`);
        return [[comment(row.why)], ...valuesOf(row).map((value) => joined(line(keyOf('an ini file', row.set, key), value), '\n'))];
      });
      return joined(index === 0 ? '' : '\n', comment(section.why), `[${keyOf('an ini file', section.block, /^[A-Za-z0-9_.-]+$/)}]\n`, ...rows);
    }),
  );

const valuesOf = ({ to }: Row): readonly Words[] => {
  if (isLines(to)) return to.lines;
  return isList(to) ? to : [to];
};

const MARIADB = 'a MariaDB option file';
const MARIADB_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '"': '\\"',
  "'": "\\'",
  '\\': '\\\\',
};
const mariadbHeld = (text: string, where: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  holds(MARIADB, where, text).replace(/[\n\r\t\u0008"'\\]/g, (c) => MARIADB_ESCAPES[c] ?? c);
const mariadb: WordSyntax = { format: MARIADB, yes: 'ON', no: 'OFF', secrets: true, literal: mariadbHeld, verbatim: mariadbHeld };

/** The option's value as MariaDB has it in memory. */
export const optionText = (word: Word, where: string): Text => {
  const held = (text: string): string => holds(MARIADB, where, text);
  return piecesOf(word, { ...mariadb, literal: held, verbatim: held }, where);
};

const mariadbLine: Line = (key, value) => {
  if (isList(value)) throw bug(`MariaDB takes one value for ${key}`);
  const pieces = piecesOf(value, mariadb, key);
  atMost(MARIADB, key, 4000, pieces.map((piece) => (typeof piece === 'string' ? piece : ' '.repeat(100))).join(''));
  return typeof value === 'number' || typeof value === 'boolean' ? joined(`${key} = `, pieces) : joined(`${key} = "`, pieces, '"');
};

/** An option file for MariaDB of `version`; a list repeats the option. */
export const renderMariadb = (sections: readonly Block[], version: string): Text =>
  render(rowsFor(version, sections), /^[A-Za-z0-9_-]+$/, mariadbLine);

const SYSTEMD = 'a systemd unit';
const systemdLine: Line = (key, value) => {
  const text = isList(value)
    ? separated(
        ' ',
        value.map((word) => systemdWord(word, key)),
      )
    : systemdWhole(value, key);
  return joined(`${key}=`, text);
};

const specifiers = (text: string): string => text.replaceAll('%', '%%');

const systemdWhole = (word: Word, where: string): Text => {
  const held = (text: string): string => holds(SYSTEMD, where, text, /[\n\r]/);
  const syntax: WordSyntax = {
    format: SYSTEMD,
    yes: 'yes',
    no: 'no',
    secrets: false,
    literal: (text) => specifiers(held(text)),
    verbatim: held,
    reference: (name) => `%${name}`,
  };
  const text = piecesOf(word, syntax, where).join('');
  if (text.endsWith('\\')) throw cannotHold(SYSTEMD, where, 'a backslash at its end');
  return joined(untrimmed(SYSTEMD, where, text));
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL_OR_QUOTE = /[\u0000-\u001f\u007f"\\]/g;
const SYSTEMD_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };

/** In command lines `$` starts a variable, which `$$` prevents. */
const systemdWord = (word: Word, where: string): Text => {
  const dollar = (text: string): string => (where.startsWith('Exec') ? text.replaceAll('$', '$$$$') : text);
  const escaped = (text: string): string =>
    holds(SYSTEMD, where, text).replace(CONTROL_OR_QUOTE, (c) => SYSTEMD_ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const syntax: WordSyntax = {
    format: SYSTEMD,
    yes: 'yes',
    no: 'no',
    secrets: false,
    literal: (text) => specifiers(dollar(escaped(text))),
    verbatim: escaped,
    reference: (name) => `%${name}`,
  };
  const text = piecesOf(word, syntax, where).join('');
  return [/^[A-Za-z0-9_./:=@+,-]+$/.test(text) ? text : `"${text}"`];
};

/**
 * A unit or its drop-in. A string is the whole line right of the `=`; `lines(['/usr/sbin/x', 'an argument'])` are words, quoted
 * where needed; a list repeats the setting, so `lines('', ['/usr/sbin/x'])` first empties it. `ref('i')` is the specifier `%i`.
 */
export const renderSystemd = (sections: readonly Block[]): Text => render(rowsFor('0', sections), /^[A-Za-z0-9]+$/, systemdLine);
