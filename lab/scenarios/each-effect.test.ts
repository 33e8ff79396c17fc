/**
 * As disasters.test.ts, before every second effect of a change that it is the release's turn to look at: the disk is full, /etc is read-only, the power
 * goes, one after the other.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve, type Server } from '../index.ts';
import { answered, exits, type Plan } from '../operator.ts';
import { arrived, ask, effectsOf, flow, givesWay, losesPower, turns } from '../parts/disturbed.ts';

const WAYS = ['full', 'read-only', 'power'] as const;

const inTurn = async (server: Server, parity: 0 | 1): Promise<void> => {
  await ask(server);
  const effects = await effectsOf(server, 'apply');
  await exits(server, 0, 'rollback', '1', '--yes');
  const planned = (await answered<Plan>(server, 'plan')).document.changes;
  for (const [index, before] of turns(effects, parity)
    .filter((_, each) => each % 2 === 0)
    .entries()) {
    const way = WAYS[index % WAYS.length];
    console.log(`    ${effects[before - 1]}`);
    if (way === 'full' || way === 'read-only') await givesWay(server, { before }, way, planned);
    else await losesPower(server, ['apply'], { before }, planned);
  }
};

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${release}: C4, C5: the machine gives way at any point of a change, while mail flows`, async () => {
    await using server = await serve(release, { disk: 1500 });
    await server.machine.checkout();
    const mail = flow(server);
    try {
      await inTurn(server, release === 'bookworm' ? 0 : 1);
    } finally {
      await mail.stop();
    }
    const accepted = await mail.stop();
    console.log(`    ${accepted.length} messages were accepted meanwhile`);
    assert.ok(accepted.length > 50, String(accepted.length));
    await arrived(server, accepted);
  });
}
