/** No command and no option is without wrong input. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPERATIONS } from '#operations';
import { WRONG } from './wrong-input.ts';

/** Options of every command. */
const COMMON = ['json', 'yes', 'help'];

test('each command, and each of its options, is asked for wrongly at least three times', () => {
  assert.deepEqual(Object.keys(WRONG).toSorted(), OPERATIONS.map(({ name }) => name).toSorted());
  for (const { name, input, positionals } of OPERATIONS) {
    const typed = (WRONG[name] ?? []).map(({ words }) => words);
    assert.ok(typed.length >= 3, name);
    const options = Object.keys(input.shape).filter((key) => !positionals.some((each) => each.key === key));
    for (const option of [...options, ...COMMON]) {
      const word = `--${option.replaceAll('_', '-')}`;
      const rows = typed.filter((words) => words.some((each) => each === word || each.startsWith(`${word}=`)));
      assert.ok(rows.length >= 3, `${name} ${word}: ${rows.length}`);
    }
  }
});
