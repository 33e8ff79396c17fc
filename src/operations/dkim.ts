/** DKIM keys of the domains: made with a domain, or where SQL has added one; `dkim sync` is what the daemon dkim-keys calls. */
import { z } from 'zod';
import { type Domain, HauspostError, parseDomain } from '#base';
import { type Directory, domains } from '#directory';
import { ensureDkimKey, publishDkimKeys, selectorOf } from '#dkim';
import type { Finding } from '#model';
import { DKIM } from './desired.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned, withDirectory } from './people.ts';
import { secretsOf } from './secrets.ts';

/** Makes what is missing and hands it to Rspamd; answers for which domains. Needs no lock: whoever does it at the same time does the same. */
export const makeDkimKeys = async (context: Context, wanted: readonly Domain[]): Promise<readonly Domain[]> => {
  const secrets = secretsOf(context);
  const made: Domain[] = [];
  for (const domain of wanted) if (await ensureDkimKey(secrets, domain, selectorOf(context.machine.now()))) made.push(domain);
  await publishDkimKeys(context.machine, secrets, DKIM);
  return made;
};

const LACKING = 'dkim.no-key';

const whyNot = (name: string): string | undefined => {
  try {
    parseDomain(name);
    return undefined;
  } catch (error) {
    if (error instanceof HauspostError && error.blame === 'operator') return error.message;
    throw error;
  }
};

/** SQL may add what the table holds and is still no name for a mail domain. */
const unfit = (names: readonly string[]): readonly Finding[] =>
  names.flatMap((name) => {
    const why = whyNot(name);
    if (why === undefined) return [];
    return [{ level: 'warning' as const, code: LACKING, message: `no DKIM key: ${why}`, remedy: 'Delete that row of the table domains.' }];
  });

/** Those of the table that a mail domain can be called. */
export const fitDomains = (names: readonly string[]): readonly string[] => names.filter((name) => whyNot(name) === undefined);

const without = async (context: Context, names: readonly string[]): Promise<readonly string[]> => {
  const having = new Set(await secretsOf(context).list('dkim'));
  return names.filter((name) => !having.has(name));
};

/** For a database that was there before Hauspost, or that came from a copy: its domains sign from the start. */
export const makeMissingDkimKeys = async (context: Context, directory: Directory): Promise<void> => {
  const lacking = fitDomains(await without(context, await domains.names(directory)));
  if (lacking.length > 0) await makeDkimKeys(context, lacking.map(parseDomain));
};

/** Domains whose mail leaves without a signature; nothing while the database does not answer, which is said elsewhere. */
export const dkimFindings = async (context: Context): Promise<readonly Finding[]> => {
  const names = await withDirectory(domains.names).catch((error: unknown) => {
    if (error instanceof HauspostError && error.code.startsWith('directory.')) return [];
    throw error;
  });
  const lacking = await without(context, names);
  const late = fitDomains(lacking);
  if (late.length === 0) return unfit(lacking);
  const shown = `${late.slice(0, 5).join(', ')}${late.length > 5 ? `, and ${late.length - 5} more` : ''}`;
  return [
    ...unfit(lacking),
    {
      level: 'warning',
      code: LACKING,
      message: `no DKIM key yet, so mail is not signed: ${shown}`,
      remedy: "The service dkim-keys makes keys within a minute; if it did not, see its log, or run 'hauspost dkim sync'.",
    },
  ];
};

export const sync = operation({
  name: 'dkim sync',
  summary: 'Makes DKIM keys for domains that have none; the service dkim-keys calls it when SQL has added one.',
  example: 'hauspost dkim sync',
  positionals: [],
  input: z.object({}),
  output: z.object({ made: z.array(z.string()).readonly(), findings: z.array(finding).readonly() }),
  needs: 'root',
  run: (context) =>
    withDirectory(async (directory: Directory) => {
      const names = await domains.names(directory);
      return { made: await makeDkimKeys(context, fitDomains(names).map(parseDomain)), findings: warned(context, unfit(names)) };
    }),
});
