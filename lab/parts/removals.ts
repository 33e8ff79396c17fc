/** C10: a removal that ends in the middle leaves mail and filters to nobody: upkeep, or whoever adds a successor, finishes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from '../index.ts';
import { json, ok, orders } from '../people.ts';
import { holdUpkeep } from '../upkeep.ts';
import { disturbed } from './disturbed.ts';

const WRITTEN = '/var/lib/hauspost/removals';
const GONE = 'gone@hauspost.test';
const FOLDERS = ['/var/vmail/mailboxes/hauspost.test/gone', '/var/vmail/sieve/hauspost.test/gone'];

const shell = async ({ machine }: Server, script: string): Promise<string> => ok(await machine.run(['sh', '-ec', script])).stdout;

const make = (server: Server, ...folders: readonly string[]): Promise<string> =>
  shell(
    server,
    `umask 077; for each in ${folders.join(' ')}; do mkdir -p $each; echo secret >$each/letter; chown -R vmail:vmail $(dirname $each); done`,
  );

/** The rows are gone, and not more. */
const killed = async (server: Server, ...words: readonly string[]): Promise<void> => {
  const { code, effects, stderr } = await disturbed(server, words, { before: 'directory /var/vmail/removed', by: 'killed' });
  assert.deepEqual([code, effects.at(-1)], [137, 'directory /var/vmail/removed'], stderr);
};

/** Where letters are that lay below a folder of that name; and that nothing is written down any more. */
const letters = async (server: Server, name: string): Promise<readonly string[]> => {
  assert.equal(await shell(server, `ls ${WRITTEN}`), '');
  return (await shell(server, `find /var/vmail -name letter -path '*${name}*'`))
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
};

const ASIDE = /^\/var\/vmail\/removed\/gone@hauspost\.test\.[^/]+\/(mailboxes|sieve)\/letter$/;

export const removals = (get: () => Server): void => {
  test('C10: a removal that was killed after the account went is finished by upkeep, which says so; what somebody still has stays', async () => {
    const server = get();
    await holdUpkeep(server.machine);
    await server.account({ user: GONE, pass: 'the first of them' });
    await make(server, ...FOLDERS);
    await killed(server, 'account', 'remove', GONE);
    assert.equal((await server.hauspost(['account', 'remove', GONE, '--yes'])).code, 3, 'the account is gone');
    const noted = await shell(server, `cat ${WRITTEN}/*`);
    const { done } = (await json(server, 'upkeep')) as { done: readonly string[] };
    assert.equal(done.length, 1, done.join());
    assert.match(done.join(), /^The removal of gone@hauspost\.test, .*; mail and filters are in \/var\/vmail\/removed\/gone@hauspost\.test\.\S+\.$/);
    const found = await letters(server, 'gone');
    assert.equal(found.length, 2, found.join());
    for (const each of found) assert.match(each, ASIDE);
    await server.account({ user: GONE, pass: 'the second of them' });
    await make(server, ...FOLDERS);
    await shell(server, `cat >$(echo -n ${GONE} | sha1sum | sed 's|^\\(\\S*\\) .*|${WRITTEN}/\\1|') <<'E'\n${noted}E`);
    assert.deepEqual(((await json(server, 'upkeep')) as { done: unknown }).done, []);
    assert.deepEqual(
      (await letters(server, 'gone')).filter((each) => !ASIDE.test(each)),
      FOLDERS.map((each) => `${each}/letter`),
    );
  });

  test('C10: by whoever adds a successor as well, who finds nothing; and with --delete-mail nobody does', async () => {
    const server = get();
    await killed(server, 'account', 'remove', GONE, '--delete-mail');
    const aside = (await shell(server, 'ls /var/vmail/removed')).trim();
    await server.account({ user: GONE, pass: 'the third of them' });
    const found = await letters(server, 'gone');
    assert.deepEqual([found.length, found.every((each) => ASIDE.test(each))], [2, true], found.join());
    assert.equal((await shell(server, 'ls /var/vmail/removed')).trim(), aside);
    await server.order('account', 'remove', GONE, '--yes');
  });

  test('C10: of a domain with everything', async () => {
    const server = get();
    await orders(server, ['domain', 'add', 'left.test']);
    await server.account({ user: 'anna@left.test', pass: 'the first anna' });
    await make(server, '/var/vmail/mailboxes/left.test/anna');
    await killed(server, 'domain', 'remove', 'left.test', '--with-everything');
    await orders(server, ['domain', 'add', 'left.test']);
    const found = await letters(server, 'left.test');
    assert.match(found.join(), /^\/var\/vmail\/removed\/@left\.test\.[^/]+\/mailboxes\/anna\/letter$/);
    await server.order('domain', 'remove', 'left.test');
  });
};
