/** `alias add`, `alias set`, `alias list`, `alias remove`. */
import { z } from 'zod';
import { operatorError, parseDomain } from '#base';
import { aliases, parseAliasSource, parseDestination } from '#directory';
import { operation } from './operation.ts';
import { finding, warned, withDirectory } from './people.ts';

const source = z.string().describe('an address of ours, or @example.org for everything in the domain that has no name of its own');
const destination = z.object({ address: z.string(), enabled: z.boolean() });
const alias = z.object({ source: z.string(), destinations: z.array(destination).readonly() });

export const add = operation({
  name: 'alias add',
  summary: 'Lets an address lead to other ones, here or elsewhere.',
  example: 'hauspost alias add team@example.org anna@example.org bert@example.com',
  positionals: [{ key: 'source' }, { key: 'destinations', rest: true }],
  input: z.object({ source, destinations: z.array(z.string()).min(1, 'at least one destination is needed').describe('where mail goes') }),
  output: alias.extend({ warnings: z.array(finding).readonly() }),
  needs: 'root',
  run: (context, input) =>
    withDirectory(async (directory) => {
      const added = await aliases.add(directory, { source: parseAliasSource(input.source), destinations: input.destinations.map(parseDestination) });
      return { ...added.alias, warnings: warned(context, added.warnings) };
    }),
});

export const set = operation({
  name: 'alias set',
  summary: 'Switches destinations of an alias on or off; all of them when none is named.',
  example: 'hauspost alias set team@example.org bert@example.com --disabled',
  positionals: [{ key: 'source' }, { key: 'destinations', rest: true }],
  input: z.object({
    source,
    destinations: z.array(z.string()).describe('which of them'),
    disabled: z.boolean().optional().describe('no mail goes there until it is enabled'),
    enabled: z.boolean().optional().describe('mail goes there again'),
  }),
  output: alias.extend({ warnings: z.array(finding).readonly() }),
  needs: 'root',
  run: (context, input) =>
    withDirectory(async (directory) => {
      if ((input.disabled === true) === (input.enabled === true)) {
        throw operatorError({ code: 'alias.which', message: 'one of --disabled and --enabled is needed', remedy: 'Use one of them.' });
      }
      const destinations = input.destinations.map(parseDestination);
      const changed = await aliases.enable(directory, parseAliasSource(input.source), destinations, input.enabled === true);
      return { ...changed.alias, warnings: warned(context, changed.warnings) };
    }),
});

export const list = operation({
  name: 'alias list',
  summary: 'Lists aliases, of one domain or of all.',
  example: 'hauspost alias list example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain: z.string().optional().describe('only aliases of this domain') }),
  output: z.array(alias).readonly(),
  needs: 'root',
  run: (_context, { domain }) =>
    withDirectory((directory) => Array.fromAsync(aliases.list(directory, domain === undefined ? {} : { domain: parseDomain(domain) }))),
});

export const remove = operation({
  name: 'alias remove',
  summary: 'Removes an alias with all its destinations.',
  example: 'hauspost alias remove team@example.org',
  positionals: [{ key: 'source' }],
  input: z.object({ source }),
  output: alias,
  needs: 'root',
  run: (_context, input) => withDirectory((directory) => aliases.remove(directory, parseAliasSource(input.source))),
});
