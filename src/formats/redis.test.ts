import assert from 'node:assert/strict';
import { test } from 'node:test';
import { header } from './text.ts';
import { renderRedis } from './redis.ts';
import { lines, type Row } from './types.ts';

const redis = (...rows: Row[]): string => renderRedis(rows, '7.0.15').join('').slice(header().length);

test('arguments are quoted and escaped where needed', () => {
  assert.equal(redis({ set: 'bind', to: ['127.0.0.1', '-::1'], why: 'loopback' }), '# loopback\nbind 127.0.0.1 -::1\n');
  assert.equal(redis({ set: 'save', to: '' }, { set: 'port', to: 0 }, { set: 'appendonly', to: true }), 'save ""\nport 0\nappendonly yes\n');
  assert.equal(redis({ set: 'masterauth', to: 'a"b\\\n\u0001é' }), 'masterauth "a\\"b\\\\\\n\\x01é"\n');
  assert.equal(redis({ set: 'rename-command', to: lines(['A', ''], ['B', 'c']) }), 'rename-command A ""\nrename-command B c\n');
  assert.throws(() => redis({ set: 'masterauth', to: 'a\0' }), { code: 'format.cannot-hold' });
});

test('a secret stands between quotes', () => {
  assert.deepEqual(renderRedis([{ set: 'requirepass', to: { secret: 'redis' } }], '7'), [`${header()}requirepass "`, { secret: 'redis' }, '"\n']);
});
