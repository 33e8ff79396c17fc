/** A file of tests cannot fail unseen: each way of not passing is tried with a file that does it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Outcome } from './outcome.ts';

const folder = mkdtempSync(join(tmpdir(), 'hauspost-files-'));
after(() => rmSync(folder, { recursive: true }));

const RUN = `
  import { runFile, killRemaining } from ${JSON.stringify(join(import.meta.dirname, 'file.ts'))};
  const [path, root, ms] = process.argv.slice(2);
  const outcome = await runFile(path, { root, ms: Number(ms), signal: new AbortController().signal });
  killRemaining();
  process.stdout.write(JSON.stringify(outcome));`;

const RUNNER = join(folder, 'runner.mjs');
writeFileSync(RUNNER, RUN);

/** In a process that does not know that it is part of a test: node:test does not run files within files. */
const outcomeOf = (name: string, text: string, ms = 20_000): Outcome => {
  const path = join(folder, `${name}.mjs`);
  writeFileSync(path, `import { test } from 'node:test';\n${text}\n`);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return JSON.parse(execFileSync(process.execPath, [RUNNER, path, folder, String(ms)], { env, encoding: 'utf8' })) as Outcome;
};

const failed = ({ failures }: Outcome): readonly (readonly [string, string])[] => failures.map(({ name, text }) => [name, text.split('\n')[0] ?? '']);

test('tests that pass, and those within them, are counted', () => {
  const outcome = outcomeOf('passes', "test('one', async (t) => { await t.test('two', () => {}); });\ntest('three', () => {});");
  assert.deepEqual([outcome.passed, outcome.failures, outcome.skipped], [3, [], []]);
});

test('a test that fails is named with its place, its error and what the file printed', () => {
  const outcome = outcomeOf(
    'fails',
    "console.log('said before');\ntest('one', async (t) => { await t.test('two', () => { throw new Error('boom'); }); });\ntest('three', () => {});",
  );
  assert.deepEqual(failed(outcome), [['one > two', 'Error: boom']]);
  assert.equal(outcome.failures[0]?.place, 'fails.mjs:3');
  assert.equal(outcome.passed, 1);
  assert.match(outcome.output, /said before/);
});

test('a skipped test is named with its reason', () => {
  const outcome = outcomeOf('skips', "test('one', { skip: 'no need' }, () => {});\ntest('two', () => {});");
  assert.deepEqual([outcome.passed, outcome.skipped], [1, [{ name: 'one', reason: 'no need' }]]);
});

test('a file that throws while it loads has failed', () => {
  const outcome = outcomeOf('throws', "throw new Error('at once');");
  assert.deepEqual(failed(outcome), [['throws.mjs', 'ended before its tests were reported']]);
  assert.match(outcome.output, /at once/);
});

test('a file that exits before its tests ran has failed', () => {
  assert.deepEqual(failed(outcomeOf('exits', "test('one', () => { process.exit(0); });\ntest('two', () => {});")), [
    ['exits.mjs', 'ended before its tests were reported'],
  ]);
});

test('a file without tests has failed', () => {
  assert.deepEqual(failed(outcomeOf('empty', '')), [['empty.mjs', 'ended before its tests were reported']]);
});

test('a file that does not end is ended at its limit, even when it refuses SIGTERM', () => {
  const hanging = "process.on('SIGTERM', () => {});\ntest('one', () => new Promise(() => { setInterval(() => {}, 1000); }));";
  assert.deepEqual(failed(outcomeOf('hangs', hanging, 1500)), [['hangs.mjs', 'did not end within 1.5 s and was ended']]);
});

test('an error after the tests ended fails the file', () => {
  const outcome = outcomeOf('late', "test('one', () => { setTimeout(() => { throw new Error('too late'); }, 50); });");
  assert.deepEqual(failed(outcome), [['late.mjs', 'failed outside of its tests']]);
  assert.match(outcome.output, /too late/);
});

test('a hook that fails fails the file', () => {
  const outcome = outcomeOf('hook', "import { after } from 'node:test';\ntest('one', () => {});\nafter(() => { throw new Error('left behind'); });");
  assert.deepEqual(failed(outcome), [['a hook', 'Error: left behind']]);
  assert.equal(outcome.passed, 1);
});
