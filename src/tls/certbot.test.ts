/** For how long certbot may take. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import { patienceWith } from './certbot.ts';

test('challenges by DNS wait one after the other, five minutes each: no name of a hundred is to be given up for the others', () => {
  const names = Array.from({ length: 100 }, (_, index) => `imap.d${index}.example`);
  const dns = { by: 'dns', put: 'put', takeAway: 'take-away' } as const;
  assert.ok(patienceWith({ challenge: dns, names }) > names.length * 300_000);
  assert.equal(patienceWith({ challenge: { by: 'http', root: path('/var/www/acme') }, names }), 900_000);
});
