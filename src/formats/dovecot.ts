/**
 * dovecot.conf in the dialects of 2.3 and 2.4, and 2.3's dovecot-sql.conf.ext. One line holds one value: line breaks cannot be
 * held. A quoted value is literal but for `\"` and `\\` (config-parser.c, str_unescape); a percent sign is protected as
 * the dialect wants it. Blank separated lists cannot hold elements with blanks, commas or quotes.
 */
import { bug, type Text } from '#base';
import { cannotHold, holds, keyOf } from './refusal.ts';
import { compareVersions } from './rows.ts';
import { joined, separated } from './text.ts';
import { type Dialect, renderTree } from './tree.ts';
import { type Block, isLines, isList, type Node, type Row, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

const FORMAT = 'a Dovecot configuration';
const held = (text: string, where: string): string => holds(FORMAT, where, text, /[\n\r]/);

/** 2.3: one letter, perhaps with modifiers, stands bare (`%u`, `%Ld`); a long name stands in braces (`%{session}`). */
const reference23 = (name: string): string => (/^[0-9.]*[LUEXRHNMDT]*[A-Za-z]$/.test(name) ? `%${name}` : `%{${name}}`);
const reference24 = (name: string): string => `%{${name}}`;

/**
 * In 2.4 a percent sign is itself, and only `%%{` stands for `%{`. So one right before a reference has to be a reference, too.
 * (In 2.3 `%%` is one percent sign.)
 */
const withLiteralPercent = (word: Word): Word => {
  if (typeof word !== 'object' || !('template' in word)) return word;
  const parts = word.template.flatMap((part, index, all) => {
    const next = all[index + 1];
    const clash = typeof part === 'string' && part.endsWith('%') && typeof next === 'object' && 'ref' in next;
    return clash ? [part.slice(0, -1), { ref: "literal('%')" }] : [part];
  });
  return { template: parts };
};

const pieces = (word: Word, is24: boolean, where: string): Text => piecesOf(is24 ? withLiteralPercent(word) : word, syntaxOf(is24), where);

const syntaxOf = (is24: boolean): WordSyntax => ({
  format: FORMAT,
  yes: 'yes',
  no: 'no',
  secrets: true,
  literal: (text, where) => (is24 ? held(text, where).replaceAll('%{', '%%{') : held(text, where).replaceAll('%', '%%')),
  verbatim: held,
  reference: is24 ? reference24 : reference23,
});

const PLAIN = /^[A-Za-z0-9_./:@+,;=~*%!?()&|^[\]{}-]+(?: [A-Za-z0-9_./:@+,;=~*%!?()&|^[\]{}-]+)*$/;
const SECRET = 'a';

/** The value without quotes and escapes, as Dovecot has it in memory; a list with its elements separated by blanks. */
export const settingText = (row: Row, is24: boolean): Text => {
  const { to } = row;
  if (isLines(to) || isList(to) || (typeof to === 'object' && ('setting' in to || 'contentsOf' in to))) return value(row, is24);
  return pieces(to, is24, row.set);
};

const quoted = (pieces: Text): Text => {
  const shape = pieces.map((piece) => (typeof piece === 'string' ? piece : SECRET)).join('');
  if (pieces.length === 0) return [];
  if (PLAIN.test(shape) && pieces.every((piece) => typeof piece === 'string')) return pieces;
  return joined('"', ...pieces.map((piece) => (typeof piece === 'string' ? piece.replace(/[\\"]/g, '\\$&') : piece)), '"');
};

const bare = (word: Word, syntax: WordSyntax, is24: boolean, where: string): Text => {
  if (typeof word === 'object' && 'setting' in word) return [`$${is24 ? 'SET:' : ''}${keyOf(FORMAT, word.setting, /^[A-Za-z0-9_]+$/)}`];
  const pieces = piecesOf(word, syntax, where);
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : SECRET)).join('');
  const wrong = /[\s,"'#$\\<]/.exec(text);
  if (wrong !== null) throw cannotHold('a list in a Dovecot configuration', where, `${JSON.stringify(wrong[0])} in an element`);
  if (text === '') throw cannotHold('a list in a Dovecot configuration', where, 'an empty element');
  return pieces;
};

const value = (row: Row, is24: boolean): Text => {
  const { set: where, to } = row;
  const syntax = syntaxOf(is24);
  if (isLines(to)) throw bug(`Dovecot cannot repeat ${where}`);
  if (isList(to))
    return separated(
      ' ',
      to.map((word) => bare(word, syntax, is24, where)),
    );
  if (typeof to === 'object' && 'setting' in to) return bare(to, syntax, is24, where);
  if (typeof to === 'object' && 'contentsOf' in to) return [`<${keyOf(FORMAT, to.contentsOf, /^\/[A-Za-z0-9_./@+-]+$/)}`];
  return quoted(pieces(to, is24, where));
};

const KEY = /^[A-Za-z0-9_./:@*+-]+$/;

const dialect = (is24: boolean): Dialect => ({
  row: (row) => {
    const text = value(row, is24);
    return [joined(`${keyOf(FORMAT, row.set, KEY)} =`, text.length === 0 ? '' : ' ', text)];
  },
  head: (block: Block) => {
    const name = keyOf(FORMAT, block.block, KEY);
    if (block.name === undefined) return name;
    const text = holds(FORMAT, block.block, block.name, /[\n\r]/);
    return `${name} ${/^[A-Za-z0-9_./:@*+!-]+$/.test(text) ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`}`;
  },
});

/** dovecot.conf for a Dovecot of `version`: before 2.4 in 2.3's dialect. */
export const renderDovecot = (nodes: readonly Node[], version: string): Text =>
  renderTree(nodes, version, dialect(compareVersions(version, '2.4') >= 0));

/** 2.3's dovecot-sql.conf.ext. `connect` is not expanded (use `verbatim`), the queries are. */
export const renderDovecotSql = (rows: readonly Row[], version: string): Text => renderTree(rows, version, dialect(false));
