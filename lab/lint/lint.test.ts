/**
 * Every rule rejects the file that was written for it, for that reason only, and accepts its twin. `cases/` mirrors the checkout;
 * `<rule>.rejected.ts` and `<rule>.accepted.ts` say in their names what must happen. It runs in a copy, under the real configuration.
 */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { runBiome } from './biome.ts';
import { promises } from './promises.ts';
import { rooms } from './rooms.ts';
import { checkProject, type Problem } from './source.ts';
import { judgeText } from './text.ts';

const ROOT = join(import.meta.dirname, '../..');
const OWN = ['one-way', 'front-door', 'service-apart', 'test-only', 'floating-promise', 'clock', 'empty-catch'];
const CASE = /^(?<rule>[A-Za-z-]+)\.(?<verdict>rejected|accepted)(?:\.test|\.lab)?\.ts$/;

const mirror = mkdtempSync(join(tmpdir(), 'hauspost-rules-'));
let problems: readonly Problem[] = [];

const cases = readdirSync(join(import.meta.dirname, 'cases'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(join(import.meta.dirname, 'cases'), join(entry.parentPath, entry.name)))
  .map((file) => ({ file, ...CASE.exec(basename(file))?.groups }) as { file: string; rule?: string; verdict?: string });

/** A file of just so many lines is made, not kept. */
const linesFile = (name: string, lines: number): void =>
  writeFileSync(join(mirror, 'src/config', name), Array.from({ length: lines }, (_, n) => `export const n${n} = ${n};\n`).join(''));

before(() => {
  cpSync(join(import.meta.dirname, 'cases'), mirror, { recursive: true });
  for (const file of ['package.json', 'biome.json', 'tsconfig.json', 'lab/lint/clock.grit', 'lab/lint/empty-catch.grit'])
    cpSync(join(ROOT, file), join(mirror, file));
  symlinkSync(join(ROOT, 'node_modules'), join(mirror, 'node_modules'));
  linesFile('noExcessiveLinesPerFile.rejected.ts', 401);
  linesFile('noExcessiveLinesPerFile.accepted.ts', 400);
  problems = [...runBiome(mirror, 'lint'), ...checkProject(join(mirror, 'tsconfig.json'), [rooms, promises])];
});

after(() => rmSync(mirror, { recursive: true }));

const firedIn = (file: string): readonly string[] => [...new Set(problems.filter((problem) => problem.file === file).map(({ rule }) => rule))];

for (const { file, rule, verdict } of cases) {
  if (verdict === 'rejected') test(`${file} is rejected`, () => assert.deepEqual(firedIn(file), [rule]));
  if (verdict === 'accepted') test(`${file} is accepted`, () => assert.deepEqual(firedIn(file), []));
}

test('a file of 401 lines is rejected, one of 400 accepted', () => {
  assert.deepEqual(firedIn('src/config/noExcessiveLinesPerFile.rejected.ts'), ['noExcessiveLinesPerFile']);
  assert.deepEqual(firedIn('src/config/noExcessiveLinesPerFile.accepted.ts'), []);
});

test('every rule that is switched on by name has a file that it rejects and one that it accepts', () => {
  const { linter } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as {
    linter: { rules: Record<string, string | Record<string, unknown>> };
  };
  const named = Object.values(linter.rules).flatMap((group) =>
    typeof group === 'string'
      ? []
      : Object.entries(group)
          .filter(([, value]) => value !== 'off')
          .map(([rule]) => rule),
  );
  const having = (verdict: string): ReadonlySet<string | undefined> =>
    new Set([...cases.filter((one) => one.verdict === verdict).map(({ rule }) => rule), 'noExcessiveLinesPerFile']);
  const lacking = [...named, ...OWN].filter((rule) => !having('rejected').has(rule) || !having('accepted').has(rule));
  assert.deepEqual(lacking, []);
});

test('hosts of registries and paths of a machine are rejected in any file, their like accepted', () => {
  const glue = (...parts: readonly string[]): string => parts.join('');
  const rejected = [
    glue('https://registry', '.npmjs', '.org/x'),
    glue('deb http://deb', '.debian', '.org/debian x main'),
    glue('Look in ', '/work', '/main.'),
    glue('cat ', '../sha', 'red/notes.md'),
  ];
  for (const text of rejected)
    assert.deepEqual(
      judgeText('a.md', `fine\n${text}\n`).map(({ rule, line }) => [rule, line]),
      [['committed-text', 2]],
      text,
    );
  for (const text of ['https://www.debian.org/doc', 'a/work/b', '/var/lib/hauspost', './shared/x', '~/work/y'])
    assert.deepEqual(judgeText('a.md', text), [], text);
});
