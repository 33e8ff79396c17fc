/** What became of mail that the server accepted: until nothing waits any more, and what is in the mailbox then. */
import type { Server } from './mail.ts';
import { until } from './process.ts';

const EMPTY_MS = 120_000;

interface Queue {
  readonly active: number;
  readonly deferred: number;
  readonly hold: number;
}

/** Mail that could not be delivered at once waits five minutes for its next attempt (M15); an operator would not wait either. */
export const emptied = async (server: Server): Promise<void> => {
  let queue: Queue | undefined;
  const isEmpty = async (): Promise<true | undefined> => {
    const output = await server.hauspost(['status', '--json']);
    queue = (JSON.parse(output.stdout) as { queue: Queue }).queue;
    if (queue.active + queue.deferred + queue.hold === 0) {
      const { stdout } = await server.machine.run(['postqueue', '-j']);
      return stdout === '' || undefined;
    }
    await server.machine.run(['postqueue', '-f']);
    return undefined;
  };
  await until(() => `the queue is empty: ${JSON.stringify(queue)}`, isEmpty, EMPTY_MS, 1_000);
};

/** How often each message is there, in all folders; of those whose Message-ID begins so. */
export const inMailbox = async (server: Server, beginning: string): Promise<ReadonlyMap<string, number>> => {
  const found = new Map<string, number>();
  const imap = await server.imap(server.demo);
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
