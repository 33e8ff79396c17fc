/** DKIM keys of the domains: made with a domain, or where SQL has added one; `dkim sync` is what the daemon dkim-keys calls. */
import { z } from 'zod';
import { type Domain, HauspostError, parseDomain } from '#base';
import { homeDomain } from '#config';
import { type Directory, domains } from '#directory';
import { domainsWithKeys, ensureDkimKeys, keysOf, listDkimKeys, publishDkimKeys } from '#dkim';
import type { Finding, RenderInput } from '#model';
import { showKeys } from './dkim-resolver.ts';
import { deniedHere } from './dkim-view.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned, withDirectory } from './people.ts';
import { keyringOf } from './secrets.ts';

/** Makes what is missing and hands it to Rspamd and the resolver; answers for which domains. Needs no lock: of two at the same time the last one shows the keys that lie there then. */
export const makeDkimKeys = async (context: Context, wanted: readonly Domain[]): Promise<readonly Domain[]> => {
  const keyring = keyringOf(context);
  const made: Domain[] = [];
  for (const domain of wanted) if (await ensureDkimKeys(keyring, domain)) made.push(domain);
  await publishDkimKeys(keyring);
  await showKeys(context);
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
  const having = new Set(await domainsWithKeys(keyringOf(context)));
  return names.filter((name) => !having.has(name));
};

/** Changes in which keys were made while Rspamd was starting. */
const madeMeanwhile = new WeakSet<Context>();

/** For a database that was there before Hauspost, or that came from a copy: its domains sign from the start. */
export const makeMissingDkimKeys = async (context: Context, directory: Directory): Promise<void> => {
  const lacking = fitDomains(await without(context, await domains.names(directory)));
  if (lacking.length === 0) return;
  await makeDkimKeys(context, lacking.map(parseDomain));
  madeMeanwhile.add(context);
};

/** At the end of a change: a map that is replaced between Rspamd's own look at it and the first one of each of its processes none of these sees (docs/rspamd.md). */
export const showKeysMadeMeanwhile = async (context: Context): Promise<void> => {
  if (madeMeanwhile.delete(context)) await publishDkimKeys(keyringOf(context), { anew: true });
};

const SHOWN = 5;

const some = (list: readonly string[]): string =>
  `${list.slice(0, SHOWN).join(', ')}${list.length > SHOWN ? `, and ${list.length - SHOWN} more` : ''}`;

/** Whoever publishes by hand has a day for it. */
const DAY_MS = 86_400_000;

const unpublished = async (context: Context, names: readonly string[]): Promise<readonly Finding[]> => {
  const before = context.machine.now().getTime() - DAY_MS;
  const waiting = (await listDkimKeys(keyringOf(context))).filter(
    ({ domain, state, since }) => state === 'pending' && since !== null && new Date(since).getTime() < before && names.includes(domain),
  );
  if (waiting.length === 0) return [];
  return [
    {
      level: 'warning',
      code: 'dkim.pending',
      message: `DKIM keys that wait for DNS for more than a day: ${some(waiting.map(({ domain, selector }) => `${selector} of ${domain}`))}`,
      remedy: "'hauspost dkim list' says what each waits for, 'hauspost dns records' what is to be published.",
    },
  ];
};

/** A configuration that Hauspost 0.1 made has records of its own for keys of its time, which a rollback brings back. */
const unshown = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  if (input.settings.profile !== 'local') return [];
  const keys = await keysOf(keyringOf(context), homeDomain(input.settings));
  const denied = await deniedHere(
    context,
    input,
    keys.filter(({ state }) => state === 'active'),
  );
  if (denied.length === 0) return [];
  const names = some(denied.map(({ domain, selector }) => `${selector} of ${domain}`));
  const message = `the server's own resolver does not show DKIM keys that sign, so the self-test cannot verify them: ${names}`;
  return [{ level: 'warning', code: 'dkim.not-shown', message, remedy: "'hauspost apply' makes a configuration that shows them." }];
};

/**
 * Domains whose mail leaves without a signature, and keys that nobody publishes or shows; nothing while the database does not answer, which is said elsewhere.
 */
export const dkimFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const names = await withDirectory(domains.names).catch((error: unknown) => {
    if (error instanceof HauspostError && error.code.startsWith('directory.')) return [];
    throw error;
  });
  const lacking = await without(context, names);
  const late = fitDomains(lacking);
  const waiting = [...(await unpublished(context, names)), ...(await unshown(context, input))];
  if (late.length === 0) return [...unfit(lacking), ...waiting];
  return [
    ...unfit(lacking),
    ...waiting,
    {
      level: 'warning',
      code: LACKING,
      message: `no DKIM key yet, so mail is not signed: ${some(late)}`,
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
  needs: 'server',
  run: (context) =>
    withDirectory(async (directory: Directory) => {
      const names = await domains.names(directory);
      return { made: await makeDkimKeys(context, fitDomains(names).map(parseDomain)), findings: warned(context, unfit(names)) };
    }),
});
