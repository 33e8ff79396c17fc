/** A file of tests cannot fail unseen: each way of not passing is tried with a file that does it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Outcome } from './outcome.ts';

const FILES: Readonly<Record<string, string>> = {
  passes: "test('one', async (t) => { await t.test('two', () => {}); });\ntest('three', () => {});",
  fails:
    "console.log('said before');\ntest('one', async (t) => { await t.test('two', () => { throw new Error('boom'); }); });\ntest('three', () => {});",
  skips: "test('one', { skip: 'no need' }, () => {});\ntest('two', () => {});",
  throws: "throw new Error('at once');",
  exits: "test('one', () => { process.exit(0); });\ntest('two', () => {});",
  empty: '',
  hangs: "process.on('SIGTERM', () => {});\ntest('one', () => new Promise(() => { setInterval(() => {}, 1000); }));",
  late: "test('one', () => { setTimeout(() => { throw new Error('too late'); }, 50); });",
  hook: "import { after } from 'node:test';\ntest('one', () => {});\nafter(() => { throw new Error('left behind'); });",
};

/** More than Node and the other files need to begin on a busy machine. */
const HANGS_MS = 20_000;

/** In a process that does not know that it is part of a test: node:test does not run files within files. */
const runner = (folder: string): string => `
  import { runFile, killRemaining } from ${JSON.stringify(join(import.meta.dirname, 'file.ts'))};
  const one = (name) => runFile(${JSON.stringify(folder)} + '/' + name + '.mjs', {
    root: ${JSON.stringify(folder)}, ms: name === 'hangs' ? ${HANGS_MS} : 60_000, signal: new AbortController().signal });
  const outcomes = await Promise.all(process.argv.slice(2).map(async (name) => [name, await one(name)]));
  killRemaining();
  process.stdout.write(JSON.stringify(Object.fromEntries(outcomes)));`;

let outcomes: Readonly<Record<string, Outcome>> = {};

before(() => {
  const folder = mkdtempSync(join(tmpdir(), 'hauspost-files-'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, `${name}.mjs`), `import { test } from 'node:test';\n${text}\n`);
  writeFileSync(join(folder, 'runner.mjs'), runner(folder));
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  outcomes = JSON.parse(
    execFileSync(process.execPath, [join(folder, 'runner.mjs'), ...Object.keys(FILES)], { env, encoding: 'utf8' }),
  ) as typeof outcomes;
  rmSync(folder, { recursive: true });
});

after(() => assert.deepEqual(Object.keys(outcomes), Object.keys(FILES)));

const outcomeOf = (name: string): Outcome => {
  const outcome = outcomes[name];
  assert.ok(outcome);
  return outcome;
};

const failed = (name: string): readonly (readonly [string, string])[] =>
  outcomeOf(name).failures.map((one) => [one.name, one.text.split('\n')[0] ?? '']);

test('tests that pass, and those within them, are counted', () => {
  const { passed, failures, skipped } = outcomeOf('passes');
  assert.deepEqual([passed, failures, skipped], [3, [], []]);
});

test('a test that fails is named with its place, its error and what the file printed', () => {
  const { passed, failures, output } = outcomeOf('fails');
  assert.deepEqual(failed('fails'), [['one > two', 'Error: boom']]);
  assert.equal(failures[0]?.place, 'fails.mjs:3');
  assert.equal(passed, 1);
  assert.match(output, /said before/);
});

test('a skipped test is named with its reason', () => {
  const { passed, skipped } = outcomeOf('skips');
  assert.deepEqual([passed, skipped], [1, [{ name: 'one', reason: 'no need' }]]);
});

test('a file that throws while it loads has failed', () => {
  assert.deepEqual(failed('throws'), [['throws.mjs', 'ended before its tests were reported']]);
  assert.match(outcomeOf('throws').output, /at once/);
});

test('a file that exits before its tests ran has failed', () => {
  assert.deepEqual(failed('exits'), [['exits.mjs', 'ended before its tests were reported']]);
});

test('a file without tests has failed', () => {
  assert.deepEqual(failed('empty'), [['empty.mjs', 'ended before its tests were reported']]);
});

test('a file that does not end is ended at its limit, even when it refuses SIGTERM', () => {
  assert.deepEqual(failed('hangs'), [['hangs.mjs', `did not end within ${HANGS_MS / 1000} s and was ended, in one`]]);
});

test('an error after the tests ended fails the file', () => {
  assert.deepEqual(failed('late'), [['late.mjs', 'failed outside of its tests']]);
  assert.match(outcomeOf('late').failures[0]?.text ?? '', /too late/);
});

test('a hook that fails fails the file', () => {
  assert.deepEqual(failed('hook'), [['a hook', 'Error: left behind']]);
  assert.equal(outcomeOf('hook').passed, 1);
});
