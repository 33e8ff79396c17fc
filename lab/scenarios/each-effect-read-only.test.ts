/**
 * As disasters.test.ts, before each effect of a change and of the way back from it: /etc is read-only. Files elsewhere are written all the same: of
 * those that follow one another the first one stands for all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from '../index.ts';
import { asks, disturbed, givesWay, heals, plannedBy, stopRspamdAtOnce, type Way, whileMailFlows } from '../parts/disturbed.ts';
import { bothWays, DISK } from '../parts/every-effect.ts';
import { onEachReleaseAtOnce } from '../scenario.ts';

const ELSEWHERE = /^(?:write|rename to|directory|place|remove) (?!\/etc\/)/;

/** Effects by name, and the how-manieth whose name begins so (Trouble). */
const toTry = (effects: readonly string[]): readonly { readonly before: string; readonly nth: number }[] =>
  effects.flatMap((before, index) => {
    const isLikeTheLast = index > 0 && [before, effects[index - 1] ?? ''].every((effect) => ELSEWHERE.test(effect));
    return isLikeTheLast ? [] : [{ before, nth: effects.slice(0, index + 1).filter((other) => other.startsWith(before)).length }];
  });

const eachOf = async (server: Server, way: Way, release: string): Promise<void> => {
  await asks(server, way);
  const { code, effects, stderr } = await disturbed(server, way.words);
  assert.equal(code, 0, stderr);
  await heals(server, way.name, way);
  const planned = await plannedBy(server, way);
  const begun = performance.now();
  const trials = toTry(effects);
  for (const where of trials) {
    await asks(server, way);
    await givesWay(server, where, 'read-only', way, planned);
  }
  const seconds = (performance.now() - begun) / 1000;
  console.log(
    `    ${release}: ${way.name}: ${effects.length} of ${effects.length} effects in ${trials.length} trials of ${(seconds / trials.length).toFixed(1)} s`,
  );
};

onEachReleaseAtOnce(
  (get, release) => {
    test('C4, C5: /etc is read-only before each effect, forward and back, while mail flows', async () => {
      const server = get();
      await server.machine.checkout();
      await stopRspamdAtOnce(server);
      await whileMailFlows(server, release, () => bothWays(server, (way) => eachOf(server, way, release)));
    });
  },
  { disk: DISK },
);
