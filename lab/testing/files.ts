/** Which files hold tests, and what they need. */
import { globSync } from 'node:fs';

export interface TestFiles {
  /** Run anywhere, without root and without network. */
  readonly unit: readonly string[];
  /** Need the lab: root, namespaces, images. In the order in which they keep all processors busy. */
  readonly lab: readonly string[];
}

/** They take longest, and each builds images that no other one waits for. What needs none of these comes next, then those that share them. */
const FIRST = ['container', 'public', 'commands', 'refusals'].map((name) => `lab/scenarios/${name}.test.ts`);

const NOT_OURS = ['lab/lint/cases/**', 'node_modules/**'];

const find = (root: string, patterns: readonly string[]): readonly string[] => globSync([...patterns], { cwd: root, exclude: NOT_OURS }).sort();

/** `filters`: only files whose path holds one of them; none means all. */
export const testFiles = (root: string, filters: readonly string[]): TestFiles => {
  const wanted = (file: string): boolean => filters.length === 0 || filters.some((filter) => file.includes(filter));
  const all = find(root, ['src/**/*.test.ts', 'lab/**/*.test.ts', 'bench/**/*.test.ts']).filter((file) => !file.startsWith('lab/scenarios/'));
  const real = all.filter((file) => file.endsWith('.real.test.ts'));
  return {
    unit: all.filter((file) => !file.endsWith('.real.test.ts')).filter(wanted),
    lab: [...new Set([...FIRST, ...real, ...find(root, ['lab/scenarios/**/*.test.ts'])])].filter(wanted),
  };
};
