import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { type MasterService, renderMasterCf } from './master.ts';

const SEED = 16;
const service = (value: string, index: number): MasterService => ({
  service: `s${index}`,
  type: 'unix',
  chroot: false,
  command: 'smtp',
  options: [{ set: 'mail_name', to: value }],
});
const { held, refused } = sorted(hostileValues(SEED, 2600), (value) => renderMasterCf([service(value, 0)], '3.7'));

test(`master.cf refuses what main.cf does, and unmatched braces (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\n\r\0{}]|^[ \t]|[ \t]$/);
  for (const value of held) assert.doesNotMatch(value, /[\n\r\0]|^[ \t]|[ \t]$/);
});

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} option values come back from postconf -M on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    await room.put({
      '/tmp/postfix/main.cf': 'compatibility_level = 3.6\n',
      '/tmp/postfix/master.cf': renderMasterCf(held.map(service), '3.7').join(''),
    });
    const dump = await room.run(['postconf', '-c', '/tmp/postfix', '-M']);
    assert.equal(dump.code, 0, dump.stderr);
    const lines = dump.stdout.split('\n').slice(0, -1);
    const options = lines.map((line) => /^s\d+ +unix +- +- +n +- +- +smtp -o (?:\{mail_name=([^\n]*)\}|mail_name=([^\n]*))$/.exec(line));
    assert.deepEqual(
      options.map((match) => match?.[1] ?? match?.[2]),
      held.map((value) => value.replaceAll('$', '$$$$')),
    );
  });
}
