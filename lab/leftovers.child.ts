/**
 * A process that a test interrupts: it has a machine, a network, a way out, open sockets (`machine`), or builds a layer that never gets
 * done (`layer`). It says what it holds as JSON on one line and waits.
 */
import { boot, image, network } from './index.ts';
import { limitedMemory, memoryObstacle } from './memory.ts';
import { OWNER } from './owner.ts';
import { layerOf } from './store.ts';

const waitForever = (): Promise<void> => new Promise(() => setInterval(() => undefined, 60_000));

const say = (held: object): void => {
  process.stdout.write(`${JSON.stringify({ owner: OWNER, ...held })}\n`);
};

if (process.argv[2] === 'layer') {
  await layerOf({ name: 'interrupted', recipe: OWNER }, async () => {
    say({ pids: [] });
    await waitForever();
  });
} else {
  const bare = await image({ release: 'bookworm', init: 'systemd' }, 'bare');
  const memory = memoryObstacle() === undefined ? { memory: await limitedMemory(512) } : {};
  const machine = await boot({ image: bare, name: 'interrupted', ...memory });
  const lan = await network();
  const host = await lan.host('stranger');
  await lan.join(machine);
  await machine.online();
  await machine.listen({ host: '127.0.0.1', port: 25 });
  await host.forward({ host: '127.0.0.1', port: 25 });
  machine.spawn(['sleep', '1000']);
  say({ pids: [machine.holder.pid, host.holder.pid, Number(machine.root.split('/')[2])] });
  await waitForever();
}
