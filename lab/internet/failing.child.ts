/**
 * A scenario of which one test passes and one fails, for report.real.test.ts to look at what it prints. In both a person sends a message to
 * a foreign server, and logs in to one that hears it in clear.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Smtp } from '../smtp.ts';
import { type EximServer, fateAt, type Internet, onEachReleaseThere, type Ours } from './index.ts';

/** A mail program that gives the password away. */
const careless = async (net: Internet, { demo }: Ours, there: EximServer, mark: string): Promise<void> => {
  const { smtp } = await Smtp.open(await net.people.dial({ host: there.host.addresses.v4, port: 25 }));
  await smtp.command(`EHLO ${mark}.people.example`);
  await smtp.command(`AUTH PLAIN ${Buffer.from(`\0${demo.user}\0${demo.pass}`).toString('base64')}`);
  await smtp.command(`NOOP ${demo.pass}`);
  smtp.close();
};

onEachReleaseThere(
  async ({ net }) => ({ there: await net.exim('there', { certificate: 'authority' }) }),
  (get) => {
    for (const mark of ['passing', 'failing'])
      test(mark, async () => {
        const { net, server, there } = get();
        await careless(net, server, there, mark);
        const { subject } = await fateAt(server, 'there.example');
        await there.message(subject);
        console.log(`sent ${mark} ${subject}`);
        assert.equal(mark, 'passing');
      });
  },
);
