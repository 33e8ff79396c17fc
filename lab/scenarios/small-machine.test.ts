/**
 * A server that has become a machine of 1 GB, which the kernel holds it to, page cache included: `plan` shows the smaller numbers, `apply` brings
 * them about, and under load nothing is killed and nothing is lost. Then it gets 24 GB, and the numbers grow.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allRun, boot, type Machine, type Server, served, serverOn } from '../index.ts';
import { limitedMemory, type Memory, memoryObstacle } from '../memory.ts';
import { answered, configure, type Plan } from '../operator.ts';
import { carriesLoad, LARGE, numbersOf, phases, SMALL, SOLD_AS_1_GB, survivesWant } from '../parts/memory.ts';
import { ok } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';

const obstacle = memoryObstacle();
const options = obstacle === undefined ? {} : { skip: obstacle };

/** What asks /proc/meminfo. */
const told = async (machine: Machine): Promise<readonly number[]> => {
  const free = ok(await machine.run(['free', '--mebi'])).stdout;
  const node = `/opt/hauspost/node_modules/node-linux-${process.arch}/bin/node`;
  return [Number(/^Mem: +(\d+)/m.exec(free)?.[1]), Number(ok(await machine.run([node, '-p', 'os.totalmem() / 2 ** 20'])).stdout)];
};

/** Whether the plan has something to do, and it is done with a working server. */
const applied = async (server: Server): Promise<void> => {
  const { code, document } = await answered<Plan>(server, 'plan');
  assert.equal(code, 2);
  console.log(`    plan: ${document.changes.map(({ action, target }) => `${action} ${target}`).join(', ')}`);
  const apply = await answered<{ applied: boolean; probes: readonly { ok: boolean }[] }>(server, 'apply', '--yes');
  assert.deepEqual([apply.code, apply.document.applied, apply.document.probes.every((probe) => probe.ok)], [0, true, true]);
  assert.deepEqual((await answered<Plan>(server, 'plan')).document.changes, []);
  const { code: works, document: steps } = await answered<{ ok: boolean }>(server, 'selftest');
  assert.deepEqual([works, steps.ok], [0, true]);
};

const becomes = async (machine: Machine, memory: Memory, mb: number): Promise<void> => {
  memory.resize(mb);
  ok(await machine.run(['sh', '-c', 'cat >/run/meminfo'], { input: memory.meminfo() }));
  assert.deepEqual(await told(machine), [mb, mb]);
};

/** `get` answers with a server that has SOLD_AS_1_GB, and then 2 GB. */
const scansLarger = (get: () => Server, memory: () => Memory): void => {
  const said = async (): Promise<readonly string[]> =>
    (await answered<Plan>(get(), 'plan')).document.findings
      .filter(({ code }) => code === 'mail.not-scanned')
      .map(({ message: text, remedy }) => `${text}; ${remedy}`);

  test('M18: messages of 190 MB: with 1 GB plan says that 50 are what can be scanned; with 2 GB nothing, and Rspamd may take what was measured for one', async () => {
    const server = get();
    assert.deepEqual(await said(), []);
    await configure(server, '[mail]\nmessage_size_limit = "190M"\n');
    const [words = '', ...more] = await said();
    assert.match(words, /^mail\.message_size_limit is 190M, .* scan 50M: .*; Write message_size_limit = "50M" .* 2008 MB of memory\.$/);
    assert.deepEqual(more, []);
    await becomes(server.machine, memory(), 2048);
    assert.deepEqual(await said(), []);
    await applied(server);
    assert.equal(ok(await server.machine.run(['systemctl', 'show', '-P', 'MemoryMax', 'rspamd'])).stdout, `${1608 * 2 ** 20}\n`);
    await configure(server, '');
  });
};

for (const release of ['bookworm', 'trixie'] as const) {
  describe(release, options, () => {
    let memory: Memory;
    let machine: Machine;
    let server: Server;
    before(async () => {
      memory = await limitedMemory(SOLD_AS_1_GB);
      machine = await boot({ image: await served({ release, init: 'systemd' }), memory });
      await allRun(machine);
      server = await serverOn(machine);
    });
    after(async () => {
      await (server ?? machine)?.[Symbol.asyncDispose]();
      await memory?.[Symbol.asyncDispose]();
    });
    phases(() => memory);

    test('the machine tells that it has 1 GB', async () => {
      assert.deepEqual(await told(machine), [SOLD_AS_1_GB, SOLD_AS_1_GB]);
    });

    test('apply brings the small numbers about, and the self-test passes', async () => {
      await applied(server);
      assert.deepEqual(await numbersOf(machine), SMALL);
    });

    // Its calls take some of the room in which the scanners are measured.
    test('upkeep calls nobody from now on', () => holdUpkeep(machine));

    carriesLoad(
      () => server,
      () => memory,
      release,
    );

    survivesWant(
      () => server,
      () => memory,
      release,
    );

    scansLarger(
      () => server,
      () => memory,
    );

    test('with 24 GB the numbers grow, and the self-test passes', async () => {
      await becomes(machine, memory, 24 * 1024);
      await applied(server);
      assert.deepEqual(await numbersOf(machine), LARGE);
    });
  });
}
