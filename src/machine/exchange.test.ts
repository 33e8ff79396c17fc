/** Messages over this machine's own loopback, by both families; whom the kernel keeps away is tried with the asker (../dns/asking-strangers.real.test.ts). */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, isIPv6 } from 'node:net';
import { test } from 'node:test';
import { exchange } from './exchange.ts';

const read = (message: Buffer): { readonly said: string } | 'cut' | undefined => {
  const said = message.toString();
  if (said === 'cut') return said;
  return said === 'noise' ? undefined : { said };
};

for (const address of ['127.0.0.1', '::1'])
  test(`by ${address}`, async (t) => {
    const server = createServer((socket) =>
      socket.on('data', (got) => socket.write(Buffer.concat([Buffer.from([0, got.length - 2]), got.subarray(2)]))),
    );
    server.listen(0, address);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const datagrams = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    let heard = 0;
    datagrams.on('message', (message, from) => {
      heard += 1;
      const said = message.toString();
      if (said !== 'silence' && (said !== 'twice' || heard === 2)) for (const part of ['noise', said]) datagrams.send(part, from.port, from.address);
    });
    datagrams.bind(port, address);
    await once(datagrams, 'listening');
    const say = (message: string, ms = 1000): Promise<{ readonly said: string } | undefined> => {
      heard = 0;
      return exchange(Buffer.from(message), { address, port, ms, tries: 2 }, read);
    };
    await t.test('the first that is not passed over', async () => assert.deepEqual(await say('this'), { said: 'this' }));
    await t.test('after the second try', async () => {
      assert.deepEqual(await say('twice'), { said: 'twice' });
      assert.equal(heard, 2);
    });
    await t.test('not after the last', async () => {
      assert.equal(await say('silence'), undefined);
      assert.equal(heard, 2);
    });
    await t.test('by TCP, where it is no better', async () => assert.equal(await say('cut'), undefined));
    datagrams.close();
    server.close();
    await t.test('of nobody, at once', async () => {
      const begun = performance.now();
      assert.equal(await say('this', 20_000), undefined);
      assert.ok(performance.now() - begun < 20_000);
    });
  });
