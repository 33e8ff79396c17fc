import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderUnbound } from './unbound.ts';

const SEED = 11;
const one = (value: string): string => renderUnbound([{ block: 'server', rows: [{ set: 'identity', to: value }] }], '1.17.1').join('');
const { held, refused } = sorted(hostileValues(SEED, 2200), one);

test(`unbound.conf refuses what its lexer has no way to write (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\n\r\0]|".*'|'.*"|\\$/s);
  for (const value of held) assert.doesNotMatch(value, /[\n\r\0]/);
});

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values come back from unbound-checkconf -o on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    // A list option takes any string, and prints each on a line of its own.
    const text = renderUnbound([{ block: 'server', rows: [{ set: 'domain-insecure', to: held }] }], '1.17.1').join('');
    await room.put({ '/tmp/unbound.conf': text });
    const dump = await room.run(['unbound-checkconf', '-o', 'domain-insecure', '/tmp/unbound.conf']);
    assert.equal(dump.code, 0, dump.stderr);
    // 1.17 prints a list's last element first.
    assert.deepEqual(dump.stdout.split('\n').slice(0, -1).sort(), [...held].sort());
  });
}
