/**
 * What upkeep leaves in DNS although it is not wanted at the moment at which it looks: it asks nobody, and what it goes by may be there again in a moment,
 * or have come while it waited. At a name server that takes changes (Knot).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heldBy, type Internet, type Ours } from '../internet/index.ts';
import { HAUSPOST, until } from '../index.ts';
import { ended } from '../process.ts';
import { firstLine } from '../room.ts';
import { push, shell } from './dns-pushed.ts';

interface Place {
  readonly net: Internet;
  readonly server: Ours;
}

/** Upkeep, which somebody holds up who changes DNS; it stands still then. The answer lets it go on, and answers with its exit code. */
const waitingUpkeep = async (server: Ours): Promise<() => Promise<number>> => {
  const { machine } = server;
  const holder = machine.spawn(['flock', '/run/hauspost/dns', 'sh', '-c', 'echo held; read -r line']);
  await firstLine(holder, 'flock');
  const upkeep = machine.spawn(['sh', '-c', '"$@" & echo $!; wait $!', 'sh', HAUSPOST, 'upkeep']);
  const pid = await firstLine(upkeep, 'upkeep');
  const waits = async (): Promise<true | undefined> =>
    (await machine.run(['sh', '-c', `readlink /proc/${pid}/fd/*`])).stdout.includes('/run/hauspost/dns\n') || undefined;
  await until('it waits', waits, 120_000, 100);
  // A flock(1) that it has begun may still be running, and must have come to nothing.
  await shell(
    server,
    `kill -STOP ${pid}; for child in $(pgrep -x -P ${pid} flock); do until grep -q '^State:.Z' /proc/$child/status; do :; done; done`,
  );
  holder.stdin.end('\n');
  await ended(holder);
  return async () => {
    await shell(server, `kill -CONT ${pid}`);
    return ended(upkeep);
  };
};

export const publishedMeanwhile = (get: () => Place & { readonly further: string }): void => {
  test('upkeep that waits for somebody who publishes goes by the keys that there are after that', async () => {
    const { net, server, further } = get();
    const added = `lists.${further}`;
    const goOn = await waitingUpkeep(server);
    await server.order('domain', 'add', added);
    await push(server);
    const before = await heldBy(net, 'primary', further);
    assert.equal(before.filter((line) => line.includes(`._domainkey.${added}. `)).length, 2);
    assert.equal(await goOn(), 0);
    assert.deepEqual(await heldBy(net, 'primary', further), before);
    await server.order('domain', 'remove', added);
    await push(server);
  });
};
