import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker } from '#lab';
import { renderDovecot } from './dovecot.ts';
import { hostileValues, sorted } from './hostile.lab.ts';
import { type Node, ref, type Row, template } from './types.ts';

const SEED = 17;
const { held, refused } = sorted(hostileValues(SEED, 1700), (value) => renderDovecot([{ set: 'a', to: value }], '2.4.1'));

test(`dovecot.conf refuses line breaks and NUL (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\n\r\0]/);
  for (const value of held) assert.doesNotMatch(value, /[\n\r\0]/);
});

/** doveconf quotes what has a `#` or a blank at either end, and nothing else. */
const printed =
  (release: 'bookworm' | 'trixie') =>
  (value: string): string => {
    const text = release === 'bookworm' ? value.replaceAll('%', '%%') : value.replaceAll('%{', '%%{');
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
      held.map(printed(release)),
    );
    const greetings = new Map(
      [...dump.stdout.matchAll(/^local_name h(\d+)\.test \{\n {2}login_greeting = ([^\n]*)\n\}/gm)].map((match) => [match[1], match[2]]),
    );
    assert.deepEqual(
      some.map((_, index) => greetings.get(String(index))),
      some.map(printed(release)),
    );
  });
}

/** What a program makes of the percent signs: the mail directories that it creates. */
const PERCENT = ['5%', '%u', '%%', '%{user}', 'a%%b%', '%Ld x', '$x%d #"y" \\z', '%{user | upper}', '%%%', '%%{user}', '%%%{', '%{'];
const USER_REF = { bookworm: 'u', trixie: 'user' } as const;

for (const release of ['bookworm', 'trixie'] as const) {
  test(`a literal percent sign stays one, and a reference is replaced, on ${release}`, async () => {
    await using room = await checker(release);
    const { version, head } = DIALECTS[release];
    const place = (value: string): readonly Row[] => {
      const path = template`/tmp/m/${value}/${ref(USER_REF[release])}`;
      return release === 'bookworm'
        ? [{ set: 'location', to: { template: ['maildir:', ...path.template] } }]
        : [
            { set: 'mail_driver', to: 'maildir' },
            { set: 'mail_path', to: path },
          ];
    };
    const nodes: Node[] = [
      ...head,
      { set: 'first_valid_uid', to: 1 },
      ...PERCENT.map(
        (value, index): Node => ({
          block: 'namespace',
          name: `n${index}`,
          rows: [{ set: 'inbox', to: index === 0 }, { set: 'separator', to: '/' }, { set: 'prefix', to: `n${index}/` }, ...place(value)],
        }),
      ),
    ];
    await room.put({ '/tmp/dovecot.conf': renderDovecot(nodes, version).join('') });
    await room.run(['install', '-d', '-o', 'dovecot', '/tmp/m']);
    const argv = [
      'doveadm',
      '-c',
      '/tmp/dovecot.conf',
      'mailbox',
      'create',
      ...(release === 'bookworm' ? [] : ['--no-userdb-lookup']),
      ...PERCENT.map((_, index) => `n${index}/x`),
    ];
    const made = await room.run(argv, { user: 'dovecot', env: { USER: 'tester', HOME: '/tmp' } });
    const found = await room.run(['find', '/tmp/m', '-mindepth', '2', '-maxdepth', '2', '-printf', '%P\\0']);
    assert.deepEqual(found.stdout.split('\0').slice(0, -1).sort(), PERCENT.map((value) => `${value}/tester`).sort(), made.stderr);
  });
}
