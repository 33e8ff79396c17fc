/** Which files hold tests, and what they need. */
import { globSync } from 'node:fs';

export interface TestFiles {
  /** Run anywhere, without root and without network. */
  readonly unit: readonly string[];
  /** Need the lab: root, namespaces, images. Each builds images that no other one waits for, while the others wait for those that all share. */
  readonly first: readonly string[];
  /** Need it, too, in the order in which they keep all processors busy. */
  readonly lab: readonly string[];
  /** Need it, too, and nothing else beside them. */
  readonly alone: readonly string[];
}

const scenarios = (...names: readonly string[]): readonly string[] => names.map((name) => `lab/scenarios/${name}.test.ts`);

const FIRST = scenarios('container', 'public', 'refusals', 'upgrade');
/** They take longest: one that begins last would keep one processor busy, and the others idle. */
const LONG = scenarios(
  'rotation',
  'load',
  'certificates',
  'dns-check',
  'dns-push',
  'dkim-rotation',
  'trusted',
  'clock',
  'commands',
  'disasters',
  'backup',
  'refused',
  'hand-edits',
  'concurrent',
  'doctor',
  'rollover',
  'small-machine',
  'first-up',
  'names-fail',
  'foreign-senders',
  'outbound-tls',
  'outbound-delivery',
  'outbound-retries',
  'seen-outside',
  'each-other',
  'login-limits',
  'replace',
  'wrong-input',
  'without',
  'updates',
  'original',
  'many',
  'under-load',
  'people',
  'addresses',
  'queue',
  'rollback',
  'learning',
  'tls-policy',
  'relay',
  'strangers',
  'filters',
  'crash',
  'interruption',
);
/** Too long for every run: only when a filter names them. */
const WHEN_NAMED = scenarios('killed', 'each-effect-full', 'each-effect-power', 'each-effect-read-only', 'small-first-up', 'debian-upgrade');
/** They measure what nothing else may disturb. */
const ALONE = scenarios('figures');

const NOT_OURS = ['lab/lint/cases/**', 'node_modules/**'];

const find = (root: string, patterns: readonly string[]): readonly string[] => globSync([...patterns], { cwd: root, exclude: NOT_OURS }).sort();

/** `filters`: only files whose path holds one of them; none means all. */
export const testFiles = (root: string, filters: readonly string[]): TestFiles => {
  const wanted = (file: string): boolean => filters.length === 0 || filters.some((filter) => file.includes(filter));
  const all = find(root, ['src/**/*.test.ts', 'lab/**/*.test.ts', 'bench/**/*.test.ts']).filter((file) => !file.startsWith('lab/scenarios/'));
  const real = all.filter((file) => file.endsWith('.real.test.ts'));
  return {
    unit: all.filter((file) => !file.endsWith('.real.test.ts')).filter(wanted),
    first: FIRST.filter(wanted),
    lab: [...new Set([...LONG, ...real, ...find(root, ['lab/scenarios/**/*.test.ts'])])]
      .filter((file) => !FIRST.includes(file) && !ALONE.includes(file) && (filters.length > 0 || !WHEN_NAMED.includes(file)))
      .filter(wanted),
    alone: ALONE.filter(wanted),
  };
};
