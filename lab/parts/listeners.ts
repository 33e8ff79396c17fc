/** M23: what waits for others on the network in profile local: the contract's list, on loopback, and nothing else. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { askUdp, type Host, internetSocketsOf, lastingListeners, LOCAL_LISTENERS, network, type Network, type Server, STRANGER } from '../index.ts';

/** Where these daemons, or parts of them, listen by default or in many a how-to. */
const NEVER: readonly (readonly [number, string])[] = [
  [3306, 'MariaDB'],
  [6379, 'Redis'],
  [11332, "Rspamd's milter"],
  [11333, "Rspamd's scanner"],
  [11335, "Rspamd's fuzzy storage"],
  [8953, "Unbound's control"],
  [24, 'LMTP'],
  [10025, 'a way back into Postfix'],
  [12340, "Dovecot's quota policy"],
  [12345, "Dovecot's SASL"],
  [110, 'POP3'],
  [995, 'POP3 with TLS'],
  [2000, 'the old port of Sieve'],
  [8080, 'another web server'],
];

/** Addresses for benchmarks (RFC 2544, RFC 5180), as good as public ones: no program takes them for a private network. */
const MACHINE = { v4: '198.18.0.10', v6: '2001:2::10' };
const OUTSIDER = { v4: '198.18.0.66', v6: '2001:2::66' };

const REFUSED = { code: 'ECONNREFUSED' };

export const listeners = (get: () => Server): void => {
  let lan: Network;
  let outsider: Host;
  before(async () => {
    lan = await network();
    await lan.join(get().machine, MACHINE);
    outsider = await lan.host('outsider', OUTSIDER);
  });
  after(() => lan?.[Symbol.asyncDispose]());

  test("M23: listeners are exactly the contract's, UDP included, on loopback, each by its own daemon", async () => {
    assert.deepEqual(await lastingListeners(get().machine), LOCAL_LISTENERS);
  });

  test('M23: MariaDB and Redis have no socket of the internet families at all; Unbound, by the same measure, has', () => {
    assert.deepEqual(internetSocketsOf(get().machine, 'mariadbd'), []);
    assert.deepEqual(internetSocketsOf(get().machine, 'redis-server'), []);
    assert.notDeepEqual(internetSocketsOf(get().machine, 'unbound'), []);
  });

  for (const [port, whose] of NEVER) {
    test(`M23: nothing answers on TCP ${port}, ${whose}, not even a neighbour on loopback`, async () => {
      for (const host of ['127.0.0.1', '::1']) await assert.rejects(get().machine.dial({ host, port }), REFUSED, host);
      await assert.rejects(get().machine.dial({ host: '127.0.0.1', port, localAddress: STRANGER }), REFUSED);
    });
  }

  for (const port of [25, 53, 80, 143, 443, 465, 587, 993, 4190]) {
    test(`M23: TCP ${port} answers on 127.0.0.1 and ::1, and on no other address of the machine`, async () => {
      for (const host of ['127.0.0.1', '::1']) (await get().machine.dial({ host, port })).destroy();
      for (const host of [STRANGER, MACHINE.v4, MACHINE.v6]) await assert.rejects(get().machine.dial({ host, port }), REFUSED, host);
    });
  }

  test("M23: TCP 11334, Rspamd's, answers on 127.0.0.1 alone", async () => {
    (await get().machine.dial({ host: '127.0.0.1', port: 11334 })).destroy();
    for (const host of ['::1', STRANGER, MACHINE.v4, MACHINE.v6]) await assert.rejects(get().machine.dial({ host, port: 11334 }), REFUSED, host);
  });

  for (const family of ['v4', 'v6'] as const) {
    test(`M23: another host of the network reaches no port, IP${family}`, async () => {
      for (const port of [25, 53, 80, 143, 443, 465, 587, 993, 4190, 11334, ...NEVER.map(([never]) => never)])
        await assert.rejects(outsider.dial({ host: MACHINE[family], port }), REFUSED, String(port));
    });

    test(`M23: the twin: it does reach the machine, IP${family}`, async () => {
      const opened = await get().machine.listen({ host: MACHINE[family], port: 2525 });
      try {
        (await outsider.dial({ host: MACHINE[family], port: 2525 })).destroy();
      } finally {
        opened.close();
      }
    });
  }

  test('M23: UDP 53 answers on loopback and not to another host', async () => {
    assert.equal(await askUdp(get().machine, '127.0.0.1', 53), 'answered');
    assert.equal(await askUdp(get().machine, '::1', 53), 'answered');
    assert.equal(await askUdp(outsider, MACHINE.v4, 53), 'refused');
    assert.equal(await askUdp(outsider, MACHINE.v6, 53), 'refused');
  });
};
