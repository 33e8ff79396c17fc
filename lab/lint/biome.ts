/** Biome's findings as problems of ours. A GritQL plugin says its rule's name at the start of its message. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Problem } from './source.ts';

interface Report {
  readonly diagnostics: readonly {
    readonly category: string;
    readonly severity: string;
    readonly message: string;
    readonly location: { readonly path: string; readonly start: { readonly line: number } } | null;
  }[];
}

const PLUGIN = /^([a-z-]+): (.*)$/;

/** `command` is `lint` (rules only) or `check` (rules and formatting). Fails when Biome itself does. */
export const runBiome = (root: string, command: 'lint' | 'check'): readonly Problem[] => {
  const biome = join(root, 'node_modules/.bin/biome');
  const { status, stdout, stderr } = spawnSync(biome, [command, '--reporter=json', '--max-diagnostics=none', '.'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0 && status !== 1) throw new Error(`biome ended with ${status}: ${stderr}`);
  const report = JSON.parse(stdout) as Report;
  const problems = report.diagnostics
    .filter(({ severity }) => severity !== 'information')
    .map(({ category, message, location }) => {
      const [rule, said] =
        category === 'plugin' ? (PLUGIN.exec(message)?.slice(1) ?? ['plugin', message]) : [category.split('/').at(-1) ?? category, message];
      return { rule: rule ?? '', file: location?.path ?? '', line: location?.start.line ?? 0, message: said ?? '' };
    });
  if (status !== 0 && problems.length === 0) throw new Error(`biome ended with ${status} and named no problem: ${stderr}`);
  return problems;
};
