/**
 * Postfix' parameter files: main.cf (postconf(5)) and the map definitions in the same syntax (mysql_table(5)).
 * A value is one logical line, trimmed; main.cf expands `$name`, so a literal `$` is doubled; a map file expands `%u` in its
 * queries, so a literal `%` is doubled there. Line breaks and blanks at either end cannot be held. List elements may not hold
 * a comma outside of braces; an element such as `check_helo_access lmdb:/x` is one element for us and two words for Postfix.
 */
import { bug, type Text } from '#base';
import { cannotHold, holds, keyOf, untrimmed } from './refusal.ts';
import { rowsFor } from './rows.ts';
import { comment, header, joined, separated } from './text.ts';
import { isLines, isList, type Row, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

const PARAMETER = /^[A-Za-z0-9_-]+$/;

/** Readline of Postfix takes `\n` as the end; other controls pass, but none has a meaning in a parameter. */
const held = (format: string, where: string, text: string): string => holds(format, where, text, /[\n\r]/);

/** `$` is expanded by the programs (mac_expand(3)); `$$` is one dollar sign. */
export const mainCf: WordSyntax = {
  format: 'main.cf',
  yes: 'yes',
  no: 'no',
  secrets: false,
  literal: (text, where) => held('main.cf', where, text).replaceAll('$', '$$$$'),
  verbatim: (text, where) => held('main.cf', where, text),
  reference: (name, alone) => (alone ? `$${name}` : `\${${name}}`),
};

const mapCf: WordSyntax = {
  format: 'a Postfix map file',
  yes: 'yes',
  no: 'no',
  secrets: true,
  literal: (text, where) => held('a Postfix map file', where, text).replaceAll('%', '%%'),
  verbatim: (text, where) => held('a Postfix map file', where, text),
  reference: (name) => `%${name}`,
};

const trimmedEnds = (syntax: WordSyntax, where: string, text: Text): Text => {
  const [first, last] = [text[0], text.at(-1)];
  if (typeof first === 'string' && /^\s/.test(first)) untrimmed(syntax.format, where, first);
  if (typeof last === 'string') untrimmed(syntax.format, where, last);
  return text;
};

/** One element of a list: braces in balance, no comma outside of them. Counted on the text as Postfix sees it. */
const element = (syntax: WordSyntax, where: string, text: Text): Text => {
  let depth = 0;
  for (const character of text.map((piece) => (typeof piece === 'string' ? piece : '')).join('')) {
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth < 0 || (depth === 0 && character === ','))
      throw cannotHold(`a list in ${syntax.format}`, where, depth < 0 ? 'an unmatched brace' : 'a comma');
  }
  if (depth !== 0) throw cannotHold(`a list in ${syntax.format}`, where, 'an unmatched brace');
  if (text.length === 0) throw cannotHold(`a list in ${syntax.format}`, where, 'an empty element');
  return text;
};

/** The value of a parameter, as text on one logical line. Also for the `-o` options of master.cf. */
export const parameterValue = (row: Row, syntax: WordSyntax = mainCf): Text => {
  const { set, to } = row;
  if (isLines(to)) throw bug(`${syntax.format} cannot repeat ${set}`);
  const one = (word: Word): Text => trimmedEnds(syntax, set, piecesOf(word, syntax, set));
  return isList(to)
    ? separated(
        ', ',
        to.map((word) => element(syntax, set, one(word))),
      )
    : one(to);
};

/** Parameter names, as they stand left of the `=`. */
export const parameterName = (row: Row): string => keyOf('Postfix', row.set, PARAMETER);

/** A list of more than a line's worth is folded, one element a line. */
const assignment = (row: Row, syntax: WordSyntax): Text => {
  const value = parameterValue(row, syntax);
  const long = isList(row.to) && row.to.length > 1 && value.reduce((sum, piece) => sum + (typeof piece === 'string' ? piece.length : 20), 0) > 100;
  const shown =
    long && isList(row.to)
      ? joined(
          '\n    ',
          separated(
            ',\n    ',
            row.to.map((word) => parameterValue({ ...row, to: word }, syntax)),
          ),
        )
      : joined(value.length === 0 ? '' : ' ', value);
  return joined(comment(row.why), `${parameterName(row)} =`, shown, '\n');
};

const render = (rows: readonly Row[], version: string, syntax: WordSyntax): Text =>
  joined(header(), ...rowsFor(version, rows).map((row) => assignment(row, syntax)));

/** main.cf for a Postfix of `version`. */
export const renderMainCf = (rows: readonly Row[], version: string): Text => render(rows, version, mainCf);

/** A map definition such as mysql_table(5): `query` with `ref('u')` for `%u`; `verbatim` for what is not a query (`password`). */
export const renderMapCf = (rows: readonly Row[], version: string): Text => render(rows, version, mapCf);
