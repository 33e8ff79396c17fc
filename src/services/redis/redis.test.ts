import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '#formats';
import { inputFor } from '../test-input.lab.ts';
import { misunderstood } from './check.ts';
import { redis } from './index.ts';
import { memoryShare } from './rows.ts';

test('redis.conf: a Unix socket and nothing else', () => {
  const [item] = redis.items(inputFor('bookworm'));
  assert.ok(item?.kind === 'file');
  assert.equal(item.path, '/etc/redis/redis.conf');
  assert.equal(
    item.text.join('').split('\n').slice(1).join('\n'),
    `# No TCP.
port 0
unixsocket /run/redis/redis-server.sock
unixsocketperm 770
daemonize no
pidfile /run/redis/redis-server.pid
# Standard output.
logfile ""
loglevel notice
always-show-logo no
dir /var/lib/redis
dbfilename dump.rdb
# On disk an hour after a change, five minutes after a hundred.
save 3600 1 300 100
appendonly no
# A full disk must not stop what needs no disk.
stop-writes-on-bgsave-error no
maxmemory 67108864
# What nobody asked for goes first: old words of Bayes, clients that never came back; not the counts of who sends at the moment. No write ever fails.
maxmemory-policy allkeys-lfu
# Minutes after which a use counts less: the hour of a count.
lfu-decay-time 60
maxmemory-samples 10
`,
  );
});

test('a sixteenth of the memory, within bounds', () => {
  assert.deepEqual([512, 1024, 4096, 65_536].map(memoryShare), [64, 64, 256, 512]);
});

test('what CONFIG GET answers is compared directive by directive', () => {
  const rows: readonly Row[] = [
    { set: 'port', to: 0 },
    { set: 'logfile', to: '' },
    { set: 'save', to: ['3600', '1'] },
    { set: 'appendonly', to: false },
  ];
  const names = (stdout: string): readonly string[] => misunderstood(rows, stdout).map(({ name }) => name);
  assert.deepEqual(names('port\n0\nlogfile\n\nsave\n3600 1\nappendonly\nno\n'), []);
  assert.deepEqual(names('port\n6379\nlogfile\n\nsave\n3600 1\nappendonly\nyes\n'), ['port', 'appendonly']);
  assert.deepEqual(names(''), ['port', 'logfile', 'save', 'appendonly']);
});
