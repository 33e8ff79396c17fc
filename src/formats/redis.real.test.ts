import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { checker } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderRedis } from './redis.ts';
import { lines, type Row } from './types.ts';

const SEED = 12;
/** String options that redis stores as they are while the feature they belong to is off. */
const OPTIONS = [
  ...[
    'masterauth',
    'masteruser',
    'syslog-ident',
    'replica-announce-ip',
    'cluster-announce-ip',
    'tls-key-file-pass',
    'tls-client-key-file-pass',
    'tls-ciphers',
  ],
  ...[
    'tls-ciphersuites',
    'tls-cert-file',
    'tls-key-file',
    'tls-client-cert-file',
    'tls-client-key-file',
    'tls-dh-params-file',
    'tls-ca-cert-file',
    'tls-ca-cert-dir',
  ],
];
const { held, refused } = sorted(hostileValues(SEED, 1100), (value) => renderRedis([{ set: 'masterauth', to: value }], '7.0.15'));

test(`redis.conf refuses NUL alone (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /\0/);
  for (const value of held) assert.doesNotMatch(value, /\0/);
});

const SERVER: readonly Row[] = [
  { set: 'port', to: 0 },
  { set: 'unixsocket', to: '/tmp/redis.sock' },
  { set: 'save', to: '' },
];

/** Starts a server with the configuration, prints the answers as lines of JSON, and ends it. */
const SCRIPT = `cd /tmp; ask() { redis-cli -s /tmp/redis.sock --json "$@"; }
  for c in r*.conf; do
    redis-server $c >/dev/null & until ask ping >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.02; done
    ask config get '*' || exit 1; ask acl list || exit 1; kill -9 $!; wait; done`;

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${held.length} values reach a real redis on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const groups = Array.from({ length: 6 }, (_, index) => held.slice(index * OPTIONS.length, (index + 1) * OPTIONS.length));
    const options = groups.map((values) => OPTIONS.map((set, at): Row => ({ set, to: values[at] ?? '' })));
    // The server keeps SHA-256 of a user's password, of any octets: 1,000 values in one process.
    const users: Row = { set: 'user', to: lines(...held.map((value, index) => [`u${index}`, 'on', `>${value}`])) };
    const files = options.map((rows, index) => [
      `/tmp/r${index}.conf`,
      renderRedis([...SERVER, ...rows, ...(index === 0 ? [users] : [])], '7.0.15').join(''),
    ]);
    await room.put(Object.fromEntries(files));
    const dump = await room.run(['sh', '-c', SCRIPT]);
    assert.equal(dump.code, 0, dump.stderr);
    const answers = dump.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line): unknown => JSON.parse(line));
    const configs = answers.filter((answer) => !Array.isArray(answer)) as Record<string, string>[];
    assert.deepEqual(
      configs.map((config) => OPTIONS.map((name) => config[name])),
      groups,
    );
    const list = answers.find((answer) => Array.isArray(answer)) as string[];
    const hashes = new Map(
      list.map((line) => {
        const words = line.split(' ');
        return [words[1], words.find((word) => word.startsWith('#'))];
      }),
    );
    assert.deepEqual(
      held.filter((value, index) => hashes.get(`u${index}`) !== `#${createHash('sha256').update(value).digest('hex')}`),
      [],
    );
  });
}
