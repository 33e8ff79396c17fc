/** M5, M6, D3: where mail to an alias, a tag or a catch-all comes to lie in the end, how often, and who is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Server } from '../index.ts';
import { ANNA, whereTo } from '../parts/aliases.ts';
import { ok } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const inOnePlace = (get: () => Server): void => {
  test('D3: IMAP and delivery know one place, whatever the case of what was typed', async () => {
    const server = get();
    const imap = await server.imap({ ...ANNA, user: 'Anna@ALIASES.test' });
    const lock = await imap.getMailboxLock('INBOX');
    assert.ok(typeof imap.mailbox === 'object' && imap.mailbox.exists >= 3);
    lock.release();
    await imap.logout();
    const folders = ok(await server.machine.run(['find', '/var/vmail/mailboxes', '-mindepth', '1', '-maxdepth', '2'])).stdout;
    assert.equal(folders, folders.toLowerCase());
  });
};

onEachRelease(whereTo, inOnePlace);
