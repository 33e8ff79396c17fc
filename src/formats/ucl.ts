/**
 * UCL as Rspamd reads it (libucl, and before it a template pass over the whole file, comments and all: `{= x =}`, `{% x %}`).
 * Strings are double quoted with JSON escapes. Control characters are refused: Rspamd's own dump shows them as U+FFFD, so
 * nobody could prove that they arrived. libucl looks for variables only in a string that holds a raw `$`, and turns `$$` into `$`
 * only in one that holds a known variable (seen with 3.4 and 3.12): so literal text has `\u0024`, and `$$` beside a `ref`.
 */
import { bug, type SecretRef, type Text } from '#base';
import { holds, keyOf } from './refusal.ts';
import { joined, separated } from './text.ts';
import { type Dialect, renderTree } from './tree.ts';
import { type Block, isLines, isList, type Node, type Ref, type Row, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

const FORMAT = 'an Rspamd configuration';
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f', '"': '\\"', '\\': '\\\\' };
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /(?![\n\r\t\b\f])[\u0000-\u001f\u007f]/;
const escaped = (text: string, where: string): string =>
  holds(FORMAT, where, text, CONTROL).replace(/[\n\r\t\b\f"\\{}]/g, (c) => ESCAPES[c] ?? `\\u00${c.charCodeAt(0).toString(16)}`);

const syntax: WordSyntax = {
  format: FORMAT,
  yes: 'true',
  no: 'false',
  secrets: true,
  literal: (text, where) => escaped(text, where).replaceAll('$', '\\u0024'),
  verbatim: (text, where) => escaped(text, where).replaceAll('$', '\\u0024'),
  reference: (name) => `\${${name}}`,
};

const besideRefs: WordSyntax = { ...syntax, literal: (text, where) => escaped(text, where).replaceAll('$', '$$$$') };

const holdsRef = (word: Word): boolean =>
  typeof word === 'object' && 'template' in word && word.template.some((part) => typeof part === 'object' && 'ref' in part);

const quoted = (word: Word, where: string): Text => {
  const pieces = piecesOf(word, holdsRef(word) ? besideRefs : syntax, where);
  if (typeof word === 'number' || typeof word === 'boolean') return pieces;
  // A secret may hold `$`: between single quotes nothing is expanded, and a secret holds no quote and no backslash.
  if (typeof word === 'object' && 'secret' in word) return joined("'", pieces, "'");
  if (pieces.some((piece) => typeof piece !== 'string')) throw bug(`a secret within a longer UCL string (${where})`);
  return joined('"', pieces, '"');
};

const key = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? name : `"${escaped(keyOf(FORMAT, name, /^[^\n\r\0$"\\{}]+$/), name)}"`;

const dialect: Dialect = {
  row: (row: Row) => {
    const { set, to } = row;
    if (isLines(to)) return to.lines.map((line) => joined(`${key(set)} = `, quoted(single(line, set), set), ';'));
    const text = isList(to)
      ? joined(
          '[',
          separated(
            ', ',
            to.map((word) => quoted(word, set)),
          ),
          ']',
        )
      : quoted(to, set);
    return [joined(`${key(set)} = `, text, ';')];
  },
  head: (block: Block) => (block.name === undefined ? key(block.block) : `${key(block.block)} "${syntax.literal(block.name, block.block)}"`),
  reason: (why) => why.replace(/\{(?=[=%#])/g, '{ '),
};

/** The value's pieces before any escaping. */
export const valueText = (word: Word): readonly (string | SecretRef | Ref)[] => {
  if (typeof word !== 'object') return [String(word)];
  if ('template' in word) return word.template;
  if ('verbatim' in word) return [word.verbatim];
  if ('secret' in word || 'ref' in word) return [word];
  throw bug('UCL has neither values of other settings nor contents of files');
};

const single = (line: Word | readonly Word[], where: string): Word => {
  if (isList(line)) throw bug(`UCL cannot hold a list of lists (${where})`);
  return line;
};

/** A file of Rspamd (`local.d/x.conf`, `override.d`) for an Rspamd of `version`. Numbers and booleans are bare, all else is a string. */
export const renderUcl = (nodes: readonly Node[], version: string): Text => renderTree(nodes, version, dialect);
