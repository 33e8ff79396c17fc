import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const NAMES = ['message_size_limit', 'default_quota', 'queue_lifetime', 'bounce_lifetime', 'tls', 'bind'];

test('slips of the keyboard lead to the name that was meant', () => {
  assert.equal(nearest('mesage_size_limit', NAMES), 'message_size_limit');
  assert.equal(nearest('message-size-limit', NAMES), 'message_size_limit');
  assert.equal(nearest('Queue_Lifetime', NAMES), 'queue_lifetime');
  assert.equal(nearest('bnid', NAMES), 'bind');
  assert.equal(nearest('tsl', NAMES), 'tls');
  assert.equal(nearest('default', NAMES), 'default_quota');
});

test('what is near to nothing leads nowhere', () => {
  for (const name of ['', 'x', 'relayhost', 'footer', 'dns', 'a'.repeat(10_000)]) assert.equal(nearest(name, NAMES), undefined, name.slice(0, 20));
});
