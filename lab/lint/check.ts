/** `npm run lint`: formatting, Biome's rules and our own over the whole checkout. One line a problem; exit 1 when there is one. */
import { join } from 'node:path';
import { runBiome } from './biome.ts';
import { promises } from './promises.ts';
import { rooms } from './rooms.ts';
import { checkProject, type Problem } from './source.ts';
import { checkText } from './text.ts';

export const lint = (root: string): readonly Problem[] => [
  ...runBiome(root, 'check'),
  ...checkProject(join(root, 'tsconfig.json'), [rooms, promises]),
  ...checkText(root),
];

export const show = ({ file, line, rule, message }: Problem): string => `${file}:${line} ${rule}: ${message}`;

if (import.meta.main) {
  const problems = lint(join(import.meta.dirname, '../..'));
  for (const problem of problems) process.stdout.write(`${show(problem)}\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
