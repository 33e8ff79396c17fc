/** Of two tests one passes and one fails, for on-failure.real.test.ts to look at what is printed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Server, serve } from './mail.ts';
import { until } from './process.ts';

describe('a served machine', () => {
  let server: Server;
  before(async () => {
    server = await serve('trixie');
  });
  after(() => server?.[Symbol.asyncDispose]());

  for (const mark of ['passing', 'failing'])
    test(mark, async () => {
      await server.machine.run(['logger', `it is ${mark}: ${server.demo.pass}`]);
      const smtp = await server.stranger();
      await smtp.command(`MAIL FROM:<${mark}@outside.test>`);
      await smtp.command(`RCPT TO:<nobody@hauspost.test>`);
      smtp.close();
      const end = new RegExp(`from=<${mark}@outside\\.test>[^]*disconnect from`);
      await until('the end is written', async () => end.test(await server.machine.journal()) || undefined, 20_000);
      console.log(`password: ${Buffer.from(server.demo.pass).toString('base64')}`);
      assert.equal(mark, 'passing');
    });
});
