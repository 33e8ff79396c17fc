import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reachedAt, sendsBeyond, sendsFrom } from './addresses.ts';

type Given = Parameters<typeof reachedAt>[0];

const settings = (bind: readonly string[], publicAddresses: readonly string[] = [], profile: Given['profile'] = 'public'): Given => ({
  profile,
  network: { bind, publicAddresses },
});
const EVERY = ['0.0.0.0', '::'];
const machine = (v4: readonly string[], v6: readonly string[] = []): Parameters<typeof reachedAt>[1] => ({ addresses: { v4, v6 } });

test('what its interfaces have, but for private networks', () => {
  const addresses = machine(['198.51.100.1', '10.0.0.1', '192.168.7.7', '172.31.0.1', '100.64.0.1'], ['2001:db8::1', 'fd00::1']);
  assert.deepEqual(reachedAt(settings(EVERY), addresses), { v4: ['198.51.100.1'], v6: ['2001:db8::1'] });
  assert.deepEqual(sendsFrom(settings(EVERY), addresses), { v4: 'any', v6: 'any' });
  assert.deepEqual(sendsBeyond(settings(EVERY), addresses), { v4: [], v6: [] });
});

test('only what the mail ports are bound to, and mail leaves by that', () => {
  const addresses = machine(['198.51.100.1', '198.51.100.2'], ['2001:db8::1', '2001:db8::2']);
  const bound = settings(['198.51.100.2', '2001:0db8:0::2']);
  assert.deepEqual(reachedAt(bound, addresses), { v4: ['198.51.100.2'], v6: ['2001:db8::2'] });
  assert.deepEqual(sendsFrom(bound, addresses), { v4: { address: '198.51.100.2' }, v6: { address: '2001:db8::2' } });
  assert.deepEqual(sendsBeyond(bound, addresses), { v4: [], v6: [] });
  const declared = settings(['198.51.100.2', '::'], ['203.0.113.25']);
  assert.deepEqual(sendsFrom(declared, addresses), { v4: { address: '198.51.100.2' }, v6: 'any' });
  assert.deepEqual(sendsBeyond(declared, addresses), { v4: ['198.51.100.2'], v6: [] });
});

test('a family that the mail ports are not bound to is left out, where the world reaches the other one', () => {
  const addresses = machine(['198.51.100.1', '198.51.100.2', '10.0.0.1'], ['2001:db8::1']);
  for (const [bind, v4, v6] of [
    [['198.51.100.2'], { address: '198.51.100.2' }, 'none'],
    [['198.51.100.2', '::1'], { address: '198.51.100.2' }, 'none'],
    [['0.0.0.0'], 'any', 'none'],
    [['127.0.0.1', '2001:db8::1'], 'none', { address: '2001:db8::1' }],
    [['127.0.0.1'], 'any', 'any'],
    [['10.0.0.1'], 'any', 'any'],
  ] as const)
    assert.deepEqual(sendsFrom(settings(bind), addresses), { v4, v6 }, bind.join(' '));
  assert.deepEqual(reachedAt(settings(['198.51.100.2']), addresses), { v4: ['198.51.100.2'], v6: [] });
  assert.deepEqual(sendsBeyond(settings(['198.51.100.2']), addresses), { v4: [], v6: [] });
  assert.deepEqual(sendsFrom(settings(['10.0.0.1'], ['203.0.113.25']), addresses), { v4: 'any', v6: 'none' });
});

test('of several, or of a private one, mail leaves by any', () => {
  const addresses = machine(['198.51.100.1', '198.51.100.2', '10.0.0.1']);
  const two = settings(['198.51.100.1', '198.51.100.2', '10.0.0.1']);
  assert.deepEqual([sendsFrom(two, addresses).v4, sendsBeyond(two, addresses).v4], ['any', []]);
  const inside = settings(['10.0.0.1']);
  assert.deepEqual([sendsFrom(inside, addresses).v4, sendsBeyond(inside, addresses).v4], ['any', ['198.51.100.1', '198.51.100.2']]);
  assert.deepEqual(sendsFrom(settings(['198.51.100.2', '10.0.0.1']), addresses).v4, { address: '198.51.100.2' });
});

test('behind NAT: what the operator wrote, family by family', () => {
  const addresses = machine(['10.0.0.1'], ['2001:db8::1']);
  assert.deepEqual(reachedAt(settings(EVERY, ['203.0.113.25']), addresses), { v4: ['203.0.113.25'], v6: ['2001:db8::1'] });
  assert.deepEqual(sendsBeyond(settings(EVERY, ['203.0.113.25']), addresses), { v4: [], v6: [] });
  assert.deepEqual(reachedAt(settings(EVERY, ['203.0.113.25', '2001:DB8:0::77']), addresses), { v4: ['203.0.113.25'], v6: ['2001:db8::77'] });
  assert.deepEqual(reachedAt(settings(EVERY), addresses), { v4: [], v6: ['2001:db8::1'] });
});

test('a proxy in front: mail comes to it and leaves by the machine itself', () => {
  const addresses = machine(['198.51.100.1']);
  assert.deepEqual(reachedAt(settings(EVERY, ['203.0.113.25']), addresses).v4, ['203.0.113.25']);
  assert.deepEqual(sendsBeyond(settings(EVERY, ['203.0.113.25']), addresses).v4, ['198.51.100.1']);
});

test('profile local: what it is bound to', () => {
  const local = settings(['127.0.0.1', '::1'], [], 'local');
  assert.deepEqual(reachedAt(local, machine(['198.51.100.1'])), { v4: ['127.0.0.1'], v6: ['::1'] });
  assert.deepEqual(sendsFrom(local, machine(['198.51.100.1'])), { v4: 'any', v6: 'any' });
  assert.deepEqual(sendsBeyond(local, machine(['198.51.100.1'])), { v4: [], v6: [] });
});
