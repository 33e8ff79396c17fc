/** What is written is understood by the real program of both releases, and a file that says something else is noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker, type Room } from '#lab';
import type { CheckRoom, RenderInput } from '#model';
import { inputFor, LOCAL, PUBLIC } from '../test-input.lab.ts';
import { mariadb } from './index.ts';

const FILE = '/etc/mysql/mariadb.cnf';

const written = (input: RenderInput): string => {
  const item = mariadb.items(input).find((each) => each.kind === 'file' && each.path === FILE);
  assert.ok(item?.kind === 'file');
  return item.text.join('');
};

const codes = async (room: Room, input: RenderInput, text: string): Promise<readonly string[]> => {
  await room.put({ [FILE]: text });
  const view: CheckRoom = { run: (argv, options) => room.run(argv, options) };
  return (await mariadb.check(view, input)).map((found) => found.code);
};

for (const release of ['bookworm', 'trixie'] as const) {
  test(`mariadb on ${release}: silent where it understood, loud where it did not`, async () => {
    await using room = await checker(release);
    for (const config of [LOCAL, PUBLIC]) {
      const input = inputFor(release, 'systemd', config);
      const text = written(input);
      assert.deepEqual(await codes(room, input, text), []);
      assert.ok(text.includes('skip-name-resolve = ON'));
      assert.deepEqual(await codes(room, input, text.replace('skip-name-resolve = ON', 'skip-name-resolve = OFF')), ['mariadb.misread']);
      assert.deepEqual(await codes(room, input, text.replace('[mariadbd]\n', '[mariadbd]\nno-such-option = 1\n')), ['mariadb.refused']);
    }
  });
}
