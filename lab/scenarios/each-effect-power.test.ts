/** As disasters.test.ts, before each effect of a change and of the way back from it: the power goes. */
import { test } from 'node:test';
import type { Server } from '../index.ts';
import { asks, losesPower, stopRspamdAtOnce, type Way, whileMailFlows } from '../parts/disturbed.ts';
import { bothWays, DISK, everyEffect } from '../parts/every-effect.ts';
import { onEachReleaseAtOnce } from '../scenario.ts';

const eachOf = (server: Server, way: Way, release: string): Promise<void> =>
  everyEffect(`${release}: ${way.name}`, async (before, last) => {
    await asks(server, way, last);
    return losesPower(server, { before }, way);
  });

onEachReleaseAtOnce(
  (get, release) => {
    test('C4, C5: the power goes before each effect, forward and back, while mail flows', async () => {
      const server = get();
      await server.machine.checkout();
      await stopRspamdAtOnce(server);
      await whileMailFlows(server, release, () => bothWays(server, (way) => eachOf(server, way, release)));
    });
  },
  { disk: DISK },
);
