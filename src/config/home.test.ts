import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFqdn, parseMailAddress } from '#base';
import { homeDomain, ownDomain } from './home.ts';

test('where a server is at home: at its postmaster, if its name lies there; else where its name lies', () => {
  for (const [hostname, postmaster, own, home] of [
    ['mail.example.org', 'admin@example.org', 'example.org', 'example.org'],
    ['example.org', 'admin@example.org', 'example.org', 'example.org'],
    ['mx1.post.example.org', 'admin@example.org', 'example.org', 'example.org'],
    ['mail.example.org', 'me@mailer.example', undefined, 'example.org'],
    ['mail.notexample.org', 'admin@example.org', undefined, 'notexample.org'],
    ['example.org', 'me@mailer.example', undefined, 'example.org'],
  ] as const) {
    const names = { hostname: parseFqdn(hostname), postmaster: parseMailAddress(postmaster) };
    assert.deepEqual([ownDomain(names), homeDomain(names)], [own, home], `${hostname}, ${postmaster}`);
  }
});
