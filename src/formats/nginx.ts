/**
 * nginx.conf. A list is the arguments of one directive; `lines` repeats it (`lines(['Host', ref('host')], ...)`).
 * nginx has no way to write a literal `$` in a value that it expands: refused there; `verbatim` holds it in values that are not
 * expanded. A token is at most 4096 octets (ngx_conf_file.c, NGX_CONF_BUFFER).
 */
import { bug, type Text } from '#base';
import { atMost, holds, keyOf } from './refusal.ts';
import { joined, separated } from './text.ts';
import { type Dialect, renderTree } from './tree.ts';
import { type Block, isLines, isList, type Node, type Word } from './types.ts';
import { piecesOf, type WordSyntax } from './word.ts';

const FORMAT = 'an nginx configuration';
const LONGEST = 4000;
const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '"': '\\"', '\\': '\\\\' };
const escaped = (text: string): string => text.replace(/[\n\r\t"\\]/g, (c) => ESCAPES[c] ?? c);

const syntax: WordSyntax = {
  format: FORMAT,
  yes: 'on',
  no: 'off',
  secrets: false,
  literal: (text, where) => escaped(holds(FORMAT, where, text, /\$/)),
  verbatim: (text, where) => escaped(holds(FORMAT, where, text)),
  reference: (name, alone) => (alone ? `$${name}` : `\${${name}}`),
};

const PLAIN = /^[A-Za-z0-9_./:@+,=~*%!?()&|^<>[\]-]+$/;

const token = (word: Word, where: string): Text => {
  const text = piecesOf(word, syntax, where).join('');
  atMost(FORMAT, where, LONGEST, text);
  return [PLAIN.test(text) || (typeof word === 'object' && 'ref' in word) ? text : `"${text}"`];
};

const directive = (name: string, words: readonly Word[]): Text =>
  joined(keyOf(FORMAT, name, /^[a-z_0-9]+$/), ...words.map((word) => joined(' ', token(word, name))), ';');

const dialect: Dialect = {
  row: ({ set, to }) => {
    if (isLines(to)) return to.lines.map((line) => directive(set, isList(line) ? line : [line]));
    return [directive(set, isList(to) ? to : [to])];
  },
  // A block's name is our own text with blanks between its words: `location = /x`, `upstream name`.
  head: (block: Block) => {
    const name = keyOf(FORMAT, block.block, /^[a-z_0-9]+$/);
    if (block.name === undefined) return name;
    if (block.name === '') throw bug(`${name} with an empty name`);
    return `${name} ${separated(
      ' ',
      block.name.split(' ').map((word) => token({ verbatim: word }, name)),
    ).join('')}`;
  },
};

export const renderNginx = (nodes: readonly Node[], version: string): Text => renderTree(nodes, version, dialect);
