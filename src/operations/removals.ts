/**
 * What becomes of the mail of who is removed. That is written down before the rows go for good, and struck out once the mail has been moved: a command that
 * ended in between (a power cut, a second Ctrl-C) would leave mail and filters to a successor of that name. Whoever makes one finishes first what is
 * written down; `upkeep` does the rest. The database's lock says who is at it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type AbsPath, asHauspostError, HauspostError, type MailAddress, path, parseDomain, parseMailAddress, splitAddress } from '#base';
import { accounts, aloneRemoving, type Directory, type NewAccount } from '#directory';
import { carry, isTemporary } from '#machine';
import type { Finding } from '#model';
import type { Context } from './operation.ts';
import { MAIL, withDirectory } from './people.ts';
import { type Whose, withoutSessions } from './sessions.ts';
import type { Task } from './task.ts';

const WRITTEN = path('/var/lib/hauspost/removals');

/** `name`: an address, or `@` and a domain. `aside`: where mailboxes and filters are moved to, in one folder, however often it is tried. */
const entry = z.object({ name: z.string(), aside: z.string(), deleted: z.boolean() });

const nameOf = ({ local, domain }: Whose): string => `${local ?? ''}@${domain}`;
const whoseOf = (name: string): Whose => (name.startsWith('@') ? { domain: parseDomain(name.slice(1)) } : splitAddress(parseMailAddress(name)));
/** Of the lock and the file: a name may be longer than either can be. */
const idOf = (whose: Whose): string => createHash('sha1').update(nameOf(whose)).digest('hex');
const fileOf = (whose: Whose): AbsPath => path(`${WRITTEN}/${idOf(whose)}`);

/** Octets of a file's name (NAME_MAX of Linux); an address may have 254, and a time follows. */
const NAME_MAX = 255;

const asideOf = ({ machine }: Context, whose: Whose): AbsPath => {
  const time = `.${machine.now().toISOString().replace(/[:.]/g, '-')}`;
  return path(`${MAIL}/removed/${nameOf(whose).slice(0, NAME_MAX - time.length)}${time}`);
};

const PARTS = ['mailboxes', 'sieve'];
const folderOf = (part: string, { local, domain }: Whose): AbsPath => path(`${MAIL}/${part}/${domain}${local === undefined ? '' : `/${local}`}`);

const moveAside = async ({ machine }: Context, whose: Whose, aside: AbsPath): Promise<AbsPath | null> => {
  let moved = (await machine.state(aside)) === undefined ? null : aside;
  for (const part of PARTS) {
    const folder = folderOf(part, whose);
    if ((await machine.list(folder)).length === 0) continue;
    await machine.makeDir(path(`${MAIL}/removed`), { owner: 'root:root', mode: 0o700 });
    await machine.makeDir(aside, { owner: 'root:root', mode: 0o700 });
    await carry(machine, folder, path(`${aside}/${part}`));
    moved = aside;
  }
  return moved;
};

/** Undefined: somebody has just finished it. */
const written = async ({ machine }: Context, file: AbsPath): Promise<z.output<typeof entry> | undefined> => {
  const found = await machine.read(file);
  return found === undefined ? undefined : entry.parse(JSON.parse(found.toString()));
};

/** Null where there was nothing, or it was to be deleted. */
const end = async (context: Context, whose: Whose): Promise<AbsPath | null> => {
  const { machine } = context;
  const found = await written(context, fileOf(whose));
  if (found === undefined) return null;
  const moved = await moveAside(context, whose, path(found.aside));
  if (found.deleted && moved !== null) await machine.remove(moved);
  await machine.remove(fileOf(whose));
  return found.deleted ? null : moved;
};

/** Undefined: there is nothing to finish, or somebody has the mail, since the rows stayed after all or SQL added others. */
const finish = async (context: Context, directory: Directory, whose: Whose): Promise<AbsPath | null | undefined> => {
  if ((await context.machine.state(fileOf(whose))) === undefined) return undefined;
  if (!(await accounts.anybody(directory, whose))) return withoutSessions(context, directory, whose, () => end(context, whose));
  await context.machine.remove(fileOf(whose));
  return undefined;
};

