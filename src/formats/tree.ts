/**
 * Nested blocks in braces, for Dovecot, UCL (Rspamd) and nginx. A dialect says how a row and a block's head are written;
 * the nesting, the indentation and the comments are the same.
 */
import type { Text } from '#base';
import { rowsFor } from './rows.ts';
import { comment, header, joined } from './text.ts';
import { type Block, isRow, type Node, type Row } from './types.ts';

export interface Dialect {
  /** Lines of the row, without indentation or line break. `path`: the blocks around it, for messages. */
  row(row: Row, path: string): readonly Text[];
  /** What stands before the brace. */
  head(block: Block, path: string): string;
  /** A reason as a comment may hold it, where comments are not quite free. */
  reason?(why: string): string;
}

const body = (nodes: readonly Node[], dialect: Dialect, depth: number, path: string): Text => {
  const indent = '  '.repeat(depth);
  return joined(
    ...nodes.flatMap((node): readonly Text[] => {
      const why = node.why === undefined ? undefined : (dialect.reason?.(node.why) ?? node.why);
      if (isRow(node)) return [[comment(why, indent)], ...dialect.row(node, path).map((line) => joined(indent, line, '\n'))];
      const within = `${path}${node.block}${node.name === undefined ? '' : ` ${node.name}`} > `;
      return [[`${comment(why, indent)}${indent}${dialect.head(node, path)} {\n`], body(node.rows, dialect, depth + 1, within), [`${indent}}\n`]];
    }),
  );
};

export const renderTree = (nodes: readonly Node[], version: string, dialect: Dialect): Text =>
  joined(header(), body(rowsFor(version, nodes), dialect, 0, ''));
