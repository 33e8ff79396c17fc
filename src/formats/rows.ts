/**
 * Which rows a daemon of a given version gets. Keys are unique within their scope: setting one twice is a defect of ours, since
 * the daemons disagree about which of the two counts. Repetition is said with a list or `lines`.
 */
import { bug } from '#base';
import { isRow, type Node, type Validity } from './types.ts';

const numbers = (version: string): readonly number[] => {
  if (!/^[0-9]+(\.[0-9]+)*$/.test(version)) throw bug(`not an upstream version: ${JSON.stringify(version)}`);
  return version.split('.').map(Number);
};

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`; number by number, a missing one is 0. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [numbers(a), numbers(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

export const isValidIn = (version: string, validity: Validity): boolean =>
  (validity.from === undefined || compareVersions(version, validity.from) >= 0) &&
  (validity.until === undefined || compareVersions(version, validity.until) < 0);

const identity = (node: Node): string | undefined => {
  if (isRow(node)) return node.set;
  return node.name === undefined ? undefined : `${node.block} ${JSON.stringify(node.name)} {}`;
};

/** The nodes for `version`, blocks filtered likewise. Throws a bug for a key or a named block that a scope holds twice. */
export const rowsFor = <N extends Node>(version: string, nodes: readonly N[], scope = ''): readonly N[] => {
  const seen = new Set<string>();
  return nodes
    .filter((node) => isValidIn(version, node))
    .map((node) => {
      const id = identity(node);
      if (id !== undefined && seen.has(id)) throw bug(`${scope}${id} is set twice`);
      if (id !== undefined) seen.add(id);
      if (isRow(node)) return node;
      return { ...node, rows: rowsFor(version, node.rows, `${scope}${node.block}${node.name === undefined ? '' : ` ${node.name}`} > `) };
    });
};
