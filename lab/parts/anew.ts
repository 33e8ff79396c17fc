/** C1, C5: a machine that was left altogether becomes a mail server again, without a file, over the people of before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, ended, HAUSPOST, hasSaid, type Server } from '../index.ts';
import { answered, exits } from '../operator.ts';
import { ok, orders } from '../people.ts';
import { sql } from '../sql.ts';

interface Listed {
  readonly number: number;
  readonly summary: string;
  readonly created: string;
  readonly compared_with: number | null;
  readonly options: readonly string[];
}

const listed = async (server: Server): Promise<readonly Listed[]> => (await answered<readonly Listed[]>(server, 'generations')).document;

/** Lines of the question about the database. */
const OF_PEOPLE = /^ {2}(?:create the database|add the) .*$/gm;

/** The first `up` is killed between two configurations, and its operator wants what was there before. */
const leftInTheMiddle = async (server: Server): Promise<void> => {
  const settings = async (): Promise<string> =>
    ok(await server.machine.run(['sh', '-c', 'cat /etc/postfix/main.cf /etc/dovecot/dovecot.conf 2>&1 || true'])).stdout;
  const before = await settings();
  const child = server.machine.spawn([HAUSPOST, 'up', '--yes']);
  await hasSaid(child, collect(child.stderr), ' ok write files');
  await server.machine.run(['pkill', '-KILL', '-f', 'main.ts up']);
  await ended(child);
  assert.notEqual(await settings(), before);
  const { stderr } = await exits(server, 0, 'rollback', '0', '--yes');
  assert.match(stderr, /^warning: an earlier change \(generation \d+\) was interrupted; it is undone first$/m);
  assert.equal(await settings(), before);
  assert.match((await exits(server, 0, 'rollback', '0', '--yes')).stdout, /^Nothing to do/);
};

export const begunAnew = (get: () => Server): void => {
  test('C1, C5: begun anew over people of before: nobody is added, as the question says; generations says since when 0 is', async () => {
    const server = get();
    await orders(server, ['domain', 'add', 'others.test'], ['account', 'add', 'anna@others.test']);
    await sql(server.machine, "DELETE FROM accounts WHERE domain <> 'others.test'; DELETE FROM domains WHERE domain <> 'others.test'");
    const numbers = (await listed(server)).map(({ number }) => number);
    await exits(server, 0, 'rollback', '0', '--yes');
    ok(await server.machine.run(['rm', '/etc/hauspost/hauspost.toml']));
    assert.deepEqual((await exits(server, 3, 'up')).stderr.match(OF_PEOPLE), [
      '  create the database vmail, unless it is there',
      '  add the domain hauspost.test and the account demo@hauspost.test to it, unless it has domains already',
    ]);
    const up = await exits(server, 1, 'up', '--yes');
    assert.match(
      up.stderr,
      /its self-test failed: postmaster \(nobody here receives the mail of the postmaster, demo@hauspost\.test, since [^;]*\)\n/,
    );
    assert.deepEqual((await answered(server, 'domain', 'list')).document, [{ domain: 'others.test', accounts: 1, aliases: 0 }]);

    const [zero, ...all] = await listed(server);
    const [last, former] = [all.at(-1), all.at(-2)];
    assert.deepEqual([0, ...all.map(({ number }) => number)], [...numbers, Math.max(...numbers) + 1]);
    assert.equal(zero?.summary, "what was there before the first apply since 'rollback 0'");
    assert.ok((zero?.created ?? '') > (former?.created ?? '') && (zero?.created ?? '') < (last?.created ?? ''), JSON.stringify([zero, former, last]));
    assert.deepEqual([former?.compared_with, last?.compared_with, last?.options], [2, null, []]);

    // Without what the database has, the same question means that they come.
    await sql(server.machine, 'DELETE FROM accounts; DELETE FROM domains');
    await exits(server, 0, 'rollback', '0', '--yes');
    await leftInTheMiddle(server);
    await exits(server, 0, 'up', '--yes');
    assert.deepEqual((await answered(server, 'domain', 'list')).document, [{ domain: 'hauspost.test', accounts: 1, aliases: 0 }]);
  });
};
