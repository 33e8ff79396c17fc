/** C10: mail and filters of whom SQL removed are the next one's of that name, and `account add` says so; of whom a command removed they are nobody's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outside, type Server, until } from '../index.ts';
import { deliver, json, messages, ok } from '../people.ts';
import { sql } from '../sql.ts';

const LEFT = 'left@hauspost.test';
const FOLDERS = ['/var/vmail/mailboxes/hauspost.test/left', '/var/vmail/sieve/hauspost.test/left'];
const REDIRECT = 'require "copy";\r\nredirect :copy "friend@outside.test";\r\n';

interface Added {
  readonly warnings: readonly { readonly code: string; readonly message: string; readonly remedy: string }[];
}
const PASS = 'a password of theirs';
const added = async (server: Server): Promise<Added['warnings']> => {
  const output = ok(await server.hauspost(['account', 'add', LEFT, '--password-stdin', '--json'], `${PASS}\n`));
  return (JSON.parse(output.stdout) as Added).warnings;
};

export const leftBehind = (get: () => Server): void => {
  test('C10: what SQL left of somebody is named to whoever adds the name again; what account remove moved aside is not there', async () => {
    const server = get();
    const login = { user: LEFT, pass: PASS };
    await using far = await outside(server.vantage.sockets, server.vantage.stranger);
    assert.deepEqual(await added(server), [], 'a new name');
    const sieve = await server.sieve();
    assert.equal((await sieve.login(login)).status, 'OK');
    assert.deepEqual([(await sieve.put('away', REDIRECT)).status, (await sieve.command('SETACTIVE "away"')).status], ['OK', 'OK']);
    sieve.close();
    await deliver(server, login, 'first@left.test');

    await sql(server.machine, "DELETE FROM accounts WHERE username = 'left'");
    const [warning, ...others] = await added(server);
    assert.deepEqual([others, warning?.code], [[], 'account.mail-there']);
    for (const folder of FOLDERS) assert.ok(warning?.message.includes(folder), warning?.message);
    assert.match(warning?.remedy ?? '', /'hauspost account remove left@hauspost\.test' moves them aside/);
    await deliver(server, login, 'second@left.test');
    assert.equal(await messages(server, login), 2);
    await until(
      'the filter goes on',
      () => Promise.resolve(far.received.some(({ source }) => source.includes('second@left.test')) || undefined),
      60_000,
    );

    const { moved_to: moved } = (await json(server, 'account', 'remove', LEFT, '--yes')) as { moved_to: string };
    assert.ok(moved.startsWith('/var/vmail/removed/left@hauspost.test.'), moved);
    assert.deepEqual(await added(server), [], 'account remove moved it aside');
    assert.equal(await messages(server, login), 0);
    await server.order('account', 'remove', LEFT, '--yes');
  });
};
