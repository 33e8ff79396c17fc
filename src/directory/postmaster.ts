/** Whoever answers for the server must be somebody who reads (RFC 5321, section 4.5.1). Trusts its branded input. */
import { type MailAddress, operatorError, splitAddress } from '#base';
import { ownDomain } from '#config';
import type { Finding } from '#model';
import { find } from './accounts.ts';
import { type Directory, text } from './connect.ts';
import { exists } from './domains.ts';
import { alone } from './lock.ts';
import { lookups } from './lookups.ts';
import type { Responsible } from './roles.ts';

/** Where the postmaster's mail comes to rest, here or elsewhere; empty where nobody receives it. */
const receivers = async (directory: Directory, responsible: Responsible): Promise<readonly string[]> =>
  (await directory.rows(lookups.roles(responsible))).map((row) => text(row, 'address'));

/** Whether somebody receives the postmaster's mail, here or elsewhere, by rows of this directory. */
export const isRead = async (directory: Directory, responsible: Responsible): Promise<boolean> =>
  (await receivers(directory, responsible)).length > 0;

const unread = (postmaster: MailAddress, why: string, remedy: string): Finding => ({
  level: 'warning',
  code: 'postmaster.unread',
  message: `nobody here receives the mail of the postmaster, ${postmaster}${why}: others are refused, and what this server has to say waits in the queue`,
  remedy: `${remedy} Or write another postmaster below [server] in the configuration file and run 'hauspost apply'.`,
});

/** A finding where nobody reads the postmaster's mail. Of a postmaster elsewhere nothing is known. */
export const findings = async (directory: Directory, { postmaster, hostname }: Responsible): Promise<readonly Finding[]> => {
  const { domain } = splitAddress(postmaster);
  if (!(await exists(directory, domain))) {
    if (ownDomain({ postmaster, hostname }) === undefined) return [];
    return [
      unread(
        postmaster,
        `, since ${domain} is not one of its domains`,
        `'hauspost domain add ${domain}' adds it, 'hauspost account add ${postmaster}' the account.`,
      ),
    ];
  }
  if (await isRead(directory, { postmaster, hostname })) return [];
  const remedy =
    (await find(directory, postmaster)) === undefined
      ? `'hauspost account list ${domain}' shows who is there, 'hauspost account add ${postmaster}' adds the account.`
      : `'hauspost account set ${postmaster} --enabled --no-send-only' lets the account receive, unless an alias of its name leads away: 'hauspost alias list ${domain}'.`;
  return [unread(postmaster, '', remedy)];
};

interface Reach {
  readonly hosted: boolean;
  readonly read: boolean;
}

const reach = async (directory: Directory, responsible: Responsible): Promise<Reach> => ({
  hosted: await exists(directory, splitAddress(responsible.postmaster).domain),
  read: await isRead(directory, responsible),
});

/** All of `work`, or nothing of it if it takes the postmaster's last reader away, or the domain of one who is read; `last` is done once that is known. Throws `postmaster.lost`. */
export const keeping = <T>(directory: Directory, responsible: Responsible, work: () => Promise<T>, last: () => Promise<void>): Promise<T> =>
  alone(directory, 'hauspost_aliases', () =>
    directory.atomically(async () => {
      const { postmaster } = responsible;
      const before = await reach(directory, responsible);
      const done = await work();
      const after = await reach(directory, responsible);
      if (!before.read || (after.read && (after.hosted || !before.hosted))) {
        await last();
        return done;
      }
      throw operatorError({
        code: 'postmaster.lost',
        message: `nobody here would receive the mail of the postmaster, ${postmaster}, any more`,
        remedy: "Write another postmaster below [server] in the configuration file and run 'hauspost apply' first.",
        detail: { postmaster },
      });
    }),
  );
