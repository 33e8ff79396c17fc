import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine } from './machine.ts';
import { hostResolvers } from './resolvers.ts';

const named = (...lines: readonly string[]): Promise<readonly string[]> =>
  hostResolvers({ read: async () => Buffer.from(lines.map((line) => `${line}\n`).join('')) } as unknown as Machine);

test('in one spelling, each once, in their order; those that will be us, and what is none, are left out', async () => {
  assert.deepEqual(await named('nameserver 192.0.2.53', 'search example.test', 'nameserver\t2001:db8::53 # of the provider'), [
    '192.0.2.53',
    '2001:db8::53',
  ]);
  assert.deepEqual(await named('nameserver 2001:0DB8::53', 'nameserver 192.0.2.53', 'nameserver 2001:db8:0::53', 'nameserver 192.0.2.53'), [
    '2001:db8::53',
    '192.0.2.53',
  ]);
  assert.deepEqual(
    await named('nameserver 127.0.0.1', 'nameserver 0:0::1', '#nameserver 192.0.2.1', 'nameserver dns.example.test', 'nameserver 127.0.0.53'),
    ['127.0.0.53'],
  );
});

test('the zone of a link-local one stays: the same address on another link is another', async () => {
  assert.deepEqual(await named('nameserver FE80:0::1%eth0', 'nameserver fe80::1%eth1', 'nameserver fe80::1%eth0'), ['fe80::1%eth0', 'fe80::1%eth1']);
});
