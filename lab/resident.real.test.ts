/** What is said of a machine's memory: a service that grows is seen, by as much as it grows, and a process more than before is waited for. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { boot, image, type Machine, until } from '#lab';
import { ok } from './people.ts';
import { atRest, ownOfLasting, resident } from './resident.ts';

const GROWS_MB = 30;
/** `$$` is a dollar to systemd-run(1). Grows once, when it is told to. */
const GROWING = `$$SIG{USR1} = sub { $$more = "x" x ($$ARGV[0] * 2 ** 20) }; $$0 = "ready"; sleep 1 while 1`;

let machine: Machine;
before(async () => {
  machine = await boot({ image: await image({ release: 'bookworm', init: 'systemd' }, 'bare') });
  ok(await machine.run(['systemd-run', '--unit=growing', 'perl', '-e', GROWING, String(GROWS_MB)]));
  await until('it runs', async () => (await resident(machine)).processes.some(({ program }) => program === 'ready') || undefined, 10_000);
});
after(() => machine?.[Symbol.asyncDispose]());

test('a service that grows is seen', async () => {
  const then = await resident(machine);
  ok(await machine.run(['systemctl', 'kill', '--signal=USR1', 'growing']));
  const [were = 0, now = 0] = await until(
    'it has grown',
    async () => {
      const found = ownOfLasting(then, await resident(machine));
      // Some pages that it had before may be gone.
      return (found[1] ?? 0) >= (found[0] ?? 0) + GROWS_MB - 1 ? found : undefined;
    },
    10_000,
  );
  assert.ok(now - were < GROWS_MB + 10, `${now - were} MB`);
});

test('what runs more often than before is waited for', async () => {
  const usual = await resident(machine);
  ok(await machine.run(['systemd-run', '--unit=some', 'sh', '-c', 'sleep infinity & sleep infinity & wait']));
  await until(
    'both run',
    async () => (await resident(machine)).processes.filter(({ program }) => program === 'sleep').length === 2 || undefined,
    10_000,
    50,
  );
  await assert.rejects(atRest(machine, usual, 0), /more often: some\/sleep 2/);
  ok(await machine.run(['systemctl', 'stop', 'some']));
  assert.ok((await atRest(machine, usual, 30_000)).processes.every(({ program }) => program !== 'sleep'));
});
