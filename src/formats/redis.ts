/**
 * redis.conf: a directive and its arguments, each in double quotes with C escapes where needed (sds.c, sdssplitargs).
 * A list is the arguments of one directive, `lines` repeats it (`user`, `rename-command`).
 */
import type { Text } from '#base';
import { holds, keyOf } from './refusal.ts';
import { rowsFor } from './rows.ts';
import { comment, header, joined } from './text.ts';
import { isLines, isList, type Row, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

const FORMAT = 'redis.conf';
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };
const escaped = (text: string, where: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  holds(FORMAT, where, text).replace(/[\u0000-\u001f\u007f"\\]/g, (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
const syntax: WordSyntax = { format: FORMAT, yes: 'yes', no: 'no', secrets: true, literal: escaped, verbatim: escaped };

const PLAIN_TEXT: WordSyntax = {
  ...syntax,
  literal: (text, where) => holds(FORMAT, where, text),
  verbatim: (text, where) => holds(FORMAT, where, text),
};

/** The argument as redis has it in memory. */
export const argumentText = (word: Word, where: string): Text => piecesOf(word, PLAIN_TEXT, where);

const argument = (word: Word, where: string): Text => {
  const pieces = piecesOf(word, syntax, where);
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : '"')).join('');
  return /^[A-Za-z0-9_./:@+,*-]+$/.test(text) ? pieces : joined('"', pieces, '"');
};

const directive = (name: string, words: readonly Word[]): Text =>
  joined(keyOf(FORMAT, name, /^[a-z0-9-]+$/), ...words.map((word) => joined(' ', argument(word, name))), '\n');

const row = ({ set, to, why }: Row): Text => {
  const values: readonly (Word | readonly Word[])[] = isLines(to) ? to.lines : [to];
  return joined(comment(why), ...values.map((value) => directive(set, isList(value) ? value : [value])));
};

/** redis.conf for a Redis of `version`. */
export const renderRedis = (rows: readonly Row[], version: string): Text => joined(header(), ...rowsFor(version, rows).map(row));
