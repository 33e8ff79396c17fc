/**
 * What Rspamd understood: `rspamadm configdump --json` (status 0 also for a configuration without our section). Rspamd merges
 * `local.d` into what it ships, so only what we set is looked at, and a list must be exactly ours. A repeated key is a list,
 * a named block an object under its name, a named block beside others an element of a list.
 */
import { bug } from '#base';
import { type Mismatch, mismatch } from './compare.ts';
import { rowsFor } from './rows.ts';
import { isLines, isList, isRow, type Node, type Row, type Word } from './types.ts';
import { valueText } from './ucl.ts';

type Json = unknown;

/** Standard output of `rspamadm configdump --json [section]`. Throws a bug if that is not JSON. */
export const parseConfigdump = (dump: string): Json => {
  try {
    return JSON.parse(dump);
  } catch (error) {
    throw bug('rspamadm configdump --json printed something else', error);
  }
};

const members = (json: Json, key: string): readonly Json[] => {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return [];
  const value: Json = Object.entries(json).find(([name]) => name === key)?.[1];
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
};

/** Our value as JSON would have it; a variable's value is Rspamd's own business and only must have been replaced. */
const sameWord = (word: Word, actual: Json): boolean => {
  if (typeof word === 'number') return typeof actual === 'number' && Math.abs(word - actual) <= Math.abs(word) * 1e-6;
  if (typeof word === 'boolean') return word === actual;
  if (typeof actual !== 'string') return false;
  const pieces = valueText(word);
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('') === actual;
  const pattern = pieces
    .map((piece) => (typeof piece === 'string' ? RegExp.escape(piece) : 'secret' in piece ? '[A-Za-z0-9$./+=_:-]+' : '[^$]*'))
    .join('');
  return new RegExp(`^${pattern}$`, 's').test(actual);
};

const shown = (word: Word): string =>
  valueText(word)
    .map((piece) => (typeof piece === 'string' ? piece : 'ref' in piece ? `\${${piece.ref}}` : `<secret:${piece.secret}>`))
    .join('');

const wordsOf = ({ to, set }: Row): readonly Word[] => {
  if (isList(to)) return to;
  if (!isLines(to)) return [to];
  return to.lines.map((line) => {
    if (isList(line)) throw bug(`UCL cannot hold a list of lists (${set})`);
    return line;
  });
};

const compareRow = (row: Row, candidates: readonly Json[], path: string): readonly Mismatch[] => {
  const words = wordsOf(row);
  const fits = candidates.some((json) => {
    const actual = members(json, row.set);
    return actual.length === words.length && words.every((word, index) => sameWord(word, actual[index]));
  });
  if (fits) return [];
  const secret = words.some((word) => valueText(word).some((piece) => typeof piece === 'object' && 'secret' in piece));
  const got = candidates.flatMap((json) => members(json, row.set));
  return [mismatch(`${path}${row.set}`, [words.map(shown).join(', ')], got.length === 0 ? undefined : secret ? '<hidden>' : JSON.stringify(got))];
};

const compareNodes = (nodes: readonly Node[], candidates: readonly Json[], path: string): readonly Mismatch[] =>
  nodes.flatMap((node) => {
    if (isRow(node)) return compareRow(node, candidates, path);
    const { block, name } = node;
    const inner = candidates.flatMap((json) => members(json, block)).flatMap((json) => (name === undefined ? [json] : members(json, name)));
    return compareNodes(node.rows, inner, `${path}${block}${name === undefined ? '' : ` ${name}`} > `);
  });

/** `section`: where in the dump the file's content ends up, such as `['worker', 'controller']`; empty for the whole. */
export const compareUcl = (nodes: readonly Node[], version: string, dump: Json, section: readonly string[] = []): readonly Mismatch[] => {
  const start = section.reduce<readonly Json[]>((at, key) => at.flatMap((json) => members(json, key)), [dump]);
  return compareNodes(rowsFor(version, nodes), start, section.map((key) => `${key} > `).join(''));
};
