import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { lines, ref, template } from './types.ts';
import { renderUcl } from './ucl.ts';

const SEED = 14;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\0\u0001\u001b\u007f]/;
const { held, refused } = sorted(hostileValues(SEED, 1400), (value) => renderUcl([{ set: 'a', to: value }], '3.4'));

test(`UCL refuses control characters that the dump would not show (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, CONTROL);
  for (const value of held) assert.doesNotMatch(value, CONTROL);
});

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values come back from rspamadm configdump on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const rows = held.map((value, index) => ({ set: `v${index}`, to: value }));
    const text = renderUcl(
      [
        {
          block: 'hostile',
          why: '{= x =} {% x %}',
          rows: [
            ...rows,
            { set: 'list', to: held },
            { set: 'repeated', to: lines(...held) },
            { set: 'refs', to: held.map((value) => template`${value}${ref('DBDIR')}${value}`) },
          ],
        },
      ],
      '3.4',
    ).join('');
    // Included by the packaged rspamd.conf, so that the template pass over included files runs as it does for ours.
    await room.put({ '/etc/rspamd/rspamd.conf.local': text });
    const dump = await room.run(['rspamadm', 'configdump', '--json', 'hostile']);
    assert.equal(dump.code, 0, dump.stderr);
    const section: Record<string, unknown> = JSON.parse(dump.stdout);
    assert.deepEqual(
      held.map((_, index) => section[`v${index}`]),
      held,
    );
    assert.deepEqual(section['list'], held);
    assert.deepEqual(section['repeated'], held);
    assert.deepEqual(
      section['refs'],
      held.map((value) => `${value}/var/lib/rspamd${value}`),
    );
  });
}
