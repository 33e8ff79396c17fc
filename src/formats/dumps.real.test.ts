import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker, type Room } from '#lab';
import { renderMariadb } from './ini.ts';
import { compareMariadb } from './mariadb-dump.ts';
import { renderNginx } from './nginx.ts';
import { compareNginx } from './nginx-dump.lab.ts';
import { renderRedis } from './redis.ts';
import { compareRedis } from './redis-dump.lab.ts';
import { type Block, lines, type Node, ref, type Row, template } from './types.ts';
import { renderUcl } from './ucl.ts';
import { compareUcl, parseConfigdump } from './ucl-dump.lab.ts';
import { renderUnbound } from './unbound.ts';
import { compareUnbound, unboundOptions } from './unbound-dump.ts';

const RELEASES = ['bookworm', 'trixie'] as const;
const keys = (mismatches: readonly { readonly key: string }[]): readonly string[] => mismatches.map((each) => each.key);
const revealed = (text: readonly (string | { readonly secret: string })[]): string =>
  text.map((piece) => (typeof piece === 'string' ? piece : 's3cret$x')).join('');

const UNBOUND: readonly Block[] = [
  {
    block: 'server',
    rows: [
      { set: 'interface', to: ['127.0.0.1', '::1'] },
      { set: 'access-control', to: lines(['127.0.0.0/8', 'allow'], ['::1', 'allow']) },
      { set: 'identity', to: 'a "b" # $x' },
      { set: 'msg-cache-size', to: '8m' },
      { set: 'num-threads', to: 1 },
      { set: 'prefetch', to: true },
      { set: 'chroot', to: '' },
      { set: 'domain-insecure', to: ['test.', 'a.'] },
      { set: 'local-zone', to: lines(['test.', 'static']) },
      { set: 'local-data', to: ['test. 60 IN TXT "x"'] },
    ],
  },
  {
    block: 'remote-control',
    rows: [
      { set: 'control-enable', to: true },
      { set: 'control-interface', to: '/run/unbound.ctl' },
    ],
  },
  {
    block: 'forward-zone',
    rows: [
      { set: 'name', to: '.' },
      { set: 'forward-addr', to: '127.0.0.53' },
    ],
  },
];
const MARIADB: readonly Block[] = [
  { block: 'client', rows: [{ set: 'socket', to: '/tmp/x.sock' }] },
  {
    block: 'mariadbd',
    rows: [
      { set: 'user', to: 'mysql' },
      { set: 'datadir', to: '/tmp/data' },
      { set: 'skip_networking', to: true },
      { set: 'innodb-buffer-pool-size', to: '32M' },
      { set: 'max-connections', to: 77 },
      { set: 'init-connect', to: 'SET @a = "b" # x' },
      { set: 'plugin-load-add', to: ['auth_socket'], why: 'Loaded on both.' },
    ],
  },
];
const REDIS: readonly Row[] = [
  { set: 'port', to: 0 },
  { set: 'unixsocket', to: '/tmp/redis.sock' },
  { set: 'save', to: '' },
  { set: 'maxmemory', to: '64mb' },
  { set: 'appendonly', to: false },
  { set: 'masterauth', to: { secret: 'redis' } },
  { set: 'bind', to: ['127.0.0.1', '-::1'] },
  { set: 'masteruser', to: 'a "b"\n' },
  { set: 'rename-command', to: lines(['DEBUG', '']) },
];
const UCL: readonly Node[] = [
  { set: 'text', to: 'a "b" {= x =} $x' },
  { set: 'number', to: 0.25 },
  { set: 'flag', to: false },
  { set: 'list', to: ['a', 'b'] },
  { set: 'key', to: { secret: 'controller' } },
  { set: 'path', to: template`${ref('DBDIR')}/x` },
  { set: 'bind_socket', to: lines('a', 'b') },
  { block: 'upstream', name: 'local', rows: [{ set: 'default', to: true }] },
  { block: 'upstream', name: 'other', rows: [{ set: 'default', to: false }] },
];
const NGINX: readonly Node[] = [
  { set: 'pid', to: '/tmp/nginx.pid' },
  { block: 'events', rows: [] },
  {
    block: 'http',
    rows: [
      {
        block: 'server',
        rows: [
          { set: 'listen', to: 'unix:/tmp/x.sock' },
          { set: 'return', to: [200, 'a "b"'] },
        ],
      },
    ],
  },
];

