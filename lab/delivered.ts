/** What became of mail that the server accepted: until nothing waits any more, and what is in the mailbox then. */
import type { Server } from './mail.ts';
import { until } from './process.ts';

const EMPTY_MS = 120_000;

/** Mail that could not be delivered at once waits five minutes for its next attempt (M15); an operator would not wait either. */
export const emptied = async ({ machine }: Server): Promise<void> => {
  let waiting = '';
  const isEmpty = async (): Promise<true | undefined> => {
    waiting = (await machine.run(['postqueue', '-j'])).stdout;
    if (waiting === '') return true;
    await machine.run(['postqueue', '-f']);
    return undefined;
  };
  await until(() => `the queue is empty: ${waiting}`, isEmpty, EMPTY_MS, 1_000);
};

/** How often each message is there, in all folders; of those whose Message-ID begins so. */
export const inMailbox = async (server: Server, beginning: string, login = server.demo): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  const imap = await server.imap(login);
  for (const { path } of await imap.list()) {
    const lock = await imap.getMailboxLock(path);
    try {
      for await (const { envelope } of imap.fetch('1:*', { envelope: true })) {
        const id = envelope?.messageId ?? '';
        if (id.startsWith(beginning)) found.set(id, (found.get(id) ?? 0) + 1);
      }
    } finally {
      lock.release();
    }
  }
  await imap.logout();
  return found;
};
