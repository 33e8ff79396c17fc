/** Reads one message back over IMAP (RFC 9051) with imapflow. */
import { ImapFlow } from 'imapflow';
import type { Login, Target } from './target.ts';

const client = (target: Target, { address, password }: Login): ImapFlow =>
  new ImapFlow({
    host: target.host,
    port: 143,
    secure: false,
    doSTARTTLS: true,
    servername: target.servername,
    auth: { user: address, pass: password },
    tls: target.trust,
    logger: false,
    disableAutoIdle: true,
    connectionTimeout: 10_000,
  });

/** The library says only that a command failed; the server's own words say why. */
const inItsWords = (error: unknown): Error => {
  const words = error instanceof Error && 'responseText' in error ? `: ${String(error.responseText)}` : '';
  return new Error(`${error instanceof Error ? error.message : String(error)}${words}`, { cause: error });
};

const search = async (imap: ImapFlow, mailbox: string, messageId: string): Promise<Buffer | undefined> => {
  const lock = await imap.getMailboxLock(mailbox);
  try {
    await imap.noop(); // shows what arrived since the mailbox was selected
    const found = await imap.search({ header: { 'message-id': messageId } }, { uid: true });
    const uid = found ? found[0] : undefined;
    if (uid === undefined) return undefined;
    const message = await imap.fetchOne(String(uid), { source: true }, { uid: true });
    return message === false ? undefined : message.source;
  } finally {
    lock.release();
  }
};

/** The message's bytes once it is there; undefined when it does not come within `ms`. Rejects when the login is refused. */
export const read = async (target: Target, login: Login, mailbox: string, messageId: string, ms: number): Promise<Buffer | undefined> => {
  const imap = client(target, login);
  imap.on('error', () => undefined); // the call under way rejects with it
  await imap.connect();
  try {
    let source: Buffer | undefined;
    await target.waitFor(async () => {
      source = await search(imap, mailbox, messageId);
      return source !== undefined;
    }, ms);
    return source;
  } catch (error) {
    throw inItsWords(error);
  } finally {
    await imap.logout().catch(() => imap.close()); // closed by the server: nothing left to say
  }
};

/** True when the server lets this login in. */
export const lets = async (target: Target, login: Login): Promise<boolean> => {
  const imap = client(target, login);
  imap.on('error', () => undefined); // the call under way rejects with it
  try {
    await imap.connect();
    await imap.logout();
    return true;
  } catch (error) {
    if (error instanceof Error && 'authenticationFailed' in error && error.authenticationFailed === true) return false;
    throw error;
  }
};
