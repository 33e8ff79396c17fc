/** Twenty mail programs, two at each mailbox: each selects, fetches what is new, searches, flags, and waits in IDLE for more. */
import { once } from 'node:events';
import type { ImapFlow } from 'imapflow';
import { pause } from './place.ts';
import type { Waits } from './waits.ts';

/** From one round to the next. */
const ROUND_MS = 5_000;

export interface Reader {
  readonly rounds: number;
  /** Messages that it fetched. */
  readonly read: number;
  /** How often it heard in IDLE that there is more. */
  readonly told: number;
}

const agreed = <T>(what: string, value: T | false | undefined): T => {
  if (value === false || value === undefined) throw new Error(`${what} failed`);
  return value;
};

const fetchNew = async (imap: ImapFlow, after: number): Promise<readonly number[]> => {
  const uids: number[] = [];
  // `N:*` has the last message, too, when none is new (RFC 9051, section 9, "seq-range").
  for await (const { uid, source } of imap.fetch(`${after + 1}:*`, { uid: true, envelope: true, flags: true, source: true }, { uid: true }))
    if (uid > after && source !== undefined && source.length > 0) uids.push(uid);
  return uids;
};

/** Answers with whether it heard of more; at least as long as a round, or until all is over. */
const idles = async (imap: ImapFlow, commands: Waits, over: AbortSignal): Promise<boolean> => {
  const more = once(imap, 'exists', { signal: over }).then(
    () => true,
    () => false,
  );
  const idling = imap.idle();
  const [told] = await Promise.all([more, pause(ROUND_MS, over)]);
  await commands.of('DONE and NOOP', imap.noop());
  if ((await idling) === false) throw new Error('IDLE failed');
  return told;
};

/** Until it is over. `flag` is the reader's own. */
export const reads = async (imap: ImapFlow, flag: string, commands: Waits, over: AbortSignal): Promise<Reader> => {
  let [rounds, read, told, last] = [0, 0, 0, 0];
  for (; !over.aborted; rounds += 1) {
    await commands.of('SELECT', imap.mailboxOpen('INBOX'));
    const fresh = await commands.of('FETCH', fetchNew(imap, last));
    agreed('SEARCH', await commands.of('SEARCH', imap.search({ unKeyword: flag, from: 'crowd-1' }, { uid: true })));
    if (fresh.length > 0) agreed('STORE', await commands.of('STORE', imap.messageFlagsAdd(fresh.join(','), [flag], { uid: true })));
    last = Math.max(last, ...fresh);
    read += fresh.length;
    if (await idles(imap, commands, over)) told += 1;
  }
  return { rounds, read, told };
};
