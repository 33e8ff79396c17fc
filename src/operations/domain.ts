/** `domain add`, `domain list`, `domain remove`. */
import { z } from 'zod';
import { parseDomain } from '#base';
import { type Contents, domains } from '#directory';
import { ensureDkimKey, publishDkimKeys, selectorOf } from '#dkim';
import { DKIM, secretsOf } from './desired.ts';
import { operation } from './operation.ts';
import { withDirectory } from './people.ts';

const domain = z.string().describe('a domain such as example.org');

export const add = operation({
  name: 'domain add',
  summary: 'Takes mail for a domain.',
  example: 'hauspost domain add example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain }),
  output: z.object({ domain: z.string() }),
  needs: 'root',
  run: (context, input) =>
    withDirectory(async (directory) => {
      const name = parseDomain(input.domain);
      await domains.add(directory, name);
      const secrets = secretsOf(context);
      await ensureDkimKey(secrets, name, selectorOf(context.machine.now()));
      await publishDkimKeys(context.machine, secrets, DKIM);
      return { domain: name };
    }),
});

export const list = operation({
  name: 'domain list',
  summary: 'Lists the domains with their numbers of accounts and aliases.',
  example: 'hauspost domain list',
  positionals: [],
  input: z.object({}),
  output: z.array(z.object({ domain: z.string(), accounts: z.number(), aliases: z.number() })).readonly(),
  needs: 'root',
  run: () => withDirectory((directory) => Array.fromAsync(domains.list(directory))),
});

const listing = z.object({ count: z.number(), first: z.array(z.string()).readonly() });

const remains = ({ accounts, aliases, pointing }: Contents): string =>
  [
    ...[...accounts.first, ...aliases.first, ...pointing.first].map((line) => `  ${line}`),
    `${accounts.count} accounts, ${aliases.count} aliases, and ${pointing.count} aliases elsewhere that lead into it would go; mail on disk stays.`,
  ].join('\n');

export const remove = operation({
  name: 'domain remove',
  summary: 'Takes no more mail for a domain; refused while accounts or aliases need it.',
  example: 'hauspost domain remove example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({
    domain,
    with_everything: z.boolean().optional().describe('also remove its accounts and aliases, and aliases that lead into it'),
  }),
  output: z.object({ domain: z.string(), accounts: listing, aliases: listing, pointing: listing }),
  needs: 'root',
  consents: async (_context, input) => {
    if (input.with_everything !== true) return [];
    const name = parseDomain(input.domain);
    const found = await withDirectory((directory) => domains.contents(directory, name));
    return [{ id: `domain-remove:${name}`, text: remains(found), question: `Remove ${name} with all of that?` }];
  },
  run: (_context, input) =>
    withDirectory(async (directory) => {
      const name = parseDomain(input.domain);
      return { domain: name, ...(await domains.remove(directory, name, { withEverything: input.with_everything === true })) };
    }),
});
