/**
 * C4, C5: a change of many services, and the way back from it, is killed (SIGKILL) before each of its effects on the machine in turn, and after the last,
 * while numbered mail flows. Each time the old or the new configuration answers, the next command says what was interrupted and heals it, and nothing is
 * left to do. Since none begins before the one before it has ended, before the next one is after that.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from '../index.ts';
import { answered } from '../operator.ts';
import { answersOldOrNew, asks, disturbed, heals, INSTALLING, stopRspamdAtOnce, type Way, whileMailFlows } from '../parts/disturbed.ts';
import { bothWays, everyEffect, type Limits } from '../parts/every-effect.ts';
import { onEachReleaseAtOnce } from '../scenario.ts';

/** Ends with what was in place before, unless it came to its end. */
const killedBefore = async (server: Server, way: Way, number: number, last: string | undefined): Promise<readonly string[]> => {
  await asks(server, way, last);
  const { code, effects, stderr } = await disturbed(server, way.words, { before: number, by: 'killed' });
  const what = `${way.name}: killed before ${effects.length} ${effects.at(-1)}`;
  if (effects.length < number) {
    assert.deepEqual([code, effects.at(-1)], [0, 'end'], stderr);
    return effects;
  }
  assert.equal(code, 137, what);
  await answersOldOrNew(server, what);
  await heals(server, what, way);
  return effects;
};

const eachOf = (server: Server, way: Way, release: string, limits?: Limits): Promise<void> =>
  everyEffect(`${release}: ${way.name}`, (number, last) => killedBefore(server, way, number, last), limits);

onEachReleaseAtOnce((get, release) => {
  test('C4, C5: killed before each effect, forward and back, while mail flows', async () => {
    const server = get();
    await server.machine.checkout();
    await stopRspamdAtOnce(server);
    await whileMailFlows(server, release, async () => {
      await eachOf(server, INSTALLING, release, { until: /\/generations\// });
      await bothWays(server, (way) => eachOf(server, way, release));
    });
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
  });
});
