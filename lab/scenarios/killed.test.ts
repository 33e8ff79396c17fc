/**
 * A change of many services, and the way back from it, is killed (SIGKILL) before each of its effects on the machine in turn, while numbered mail
 * flows. Each time the old or the new configuration answers, the next command says what was interrupted and heals it, and nothing is left to do.
 * Before the next effect is after the one before it. The two releases take turns: what touches the machine alike needs no second look. Of the files
 * of a tree that is being staged, which nobody reads before all are there, each takes every eighth.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from '../index.ts';
import { announcedSize, answered, exits, generations } from '../operator.ts';
import { answersOldOrNew, arrived, ask, disturbed, effectsOf, flow, heals, NEW, OLD, turns } from '../parts/disturbed.ts';
import { onEachRelease } from '../scenario.ts';

interface Direction {
  readonly words: readonly string[];
  /** Generation that is in place before, and what it announces. */
  readonly from: number;
  readonly before: string;
}

/** Ends with what was in place before. */
const killedBefore = async (server: Server, number: number, effects: readonly string[], { words, from, before }: Direction): Promise<void> => {
  const what = `killed before effect ${effects[number - 1]}`;
  const killed = await disturbed(server, words, { before: number, by: 'killed' });
  const done = killed.effects.length;
  // What is done but once (a folder that is there from then on) makes later runs shorter than the first: then there was nothing left to kill.
  if (killed.code === 0) assert.ok(done < number, `${what}: ${done} effects`);
  else assert.equal(done, number, what);
  await answersOldOrNew(server, what);
  const { changes } = await heals(server, what, from, before);
  // Forward the operator's file still asks for the change; back it does not.
  if (words[0] === 'rollback') assert.deepEqual(changes, [], what);
};

const direction = async (server: Server, parity: 0 | 1, effects: readonly string[], way: Direction): Promise<void> => {
  const begun = performance.now();
  const mine = turns(effects, parity);
  for (const number of mine) await killedBefore(server, number, effects, way);
  console.log(`    ${way.words.join(' ')}: ${mine.length} of ${effects.length} effects, ${((performance.now() - begun) / 1000).toFixed(0)} s`);
};

const bothWays = async (server: Server, parity: 0 | 1): Promise<void> => {
  await ask(server);
  const forward = await effectsOf(server, 'apply');
  assert.equal(await announcedSize(server), NEW);
  const second = Math.max(...(await generations(server)));
  const back = await effectsOf(server, 'rollback', '1');
  assert.equal(await announcedSize(server), OLD);
  await direction(server, parity, forward, { words: ['apply'], from: 1, before: OLD });
  await exits(server, 0, 'rollback', String(second), '--yes');
  await direction(server, parity, back, { words: ['rollback', '1'], from: second, before: NEW });
};

onEachRelease((get, release) => {
  const parity = release === 'bookworm' ? 0 : 1;

  test('C4, C5: killed before each effect, forward and back, while mail flows', async () => {
    const server = get();
    await server.machine.checkout();
    const mail = flow(server);
    try {
      await bothWays(server, parity);
    } finally {
      await mail.stop();
    }
    const accepted = await mail.stop();
    console.log(`    ${accepted.length} messages were accepted meanwhile`);
    assert.ok(accepted.length > 50, String(accepted.length));
    await arrived(server, accepted);
    const selftest = await answered<{ ok: boolean }>(server, 'selftest');
    assert.deepEqual([selftest.code, selftest.document.ok], [0, true]);
  });
});
