import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError, path } from '#base';
import { type Machine, thisMachine } from '#machine';
import { readUpdateKey } from './update-key.ts';

const FILE = path('/etc/hauspost/dns-key');

/** As if that file held the text. */
const holding = (text: string | undefined, owner = 'root:root', mode = 0o600): Machine => ({
  ...thisMachine(),
  state: () => Promise.resolve(text === undefined ? undefined : { kind: 'file' as const, owner, mode, size: text.length, modified: new Date(0) }),
  read: () => Promise.resolve(text === undefined ? undefined : Buffer.from(text)),
});

test('a key as tsig-keygen writes it, and as people do', async () => {
  for (const text of [
    'key "hauspost" {\n\talgorithm hmac-sha256;\n\tsecret "aGVsbG8gd29ybGQh";\n};\n',
    'key hauspost. { algorithm HMAC-SHA512; secret aGVsbG8gd29ybGQh; };',
    '// ours\n# of 2026\n/* for\nmail */ key "Hauspost" { algorithm "hmac-md5.sig-alg.reg.int"; secret "ab//cd+="; }; # end\n',
    'key "hauspost" { algorithm hmac-sha256-128; secret "aGVsbG8="; };',
  ])
    assert.deepEqual(await readUpdateKey(holding(text), FILE), { file: FILE, name: 'hauspost' }, text);
});

test('what is no key, or not for root alone, is refused with the option', async () => {
  const right = 'key "hauspost" { algorithm hmac-sha256; secret "aGVsbG8="; };\n';
  for (const [machine, why] of [
    [holding(undefined), /does not exist/],
    [holding(right, 'root:root', 0o640), /can be read by others/],
    [holding(right, 'bind:bind'), /can be read by others/],
    [holding(''), /holds no TSIG key/],
    [holding(`${right}${right}`), /not one alone/],
    [holding(right.replace('secret "aGVsbG8=";', '')), /holds no TSIG key/],
    [holding(right.replace('hmac-sha256', 'gost')), /the algorithm "gost"/],
    [holding(right.replace('aGVsbG8=', 'aGVsbG8')), /is no base64/],
    [holding('hauspost:aGVsbG8='), /holds no TSIG key/],
  ] as const)
    await assert.rejects(readUpdateKey(machine, FILE), (error) => {
      assert.ok(error instanceof HauspostError && error.code === 'dns.update-key-file' && error.exitCode === 3);
      assert.match(error.message, why);
      assert.match(error.message, /dns\.update_key_file/);
      assert.ok(!JSON.stringify([error.message, error.remedy, error.detail]).includes('aGVsbG8'));
      return true;
    });
});
