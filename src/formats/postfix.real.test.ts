import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderMainCf } from './postfix.ts';
import { ref, type Row, template } from './types.ts';

const SEED = 15;
const { held, refused } = sorted(hostileValues(SEED, 2200), (value) => renderMainCf([{ set: 'a', to: value }], '3.7'));

test(`main.cf refuses line breaks, NUL, and blanks at either end (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\n\r\0]|^[ \t]|[ \t]$/);
  for (const value of held) assert.doesNotMatch(value, /[\n\r\0]|^[ \t]|[ \t]$/);
});

const name = (index: number): string => `hostile_${index}`;
/** postconf(1) prints parameters with runs of blanks as one blank. */
const printed = (value: string): string => value.split(/[ \t]+/).join(' ');
const assignments = (dump: string): ReadonlyMap<string, string> =>
  new Map(dump.split('\n').map((line) => [line.slice(0, line.indexOf(' =')), line.slice(line.indexOf(' =') + 3)] as const));

/** The value as one element of a list that programs take apart: braces must be in balance. */
const balanced = (value: string): boolean => {
  let depth = 0;
  for (const character of value) {
    depth += character === '{' ? 1 : character === '}' ? -1 : 0;
    if (depth < 0) return false;
  }
  return depth === 0;
};

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values come back from Postfix on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const rows: Row[] = held.map((value, index) => ({ set: name(index), to: value }));
    const inEnvironment = held.flatMap((value, index) => (balanced(value) ? [index] : []));
    const text = renderMainCf(
      [
        { set: 'compatibility_level', to: '3.6' },
        { set: 'daemon_directory', to: '/tmp/postfix/bin' },
        ...rows,
        { set: 'smtpd_restriction_classes', to: held.map((_, index) => name(index)), why: 'makes parameters of them' },
        { set: 'import_environment', to: inEnvironment.map((index) => template`{ ${name(index)}=${ref(name(index))} }`) },
      ],
      '3.7',
    ).join('');
    await room.put({ '/tmp/postfix/main.cf': text, '/tmp/postfix/master.cf': '', '/tmp/postfix/bin/postfix-script': '#!/bin/sh\nexec env -0\n' });
    await room.run(['chmod', '-R', '755', '/tmp/postfix']);

    const written = assignments((await room.run(['postconf', '-c', '/tmp/postfix', '-n'])).stdout);
    assert.deepEqual(
      held.map((_, index) => written.get(name(index))),
      held.map((value) => printed(value.replaceAll('$', '$$$$'))),
    );

    // What a program makes of them after expansion, to the octet: postfix(1) gives its script the environment that main.cf says.
    const script = await room.run(['postfix', '-c', '/tmp/postfix', 'status']);
    assert.equal(script.code, 0, script.stderr);
    const environment = new Map(
      script.stdout.split('\0').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
    );
    assert.ok(inEnvironment.length >= 700, `${inEnvironment.length} values in the environment`);
    assert.deepEqual(
      inEnvironment.map((index) => environment.get(name(index))),
      inEnvironment.map((index) => held[index]),
    );
  });
}
