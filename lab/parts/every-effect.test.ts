/** No effect is passed over, also where one that is done but once makes later runs shorter. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyEffect } from './every-effect.ts';

/** What something came before, in order; `once` is done but once. */
const triedOf = async (effects: readonly string[], once: readonly string[], until?: RegExp): Promise<readonly string[]> => {
  const tried: string[] = [];
  const done = new Set<string>();
  await everyEffect(
    'test',
    (before) => {
      const run = effects.filter((effect) => !done.has(effect)).slice(0, before);
      for (const effect of run.slice(0, before - 1)) if (once.includes(effect)) done.add(effect);
      if (run.length === before) tried.push(run.at(-1) ?? '');
      return Promise.resolve(run);
    },
    until === undefined ? {} : { until },
  );
  return tried;
};

test('each in turn, of the same name as well', async () => {
  assert.deepEqual(await triedOf(['a', 'b', 'a', 'end'], []), ['a', 'b', 'a', 'end']);
});

test('what moves to an earlier place is not passed over', async () => {
  const tried = await triedOf(['a', 'once', 'also', 'b', 'c', 'end'], ['once', 'also']);
  assert.deepEqual([...new Set(tried)].toSorted(), ['a', 'also', 'b', 'c', 'end', 'once']);
});

test('until one that is named', async () => {
  assert.deepEqual(await triedOf(['a', 'b', 'c', 'end'], [], /^c/), ['a', 'b', 'c']);
});

test('one that bears another name in each run is told of instead of being looked for without end', async () => {
  let runs = 0;
  const trial = (before: number): Promise<readonly string[]> => Promise.resolve(['a', `b${runs++}`, 'c', 'end'].slice(0, before));
  await assert.rejects(everyEffect('test', trial), /bears another name in each run/);
});
