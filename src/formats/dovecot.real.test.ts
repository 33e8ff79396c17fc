import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { renderDovecot } from './dovecot.ts';
import { hostileValues, sorted } from './hostile.ts';
import type { Node } from './types.ts';

const SEED = 17;
const { held, refused } = sorted(hostileValues(SEED, 1700), (value) => renderDovecot([{ set: 'a', to: value }], '2.4.1'));

test(`dovecot.conf refuses line breaks and NUL (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\n\r\0]/);
  for (const value of held) assert.doesNotMatch(value, /[\n\r\0]/);
});

/** doveconf quotes what has a `#` or a blank at either end, and nothing else; the percent sign is the setting's own syntax. */
const printed = (value: string): string => {
  const text = value.replaceAll('%', '%%');
  return /#|^[ \t]|[ \t]$/.test(text) ? `"${text.replace(/["'\\]/g, '\\$&')}"` : text;
};

const DIALECTS = {
  bookworm: { version: '2.3.19', head: [], block: 'plugin' },
  trixie: {
    version: '2.4.1',
    head: [
      { set: 'dovecot_config_version', to: '2.4.1' },
      { set: 'dovecot_storage_version', to: '2.4.1' },
    ],
    block: 'import_environment',
  },
} as const;

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values come back from doveconf on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const { version, head, block } = DIALECTS[release];
    // Free keys in a block, and a setting of the kind "string" for some hosts (2.3 gets slow with many).
    const some = held.filter((_, index) => index % 10 === 0);
    const nodes: Node[] = [
      ...head,
      { block, rows: held.map((value, index) => ({ set: `hostile${index}`, to: value })) },
      ...some.map((value, index): Node => ({ block: 'local_name', name: `h${index}.test`, rows: [{ set: 'login_greeting', to: value }] })),
    ];
    await room.put({ '/tmp/dovecot.conf': renderDovecot(nodes, version).join('') });
    // -P: else doveconf masks what looks like a password within any value.
    const dump = await room.run(['doveconf', '-n', '-P', '-c', '/tmp/dovecot.conf']);
    assert.equal(dump.code, 0, dump.stderr);
    const keys = new Map(
      dump.stdout.split('\n').flatMap((line) => {
        const match = /^ {2}(hostile\d+) = ([^\n]*)$/.exec(line);
        return match ? [[match[1], match[2]]] : [];
      }),
    );
    assert.deepEqual(
      held.map((_, index) => keys.get(`hostile${index}`)),
      held.map(printed),
    );
    const greetings = new Map(
      [...dump.stdout.matchAll(/^local_name h(\d+)\.test \{\n {2}login_greeting = ([^\n]*)\n\}/gm)].map((match) => [match[1], match[2]]),
    );
    assert.deepEqual(
      some.map((_, index) => greetings.get(String(index))),
      some.map(printed),
    );
  });
}