const unbound = async (room: Room): Promise<void> => {
  const wrong = async (text: string): Promise<readonly string[]> => {
    await room.put({ '/tmp/unbound.conf': text });
    const answers = new Map<string, string>();
    for (const option of unboundOptions(UNBOUND, '1.17')) {
      const answer = await room.run(['unbound-checkconf', '-o', option, '/tmp/unbound.conf']);
      if (answer.code === 0) answers.set(option, answer.stdout);
    }
    return keys(compareUnbound(UNBOUND, '1.17', answers));
  };
  const text = revealed(renderUnbound(UNBOUND, '1.17'));
  assert.deepEqual(await wrong(text), []);
  assert.deepEqual(
    await wrong(text.replace('"8m"', '"9m"').replace('"::1" "allow"', '"::1" "refuse"').replace('    prefetch: yes\n', '').replace('"a."', '"b."')),
    ['access-control', 'msg-cache-size', 'prefetch', 'domain-insecure'],
  );
};

const mariadb = async (room: Room): Promise<void> => {
  const wrong = async (text: string): Promise<readonly string[]> => {
    await room.put({ '/tmp/my.cnf': text });
    return keys(compareMariadb(MARIADB, '10.11', (await room.run(['mariadbd', '--defaults-file=/tmp/my.cnf', '--verbose', '--help'])).stdout));
  };
  const text = revealed(renderMariadb(MARIADB, '10.11'));
  assert.deepEqual(await wrong(text), []);
  assert.deepEqual(await wrong(text.replace('"32M"', '"33M"').replace('skip_networking = ON\n', '').replace('# x', '# y')), [
    'skip_networking',
    'innodb-buffer-pool-size',
    'init-connect',
  ]);
};

const redis = async (room: Room): Promise<void> => {
  const wrong = async (text: string): Promise<readonly string[]> => {
    await room.put({ '/tmp/redis.conf': text });
    const script =
      "redis-server /tmp/redis.conf >/dev/null & until redis-cli -s /tmp/redis.sock ping >/dev/null 2>&1; do kill -0 $! || exit 1; sleep 0.02; done; redis-cli -s /tmp/redis.sock --json config get '*'; kill -9 $!";
    return keys(compareRedis(REDIS, '7.0', (await room.run(['sh', '-c', script])).stdout));
  };
  const text = revealed(renderRedis(REDIS, '7.0'));
  assert.deepEqual(await wrong(text), []);
  assert.deepEqual(await wrong(text.replace('64mb', '64m').replace('masterauth "s3cret$x"\n', '').replace('appendonly no\n', '')), [
    'maxmemory',
    'masterauth',
  ]);
};

const rspamd = async (room: Room): Promise<void> => {
  const wrong = async (text: string): Promise<readonly string[]> => {
    await room.put({ '/etc/rspamd/rspamd.conf.local': `mine {\n${text}\n}\n` });
    return keys(compareUcl(UCL, '3.4', parseConfigdump((await room.run(['rspamadm', 'configdump', '--json'])).stdout), ['mine']));
  };
  const text = revealed(renderUcl(UCL, '3.4'));
  assert.deepEqual(await wrong(text), []);
  assert.deepEqual(
    await wrong(
      text
        .replace('["a", "b"]', '["a"]')
        .replace('0.25', '0.26')
        .replace("'s3cret$x'", "''")
        .replace('${DBDIR}', '${DBDIRR}')
        .replace('default = false', 'default = 5'),
    ),
    ['mine > number', 'mine > list', 'mine > key', 'mine > path', 'mine > upstream other > default'],
  );
};

const nginx = async (room: Room): Promise<void> => {
  const text = renderNginx(NGINX, '1.22');
  await room.put({ '/tmp/nginx.conf': revealed(text) });
  const dump = await room.run(['nginx', '-T', '-c', '/tmp/nginx.conf']);
  assert.equal(dump.code, 0, dump.stderr);
  assert.deepEqual(keys(compareNginx(new Map([['/tmp/nginx.conf', text]]), dump.stdout)), []);
  assert.deepEqual(
    keys(
      compareNginx(
        new Map([
          ['/tmp/nginx.conf', [...text, '\n']],
          ['/tmp/other.conf', text],
        ]),
        dump.stdout,
      ),
    ),
    ['/tmp/nginx.conf', '/tmp/other.conf'],
  );
  assert.deepEqual(keys(compareNginx(new Map(), dump.stdout)), ['/tmp/nginx.conf']);
};

for (const release of RELEASES) {
  test(`each comparison agrees with itself, and sees what is misread, on ${release}`, async (t) => {
    await using room = await checker(release);
    for (const [name, run] of Object.entries({ unbound, mariadb, redis, rspamd, nginx })) await t.test(name, () => run(room));
  });
}
