/** M15: a foreign server may greet with many lines (RFC 5321, section 4.2): who opens with them has the message; who refuses with them has nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fateAt, onEachReleaseThere } from '../internet/index.ts';

const LINES = 60;
const house = Array.from({ length: LINES }, (_, number) => `rule ${number + 1} of this house`);

onEachReleaseThere(
  async ({ net }) => ({
    long: await net.exim('long', { certificate: 'authority', more: [`smtp_banner = ${['long.example ESMTP', ...house].join('\\n')}`] }),
    full: await net.exim('full', {
      certificate: 'authority',
      acl: { acl_smtp_connect: [`drop message = ${house.join('\\n')}`] },
    }),
  }),
  (get) => {
    /** What was said to it in clear. */
    const said = async (address: string): Promise<readonly string[]> =>
      (await get().net.conversations()).filter(({ to }) => to === address).flatMap(({ lines }) => lines);

    test('M15: who greets with 61 lines has the message', async () => {
      const { server, long } = get();
      const { status, subject, tls } = await fateAt(server, 'long.example');
      assert.deepEqual([status, tls?.level], ['sent', 'Trusted']);
      await long.message(subject);
      const { v4, v6 } = long.host.addresses;
      const lines = [...(await said(v4)), ...(await said(v6))];
      assert.deepEqual(lines.slice(0, 3), ['S: 220-long.example ESMTP', 'S: 220-rule 1 of this house', 'S: 220-rule 2 of this house']);
      assert.deepEqual(lines.slice(LINES, LINES + 2), ['S: 220 rule 60 of this house', `C: EHLO ${server.identity.hostname}`]);
    });

    test('M15: who refuses with as many lines is tried again later, and has nothing', async () => {
      const { server, full } = get();
      const { status, words } = await fateAt(server, 'full.example');
      assert.equal(status, 'deferred');
      assert.match(words, /refused to talk to me: 55\d-rule 1 of this house 55\d-rule 2 of this house/);
      assert.deepEqual(await full.messages(), []);
    });
  },
);
