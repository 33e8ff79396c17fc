/**
 * unbound.conf(5): clauses (`server:`) with one option a line. The lexer keeps backslashes and knows no escapes: a value stands
 * between quotes of the kind that it does not hold; with both kinds in it, or with a lone backslash at its end, it cannot be held.
 */
import { bug, type Text } from '#base';
import { cannotHold, holds, keyOf } from './refusal.ts';
import { rowsFor } from './rows.ts';
import { comment, header, joined } from './text.ts';
import { type Block, isLines, isList, isRow, type Row, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

const FORMAT = 'unbound.conf';
const held = (text: string, where: string): string => holds(FORMAT, where, text, /[\n\r]/);
const syntax: WordSyntax = { format: FORMAT, yes: 'yes', no: 'no', secrets: true, literal: held, verbatim: held };

/** The value as Unbound has it in memory. */
export const wordText = (word: Word, where: string): Text => piecesOf(word, syntax, where);

const DOUBLE = /^(?:[^"\\]|\\.)*$/su;
const SINGLE = /^(?:[^'\\]|\\.)*$/su;

const quoted = (word: Word, where: string): Text => {
  const pieces = piecesOf(word, syntax, where);
  if (typeof word === 'number' || typeof word === 'boolean') return pieces;
  const text = pieces.map((piece) => (typeof piece === 'string' ? piece : 'a')).join('');
  if (DOUBLE.test(text)) return joined('"', pieces, '"');
  if (SINGLE.test(text)) return joined("'", pieces, "'");
  throw cannotHold(FORMAT, where, text.includes('"') && text.includes("'") ? 'both kinds of quotes' : 'a lone backslash at its end');
};

const optionLines = (row: Row, clause: string): readonly Text[] => {
  const { set, to } = row;
  const name = keyOf(FORMAT, set, /^[a-z0-9-]+$/);
  const values: readonly (Word | readonly Word[])[] = isLines(to) ? to.lines : isList(to) ? to : [to];
  return values.map((each) => {
    const words = isList(each) ? each : [each];
    if (words.length === 0) throw bug(`${clause}: ${name} without a value`);
    // Several words on one line (`access-control: 127.0.0.0/8 allow`, `local-zone: x static`) are separate tokens.
    return joined(`    ${name}:`, ...words.map((word) => joined(' ', quoted(word, `${clause}: ${name}`))), '\n');
  });
};

const clause = (block: Block): Text => {
  if (block.name !== undefined) throw bug(`${block.block}: clauses have no name`);
  const name = keyOf(FORMAT, block.block, /^[a-z0-9-]+$/);
  return joined(
    comment(block.why),
    `${name}:\n`,
    ...block.rows.flatMap((row) => {
      if (!isRow(row)) throw bug(`${name}: unbound has no nested clauses`);
      return [[comment(row.why, '    ')], ...optionLines(row, name)];
    }),
  );
};

/**
 * unbound.conf for an Unbound of `version`. A list gives one line for each element; `lines(['127.0.0.0/8', 'allow'])` has two
 * words on its line, which options such as `access-control` and `local-zone` want.
 */
export const renderUnbound = (clauses: readonly Block[], version: string): Text => joined(header(), ...rowsFor(version, clauses).map(clause));
