/** What is seen of records, src/dns/asking.real.test.ts proves; here: without a resolver nobody concludes that they are not there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zoneReader } from '#lab';
import { thisMachine } from '#machine';
import { shownEverywhere } from './dns-view.ts';

test('where no resolver answers it says so', async () => {
  await using room = await zoneReader('bookworm');
  const machine = { ...thisMachine(), run: room.run };
  const wiring = { resolver: { address: '127.0.0.1', port: 53 } };
  const record = { name: 'mail.example.org', type: 'A', data: { address: '192.0.2.25' } } as const;
  await assert.rejects(shownEverywhere({ machine }, { wiring }, [record]), { code: 'dns.no-resolver', blame: 'environment' });
  assert.deepEqual(await shownEverywhere({ machine }, { wiring }, []), []);
});
