import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckRoom } from '#model';
import { redacted } from '#base';
import { check, misread, placeIn } from './check.ts';
import { mainText } from './configuration.ts';
import { leaves } from './dump.ts';
import { inputFor } from '../test-input.lab.ts';

const TEXT = `# a comment = nothing
ssl = required
service lmtp {
  user = vmail
  unix_listener /run/x {
    mode = 0660
  }
}
namespace inbox {
  mailbox Trash {
    special_use = "\\\\Trash"
  }
}
quota "User quota" {
  driver = count
}
empty =
hidden = # hidden, use -P to show it
query = "SELECT 'a' WHERE b = \\"c\\""
`;

test('a configuration as a flat list: blocks, names, quotes', () => {
  assert.deepEqual(
    [...leaves(TEXT)],
    [
      ['ssl', 'required'],
      ['service lmtp > user', 'vmail'],
      ['service lmtp > unix_listener /run/x > mode', '0660'],
      ['namespace inbox > mailbox Trash > special_use', '\\Trash'],
      ['quota User quota > driver', 'count'],
      ['empty', ''],
      ['hidden', '# hidden, use -P to show it'],
      ['query', 'SELECT \'a\' WHERE b = "c"'],
    ],
  );
});

test('what Dovecot understood otherwise, not at all, or beyond what was written is found', () => {
  const written = new Map([
    ['a', '1'],
    ['b', '2'],
    ['ssl_server_key_file', '/k'],
  ]);
  const said = (whole: Record<string, string>, changed: Record<string, string>): readonly string[] =>
    misread(written, new Map(Object.entries(whole)), new Map(Object.entries(changed))).map(({ code, message }) => `${code}: ${message}`);
  const whole = { a: '1', b: '2', 'ssl_server > key_file': '/k', c: 'a default' };
  assert.deepEqual(said(whole, { b: '2', 'namespace inbox > prefix': '', managesieve_notify_capability: 'mailto' }), []);
  assert.deepEqual(said({ ...whole, b: '3' }, {}), ['dovecot.misread: b: written "2", understood "3"']);
  assert.deepEqual(said({ a: '1', b: '2' }, {}), ['dovecot.misread: ssl_server_key_file: written "/k", understood null']);
  assert.deepEqual(said(whole, { c: '4' }), ['dovecot.not-ours: c = 4 is in effect and was not written by us']);
});

test('a refusal and a mere warning of doveconf are both refusals', async () => {
  const room = (code: number, stderr: string): CheckRoom => ({ run: async () => ({ code, stdout: '', stderr }) });
  const codes = async (code: number, stderr: string): Promise<readonly string[]> =>
    (await check(room(code, stderr), inputFor('trixie'))).map((found) => found.code);
  assert.deepEqual(await codes(89, 'Fatal: Unknown setting'), ['dovecot.refused']);
  assert.deepEqual(await codes(0, 'Warning: invalid value'), ['dovecot.refused']);
});

test('of a port that it cannot have, the line with the addresses of its listener; of what it does not know, the line that it names', async () => {
  for (const [release, name] of [
    ['bookworm', 'address'],
    ['trixie', 'listen'],
  ] as const) {
    const text = redacted(mainText(inputFor(release)));
    const words = 'Error: service(imap-login): listen(127.0.0.1, 993) failed: Address already in use';
    const place = await placeIn(words, () => Promise.resolve(text));
    const [port, addresses] = text.split('\n').slice((place?.line ?? 0) - 2);
    assert.deepEqual([port, addresses], ['    port = 993', `    ${name} = 127.0.0.1 ::1`]);
    const named = await placeIn('Fatal: Error in configuration file /etc/dovecot/dovecot.conf: protocols: Unknown protocol: x', () =>
      Promise.resolve(text),
    );
    assert.match(text.split('\n')[(named?.line ?? 0) - 1] ?? '', /^protocols\b/);
  }
});
