/** As disasters.test.ts, before each effect of a change and of the way back from it: the disk is full. */
import { test } from 'node:test';
import { asks, givesWay, plannedBy, stopRspamdAtOnce, type Way, whileMailFlows } from '../parts/disturbed.ts';
import { bothWays, DISK, everyEffect } from '../parts/every-effect.ts';
import { onEachReleaseAtOnce } from '../scenario.ts';
import type { Server } from '../index.ts';

const eachOf = async (server: Server, way: Way, release: string): Promise<void> => {
  const planned = await plannedBy(server, way);
  await everyEffect(`${release}: ${way.name}`, async (before, last) => {
    await asks(server, way, last);
    return (await givesWay(server, { before }, 'full', way, planned)).effects;
  });
};

onEachReleaseAtOnce(
  (get, release) => {
    test('C4, C5: the disk is full before each effect, forward and back, while mail flows', async () => {
      const server = get();
      await server.machine.checkout();
      await stopRspamdAtOnce(server);
      await whileMailFlows(server, release, () => bothWays(server, (way) => eachOf(server, way, release)));
    });
  },
  { disk: DISK },
);
