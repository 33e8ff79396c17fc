import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseClient } from './bans.ts';

test('an address, or the /64 of one, in one spelling; IPv4 within IPv6 is IPv4', () => {
  for (const [input, client] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:1::7', '2001:db8:0:1::7'],
    ['2001:db8:0:1::/64', '2001:db8:0:1::'],
    ['::1', '::1'],
    ['::/64', '::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ] as const)
    assert.equal(parseClient(input), client, input);
});

test('anything else is refused', () => {
  for (const input of ['', '192.0.2.1/64', '192.0.2.0/24', '::ffff:192.0.2.1/64', '2001:db8::/48', 'fe80::1%eth0', '127.1', 'anna'])
    assert.throws(() => parseClient(input), { code: 'ban.client' }, input);
});
