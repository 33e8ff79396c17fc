/** Which files hold tests, and what they need. */
import { globSync } from 'node:fs';

export interface TestFiles {
  /** Run anywhere, without root and without network. */
  readonly unit: readonly string[];
  /** Need the lab: root, namespaces, images. Scenarios first, since they take longest. */
  readonly lab: readonly string[];
}

const NOT_OURS = ['lab/lint/cases/**', 'node_modules/**'];

const find = (root: string, patterns: readonly string[]): readonly string[] => globSync([...patterns], { cwd: root, exclude: NOT_OURS }).sort();

/** `filters`: only files whose path holds one of them; none means all. */
export const testFiles = (root: string, filters: readonly string[]): TestFiles => {
  const wanted = (file: string): boolean => filters.length === 0 || filters.some((filter) => file.includes(filter));
  const all = find(root, ['src/**/*.test.ts', 'lab/**/*.test.ts', 'bench/**/*.test.ts']).filter((file) => !file.startsWith('lab/scenarios/'));
  const real = all.filter((file) => file.endsWith('.real.test.ts'));
  return {
    unit: all.filter((file) => !file.endsWith('.real.test.ts')).filter(wanted),
    lab: [...find(root, ['lab/scenarios/**/*.test.ts']), ...real].filter(wanted),
  };
};
