/** `domain add`, `domain list`, `domain remove`. */
import { z } from 'zod';
import { type Domain, parseDomain } from '#base';
import { type Contents, domains, postmaster } from '#directory';
import type { Finding } from '#model';
import { settingsInPlace } from './desired.ts';
import { makeDkimKeys } from './dkim.ts';
import { listing, operation } from './operation.ts';
import { finding, fromDirectory, keepingPostmaster, leadingNowhere, requireConsent, tried, warned, withDirectory } from './people.ts';
import { removing, succeeding } from './removals.ts';

const domain = z.string().describe('a domain such as example.org');

export const add = operation({
  name: 'domain add',
  summary: 'Takes mail for a domain.',
  example: 'hauspost domain add example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain }),
  output: z.object({ domain: z.string(), warnings: z.array(finding).readonly() }),
  needs: 'server',
  run: (context, input) =>
    withDirectory(async (directory) => {
      const name = parseDomain(input.domain);
      const settings = await settingsInPlace(context);
      const unread = async (): Promise<readonly Finding[]> => (settings === undefined ? [] : postmaster.findings(directory, settings));
      const before = await unread();
      await succeeding(context, directory, { domain: name }, () => domains.add(directory, name));
      await makeDkimKeys(context, [name]);
      // Whoever had mail there elsewhere has none now.
      const lost = before.length === 0 ? await unread() : [];
      return { domain: name, warnings: warned(context, [...lost, ...(await leadingNowhere(directory, settings, name))]) };
    }),
});

export const list = listing({
  name: 'domain list',
  summary: 'Lists the domains with their numbers of accounts and aliases.',
  example: 'hauspost domain list',
  positionals: [],
  input: z.object({}),
  element: z.object({ domain: z.string(), accounts: z.number(), aliases: z.number() }),
  needs: 'server',
  elements: () => fromDirectory((directory) => domains.list(directory)),
});

const counted = z.object({ count: z.number(), first: z.array(z.string()).readonly() });

const several = (count: number, what: 'account' | 'alias'): string => `${count} ${what}${count === 1 ? '' : what === 'alias' ? 'es' : 's'}`;

/** Each with what it is: an account and an alias may have one name. */
const marked = (what: 'account' | 'alias', { count, first }: Contents['accounts']): readonly string[] => [
  ...first.map((line) => `  ${what} ${line}`),
  ...(count > first.length ? [`  ... and ${several(count - first.length, what)} more`] : []),
];

const remains = ({ accounts, aliases, pointing }: Contents): string =>
  [
    ...marked('account', accounts),
    ...marked('alias', aliases),
    ...marked('alias', pointing),
    `${several(accounts.count, 'account')} and ${several(aliases.count, 'alias')} would go, and elsewhere ${several(pointing.count, 'alias')} that would lead nowhere; mail is moved aside.`,
  ].join('\n');

/** Names what was shown: a domain that has got another account since needs another yes. */
const removal = (name: Domain, found: Contents): string => `domain-remove:${name}:${JSON.stringify(found)}`;

export const remove = operation({
  name: 'domain remove',
  summary: 'Takes no more mail for a domain; refused while accounts or aliases need it.',
  example: 'hauspost domain remove example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({
    domain,
    with_everything: z.boolean().optional().describe('also remove its accounts and aliases, and aliases that lead into it; mail is moved aside'),
  }),
  output: z.object({ domain: z.string(), accounts: counted, aliases: counted, pointing: counted, moved_to: z.string().nullable() }),
  needs: 'server',
  consents: async (context, input) => {
    if (input.with_everything !== true) return [];
    const name = parseDomain(input.domain);
    const found = await tried(context, (directory) => domains.remove(directory, name, { withEverything: true }));
    return [{ id: removal(name, found), text: remains(found), question: `Remove ${name} with all of that?` }];
  },
  run: async (context, input) => {
    const name = parseDomain(input.domain);
    const withEverything = input.with_everything === true;
    return withDirectory((directory) =>
      removing(context, directory, { domain: name }, async (mail) => {
        const rows = async (): Promise<Contents> => {
          const found = await domains.remove(directory, name, { withEverything });
          if (withEverything) requireConsent(context, removal(name, found));
          return found;
        };
        const gone = await keepingPostmaster(context, directory, rows, mail.begins);
        return { domain: name, ...gone, moved_to: await mail.ends(gone.accounts.count > 0) };
      }),
    );
  },
});
