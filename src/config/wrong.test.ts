/** Every option refuses what it cannot be, three values at least, with its path, its place and what to write; and takes its example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileWith, WRONG_VALUES } from '#lab';
import { parseConfig } from './index.ts';
import { SECTIONS } from './sections.ts';

const options = Object.values(SECTIONS).flatMap((section) => Object.values(section.options).map((option) => `${section.name}.${option.key}`));

test('the table has every option, and three values at least for each', () => {
  assert.deepEqual(Object.keys(WRONG_VALUES).toSorted(), options.toSorted());
  for (const [path, values] of Object.entries(WRONG_VALUES)) assert.ok(values.length >= 3, path);
});

for (const path of options) {
  test(`${path}: what it cannot be is refused`, () => {
    for (const value of WRONG_VALUES[path] ?? []) {
      const result = parseConfig(fileWith(path, value), 'hauspost.toml');
      assert.equal(result.ok, false, value);
      const own = result.ok ? undefined : result.errors.find((error) => error.path === path && error.message.startsWith(path));
      assert.ok(own !== undefined, `${value}: ${JSON.stringify(result)}`);
      assert.doesNotMatch(own.message, /[\r\n]/, value);
      assert.ok(own.remedy.length > 0 && own.line !== undefined, value);
    }
  });
}
