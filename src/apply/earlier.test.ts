/** What an earlier version did not know of is completed, and nothing that it knew is changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import type { Manifest, RenderInput } from '#model';
import { completed, daemonsOf } from './earlier.ts';

const input = (parts: object): RenderInput => parts as RenderInput;

test('what is missing comes from now; what was there stays, lists and nulls as a whole', () => {
  const then = input({ settings: { hostname: 'old', tls: { source: 'own-ca' }, relay: null, bind: ['::1'] }, wiring: { sockets: { lmtp: 'a' } } });
  const now = input({
    settings: { hostname: 'new', tls: { source: 'files', key: undefined }, relay: { host: 'x' }, bind: ['127.0.0.1', '::1'], logs: { days: 7 } },
    wiring: { sockets: { lmtp: 'b', reply: 'c' } },
    texts: {},
  });
  assert.deepEqual(completed(then, now), {
    settings: { hostname: 'old', tls: { source: 'own-ca', key: undefined }, relay: null, bind: ['::1'], logs: { days: 7 } },
    wiring: { sockets: { lmtp: 'a', reply: 'c' } },
    texts: {},
  });
  assert.deepEqual(completed(now, then), now, 'where nothing is missing');
});

test('daemons of a manifest are those that its files wake; the keeper of logs is none', () => {
  const file = { kind: 'file', path: path('/etc/x'), text: [''], owner: 'root:root', mode: 0o644 } as const;
  const manifest: Manifest = {
    items: [
      { ...file, wakes: [{ service: 'postfix', by: 'restart' }] },
      { ...file, wakes: [{ service: 'logs', by: 'reload' }] },
      { ...file, wakes: [] },
      { kind: 'grant', principal: 'dovecot', on: 'logins_v1' },
    ],
  };
  assert.deepEqual([...daemonsOf(manifest)], ['postfix']);
});
