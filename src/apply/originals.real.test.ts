/** An original that the disk has no room for: what lies in its place stays whole, until there is room. On a small file system in a namespace of its own. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const CALLS = `
  const { thisMachine } = await import(${JSON.stringify(import.meta.resolve('../machine/index.ts'))});
  const { openOriginals } = await import(${JSON.stringify(import.meta.resolve('./originals.ts'))});
  const machine = thisMachine();
  const originals = openOriginals(machine, '/mnt/generations');
  const place = { owner: 'root:root', mode: 0o644 };
  const there = async () => [(await machine.read('/mnt/etc/file'))?.length, await machine.list('/mnt/etc')];
  await machine.write('/mnt/etc/file', 'o'.repeat(60_000), place);
  await originals.keep({ items: [{ kind: 'file', path: '/mnt/etc/file', text: [], wakes: [], ...place }] });
  await machine.write('/mnt/etc/file', 'ours', place);
  await machine.write('/mnt/filler', 'f'.repeat(100_000), place);
  const said = [await originals.restore(['/mnt/etc/file']).then(() => 'ok', ({ code }) => code), ...(await there())];
  await machine.remove('/mnt/filler');
  await originals.restore(['/mnt/etc/file']);
  console.log(JSON.stringify([...said, ...(await there())]));
`;

test('a full disk leaves what is in its place, and nothing beside it; with room the original comes back', async () => {
  const script = 'mount -t tmpfs -o size=200k none /mnt && exec "$0" --input-type=module --eval "$1"';
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, process.execPath, CALLS], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.deepEqual(JSON.parse(said), ['exec.failed', 4, ['file'], 60_000, ['file']]);
});
