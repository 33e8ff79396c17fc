/** What the operations on domains, accounts and aliases share. */
import { z } from 'zod';
import { type Domain, HauspostError, operatorError, path } from '#base';
import type { Settings } from '#config';
import { aliases, connect, type Directory, postmaster, tlsPolicies } from '#directory';
import { type Finding, SOCKETS } from '#model';
import { settingsInPlace } from './desired.ts';
import type { Context } from './operation.ts';

export const finding = z.object({ level: z.enum(['error', 'warning']), code: z.string(), message: z.string(), remedy: z.string() });

export const withDirectory = async <T>(work: (directory: Directory) => Promise<T>): Promise<T> => {
  await using directory = await connect({ socketPath: SOCKETS.mariadb.path });
  return await work(directory);
};

/** Rows as they come, over a connection that ends with them. */
export const fromDirectory = async function* <T>(rows: (directory: Directory) => AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  await using directory = await connect({ socketPath: SOCKETS.mariadb.path });
  yield* rows(directory);
};

/** Nothing while the database does not answer, which is said elsewhere. */
export const findingsOf = async (work: (directory: Directory) => Promise<readonly Finding[]>): Promise<readonly Finding[]> =>
  withDirectory(work).catch((error: unknown) => {
    if (error instanceof HauspostError && error.code.startsWith('directory.')) return [];
    throw error;
  });

/** What there is to say of the postmaster. */
export const postmasterFindings = (settings: Settings): Promise<readonly Finding[]> =>
  findingsOf((directory) => postmaster.findings(directory, settings));

/** As many are named. */
const NAMED = 3;

/** Of aliases that lead nowhere: all of them, or those that lead into one domain. */
export const leadingNowhere = async (directory: Directory, settings: Settings | undefined, only?: Domain): Promise<readonly Finding[]> => {
  const found = await aliases.leadingNowhere(directory, NAMED + 1, settings, only);
  if (found.length === 0) return [];
  const named = found.slice(0, NAMED).map(({ source, destination }) => `${source} to ${destination}`);
  const message = `aliases lead to addresses of ours that do not exist: ${named.join(', ')}${found.length > NAMED ? ' and more' : ''}`;
  const remedy = "Add the destination, or take it out: 'hauspost alias remove SOURCE DESTINATION'.";
  return [{ level: 'warning', code: 'alias.leads-nowhere', message, remedy }];
};

export const aliasFindings = (settings: Settings): Promise<readonly Finding[]> => findingsOf((directory) => leadingNowhere(directory, settings));

/** Of rows that SQL has made; Postfix defers mail for their domains, or passes over them. */
export const policyFindings = (): Promise<readonly Finding[]> =>
  findingsOf(async (directory) => {
    const found = await tlsPolicies.wrong(directory, NAMED + 1);
    if (found.length === 0) return [];
    const named = found.slice(0, NAMED).map(({ domain, why }) => `${domain} (${why})`);
    const message = `TLS policies that 'hauspost tls-policy set' would refuse, and Postfix may not be able to use: ${named.join(', ')}${found.length > NAMED ? ' and more' : ''}`;
    return [
      { level: 'warning', code: 'tls-policy.unusable', message, remedy: "Set them anew ('hauspost tls-policy set DOMAIN POLICY'), or remove them." },
    ];
  });

/** Refuses, and undoes, what would leave the postmaster's mail without a reader. `last` is done where nothing refuses any more, before the rows are for good. */
export const keepingPostmaster = async <T>(
  context: Context,
  directory: Directory,
  work: () => Promise<T>,
  last: () => Promise<void> = () => Promise.resolve(),
): Promise<T> => {
  const settings = await settingsInPlace(context);
  if (settings !== undefined) return postmaster.keeping(directory, settings, work, last);
  return directory.atomically(async () => {
    const done = await work();
    await last();
    return done;
  });
};

/** What would come of it, for a question: what is refused is refused before anybody is asked. */
export const tried = <T>(context: Context, work: (directory: Directory) => Promise<T>): Promise<T> =>
  withDirectory((directory) => directory.tried(() => keepingPostmaster(context, directory, () => work(directory))));

/** Warnings are part of the result, and said at once. */
export const warned = ({ reporter }: Context, warnings: readonly Finding[]): readonly Finding[] => {
  for (const { code, message, remedy } of warnings) reporter.emit({ kind: 'warning', code, text: message, remedy });
  return warnings;
};

/** Done only after this very question was answered with yes. */
export const requireConsent = ({ consented }: Context, id: string): void => {
  if (consented === 'everything' || consented.has(id)) return;
  throw operatorError({
    code: 'consent.missing',
    message: 'what would go is no longer what was shown, or was never shown',
    remedy: 'Run the command again and look at it.',
  });
};

export const MAIL = path('/var/vmail');
