/** What is written is understood by the real program of both releases, and a file that says something else is noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker, type Room } from '#lab';
import type { CheckRoom, RenderInput } from '#model';
import { inputFor, LOCAL, PUBLIC } from '../test-input.lab.ts';
import { unbound } from './index.ts';

const FILE = '/etc/unbound/unbound.conf';

const written = (input: RenderInput): string => {
  const item = unbound.items(input).find((each) => each.kind === 'file' && each.path === FILE);
  assert.ok(item?.kind === 'file');
  return item.text.join('');
};

const codes = async (room: Room, input: RenderInput, text: string): Promise<readonly string[]> => {
  await room.put({ [FILE]: text });
  const view: CheckRoom = { run: (argv, options) => room.run(argv, options) };
  return (await unbound.check(view, input)).map((found) => found.code);
};

for (const release of ['bookworm', 'trixie'] as const) {
  test(`unbound on ${release}: silent where it understood, loud where it did not`, async () => {
    await using room = await checker(release);
    for (const config of [LOCAL, PUBLIC]) {
      const input = inputFor(release, 'systemd', config);
      const text = written(input);
      assert.deepEqual(await codes(room, input, text), []);
      assert.ok(text.includes('prefetch: yes'));
      assert.deepEqual(await codes(room, input, text.replace('prefetch: yes', 'prefetch: no')), ['unbound.misread']);
      assert.deepEqual(await codes(room, input, text.replace('server:\n', 'server:\n    prefetsch: yes\n')), ['unbound.refused']);
    }
  });
}