export interface Removal {
  /** Before the rows are gone for good. */
  readonly begins: () => Promise<void>;
  /** The mail is moved aside or deleted, once sessions have ended, where somebody could have any. A successor of the same name must not find it. */
  readonly ends: (sessions: boolean) => Promise<AbsPath | null>;
}

/** `work` removes the rows; where it fails before they are gone nothing is left of the removal. */
export const removing = async <T>(
  context: Context,
  directory: Directory,
  { deleted = false, ...whose }: Whose & { readonly deleted?: boolean },
  work: (removal: Removal) => Promise<T>,
): Promise<T> => {
  const begins = (): Promise<void> => {
    const asked: z.output<typeof entry> = { name: nameOf(whose), aside: asideOf(context, whose), deleted };
    return context.machine.write(fileOf(whose), `${JSON.stringify(asked)}\n`, { owner: 'root:root', mode: 0o600 });
  };
  const ends: Removal['ends'] = (sessions) =>
    sessions ? withoutSessions(context, directory, whose, () => end(context, whose)) : end(context, whose);
  const drop = async (): Promise<void> => {
    if (await accounts.anybody(directory, whose)) await context.machine.remove(fileOf(whose));
  };
  return aloneRemoving(directory, idOf(whose), async () => {
    try {
      return await work({ begins, ends });
    } catch (error) {
      await drop().catch(() => undefined); // upkeep looks again; what failed first is told
      throw error;
    }
  });
};

const after = <T>(context: Context, directory: Directory, whose: Whose, work: () => Promise<T>): Promise<T> =>
  aloneRemoving(directory, idOf(whose), async () => {
    await finish(context, directory, whose);
    return work();
  });

/** `work` adds somebody, or a domain: whoever had that name before, or one in a domain of that name, leaves nothing there. */
export const succeeding = <T>(context: Context, directory: Directory, { local, domain }: Whose, work: () => Promise<T>): Promise<T> =>
  after(context, directory, { domain }, () => (local === undefined ? work() : after(context, directory, { local, domain }, work)));

/** Of whom SQL removed or renamed mail and filters lie where they lay, and whoever has the name next has them; wanted where mail was put back. */
const leftBehind = async ({ machine }: Context, address: MailAddress): Promise<readonly Finding[]> => {
  const left: string[] = [];
  for (const part of PARTS) {
    const folder = folderOf(part, splitAddress(address));
    if ((await machine.list(folder)).length > 0) left.push(folder);
  }
  if (left.length === 0) return [];
  return [
    {
      level: 'warning',
      code: 'account.mail-there',
      message: `${address} begins with the mail and the filters that lie in ${left.join(' and ')}`,
      remedy: `If these are somebody else's, 'hauspost account remove ${address}' moves them aside; then add the account again.`,
    },
  ];
};

/** Throws what adding one throws. */
export const addAccount = (context: Context, directory: Directory, wanted: NewAccount): ReturnType<typeof accounts.add> =>
  succeeding(context, directory, splitAddress(wanted.address), async () => {
    const left = await leftBehind(context, wanted.address);
    const { account, warnings } = await accounts.add(directory, wanted);
    return { account, warnings: [...left, ...warnings] };
  });

/** What is to be said; null where somebody else is at it. */
const finished = async (context: Context, directory: Directory, whose: Whose): Promise<string | null> => {
  try {
    const moved = await aloneRemoving(directory, idOf(whose), () => finish(context, directory, whose), 0);
    if (moved === undefined) return null;
    const where = moved === null ? '' : `; mail and filters are in ${moved}`;
    return `The removal of ${nameOf(whose)}, which was interrupted, is at its end${where}.`;
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'directory.busy') return null;
    throw error;
  }
};

/** One that cannot be finished does not keep the others from being. */
export const keepRemovals: Task = async (context) => {
  const files = (await context.machine.list(WRITTEN)).filter((name) => !isTemporary(name));
  const done: string[] = [];
  const findings: Finding[] = [];
  for (const file of files) {
    try {
      const found = await written(context, path(`${WRITTEN}/${file}`));
      const said = found && (await withDirectory((directory) => finished(context, directory, whoseOf(found.name))));
      if (said) done.push(said);
    } catch (thrown) {
      const { code, message, remedy } = asHauspostError(thrown);
      findings.push({ level: 'error', code, message, remedy });
    }
  }
  return { done, findings };
};
