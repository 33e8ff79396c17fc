/**
 * Ends running sessions of an account, or of all of a domain. Those that read (IMAP, ManageSieve) Dovecot knows by name. Of submission nobody knows
 * which process serves whom, so those go that serve a client from where the account may be logged in (docs/postfix.md, "Sessions"): who is hit
 * with it connects again. A process that ends before its 250 loses nothing that was answered.
 */
import { type Domain, failure, type HauspostError, type LocalPart, type MailAddress } from '#base';
import { clients, type Directory } from '#directory';
import { connectionsTo, holding } from '#machine';
import { SUBMISSION_PORTS } from '#model';
import type { Context } from './operation.ts';
import { settle } from './queue.ts';

export interface Whose {
  /** Left out: everybody's of the domain. */
  readonly local?: LocalPart;
  readonly domain: Domain;
}

/** For messages, and to doveadm a mask: a local part holds nothing that stands for other characters, and no `*` is an account. */
const named = ({ local, domain }: Whose): MailAddress | `*@${Domain}` =>
  local === undefined ? `*@${domain}` : (`${local}@${domain}` as MailAddress);

/** doveadm-kick(1): somebody, or (2.3: EX_NOHOST) nobody was logged in. */
const KICKED: ReadonlySet<number> = new Set([0, 68]);
/** A process that was told to end has a descriptor to close and nothing to wait for. */
const WITHIN_MS = 10_000;

const stillRunning = (whose: Whose, why: string, cause?: string): HauspostError =>
  failure({
    code: 'sessions.running',
    message: `what was asked for is done, but sessions of ${named(whose)} may still run: ${why}`,
    remedy: "Restart dovecot and postfix: that ends all sessions. 'hauspost status' says how they are.",
    detail: { whose: named(whose) },
    ...(cause === undefined ? {} : { cause }),
  });

/** Sessions of IMAP and ManageSieve. */
export const endReading = async ({ machine }: Pick<Context, 'machine'>, whose: Whose): Promise<void> => {
  const { code, stderr } = await machine.run(['doveadm', 'kick', '--', named(whose)]);
  if (!KICKED.has(code)) throw stillRunning(whose, `doveadm kick ended with status ${code}`, stderr);
};

const endSubmission = async ({ machine }: Context, directory: Directory, whose: Whose): Promise<void> => {
  const connected = await connectionsTo(machine, SUBMISSION_PORTS);
  if (connected.length === 0) return;
  const possible = await clients.among(directory, whose, [...new Set(connected.map(({ client }) => client))]);
  const inodes = new Set(connected.filter(({ client }) => possible.has(client)).map(({ inode }) => inode));
  for (const pid of await holding(machine, 'smtpd', inodes)) machine.signal(pid, 'TERM');
  const gone = async (): Promise<boolean> => !(await connectionsTo(machine, SUBMISSION_PORTS)).some(({ inode }) => inodes.has(inode));
  if (!(await machine.waitFor(gone, WITHIN_MS))) throw stillRunning(whose, 'a connection to port 465 or 587 does not end');
};

/** Sessions of every kind. Throws `sessions.running` (exit 1). */
export const endSessions = async (context: Context, directory: Directory, whose: Whose): Promise<void> => {
  const ends = await Promise.allSettled([endSubmission(context, directory, whose), endReading(context, whose)]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
};

const settled = async ({ machine, reporter }: Context, whose: Whose): Promise<void> => {
  const left = await settle(machine, whose);
  if (left === 0) return;
  reporter.emit({
    kind: 'warning',
    code: 'account.mail-waits',
    text: `mail that was accepted for ${named(whose)} still waits in the queue (messages: ${left}); it goes to whoever has that name when it is tried again`,
    remedy: "'postqueue -p' shows it and 'postsuper -d ID' takes a message out.",
  });
};

/** For who is gone: ends them, has what waits in the queue come back, and then does `work`; if they do not end it is done all the same, and then that is said. */
export const withoutSessions = async <T>(context: Context, directory: Directory, whose: Whose, work: () => Promise<T>): Promise<T> => {
  const ends = await Promise.allSettled([endSessions(context, directory, whose), settled(context, whose)]);
  const done = await work();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return done;
};
