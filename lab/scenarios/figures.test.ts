/** The contract's times, on a machine that does nothing else meanwhile: asserted at three times the figure, and printed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exits } from '../operator.ts';
import { onEachRelease } from '../scenario.ts';

onEachRelease((get) => {
  test('P3: plan and an apply with nothing to do', async () => {
    const server = get();
    for (const words of [['plan'], ['apply']]) {
      const seconds: number[] = [];
      for (let time = 0; time < 3; time += 1) {
        const begun = performance.now();
        await exits(server, 0, ...words);
        seconds.push((performance.now() - begun) / 1000);
      }
      console.log(`    ${words.join(' ')}: ${seconds.map((each) => each.toFixed(2)).join(', ')} s`);
      assert.ok(Math.min(...seconds) <= 3.0, `${words.join(' ')} took ${seconds} s`);
    }
  });
});
