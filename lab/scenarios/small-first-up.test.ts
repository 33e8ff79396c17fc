/** C1 on a machine of 1 GB, which the kernel holds it to, page cache included: from a bare Debian to a server that carries load, Node's preparation included. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { boot, HAUSPOST, image, type Machine, type Output, type Server, serverOn, shownPassword } from '../index.ts';
import { limitedMemory, type Memory, memoryObstacle } from '../memory.ts';
import { carriesLoad, numbersOf, phases, SMALL, SOLD_AS_1_GB } from '../parts/memory.ts';

const obstacle = memoryObstacle();
const options = obstacle === undefined ? {} : { skip: obstacle };

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, options, () => {
    let memory: Memory;
    let machine: Machine;
    let server: Server | undefined;
    before(async () => {
      memory = await limitedMemory(SOLD_AS_1_GB);
      machine = await boot({ image: await image({ release, init: 'systemd' }, 'packages'), memory });
    });
    after(async () => {
      await (server ?? machine)?.[Symbol.asyncDispose]();
      await memory?.[Symbol.asyncDispose]();
    });
    phases(() => memory);
    const get = (): Server => server ?? assert.fail('up did not end well');

    test('the launcher makes Node and the dependencies ready', async () => {
      await machine.checkout();
      const { code, stderr } = await machine.run([HAUSPOST, '--version'], { ms: 600_000 });
      assert.equal(code, 0, stderr);
    });

    test('C1: the first up ends well, with a self-test', async () => {
      const begun = performance.now();
      const up: Output = await machine.run([HAUSPOST, 'up', '--yes'], { ms: 1_200_000 });
      console.log(`    up took ${((performance.now() - begun) / 1000).toFixed(0)} s`);
      assert.equal(up.code, 0, up.stderr);
      assert.doesNotMatch(up.stdout, /FAIL/);
      const user = 'demo@hauspost.test';
      server = await serverOn(machine, { user, pass: shownPassword(up, user) });
    });

    test('its daemons have the small numbers', async () => {
      assert.deepEqual(await numbersOf(machine), SMALL);
    });

    carriesLoad(get, () => memory, release);
  });
}
