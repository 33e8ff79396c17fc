/**
 * A server as `up` leaves it: what aliases do, where mail of the machine's own programs goes (M24), who listens (M23), how long logs are kept (M28). One
 * machine for all of them, whose boot took as long as most of these take. Aliases come first, while there is none; logs last, which change the configuration.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Server } from '../index.ts';
import { aliasCommands } from '../parts/alias-commands.ts';
import { ANNA, whereTo } from '../parts/aliases.ts';
import { listeners } from '../parts/listeners.ts';
import { localMail } from '../parts/local-mail.ts';
import { logs } from '../parts/logs.ts';
import { ok } from '../people.ts';
import { onEachRelease, type Part } from '../scenario.ts';

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

/** Its hooks run when it is its turn, and not before the first of all. */
const inTurn =
  (name: string, part: Part): Part =>
  (get, release) => {
    describe(name, () => part(get, release));
  };

onEachRelease(aliasCommands, whereTo, inOnePlace, inTurn('mail of programs', localMail), inTurn('listeners', listeners), logs);
