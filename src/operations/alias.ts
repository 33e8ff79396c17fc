/** `alias add`, `alias set`, `alias list`, `alias remove`. */
import { z } from 'zod';
import { operatorError, parseDomain } from '#base';
import { aliases, parseAliasSource, parseDestination } from '#directory';
import { settingsInPlace } from './desired.ts';
import { listing, operation } from './operation.ts';
import { finding, fromDirectory, keepingPostmaster, warned, withDirectory } from './people.ts';

const source = z.string().describe('an address of ours, or @example.org for everything in the domain that has no name of its own');
const destination = z.object({ address: z.string(), enabled: z.boolean() });
/** May be left out, which means all of them. */
const destinations = z.array(z.string()).optional().default([]);
const alias = z.object({ source: z.string(), destinations: z.array(destination).readonly() });

export const add = operation({
  name: 'alias add',
  summary: 'Lets an address lead to other ones, here or elsewhere.',
  example: 'hauspost alias add team@example.org anna@example.org bert@example.com',
  positionals: [{ key: 'source' }, { key: 'destinations', rest: true }],
  input: z.object({ source, destinations: z.array(z.string()).min(1).describe('one or more addresses that mail goes to') }),
  output: alias.extend({ warnings: z.array(finding).readonly() }),
  needs: 'server',
  run: (context, input) =>
    withDirectory(async (directory) => {
      const wanted = { source: parseAliasSource(input.source), destinations: input.destinations.map(parseDestination) };
      const settings = await settingsInPlace(context);
      const added = await keepingPostmaster(context, directory, () => aliases.add(directory, wanted, settings));
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
    destinations: destinations.describe('which of them'),
    disabled: z.boolean().optional().describe('no mail goes there until it is enabled'),
    enabled: z.boolean().optional().describe('mail goes there again'),
  }),
  output: alias.extend({ warnings: z.array(finding).readonly() }),
  needs: 'server',
  run: (context, input) =>
    withDirectory(async (directory) => {
      if ((input.disabled === true) === (input.enabled === true)) {
        throw operatorError({ code: 'alias.which', message: 'one of --disabled and --enabled is needed', remedy: 'Use one of them.' });
      }
      const [from, destinations] = [parseAliasSource(input.source), input.destinations.map(parseDestination)];
      const settings = await settingsInPlace(context);
      const changed = await keepingPostmaster(context, directory, () =>
        aliases.enable(directory, from, destinations, input.enabled === true, settings),
      );
      return { ...changed.alias, warnings: warned(context, changed.warnings) };
    }),
});

export const list = listing({
  name: 'alias list',
  summary: 'Lists aliases, of one domain or of all.',
  example: 'hauspost alias list example.org',
  positionals: [{ key: 'domain' }],
  input: z.object({ domain: z.string().optional().describe('only aliases of this domain') }),
  element: alias,
  needs: 'server',
  elements: (_context, { domain }) =>
    fromDirectory((directory) => aliases.list(directory, domain === undefined ? {} : { domain: parseDomain(domain) })),
});

export const remove = operation({
  name: 'alias remove',
  summary: 'Removes destinations of an alias; all of them, and so the alias, when none is named.',
  example: 'hauspost alias remove team@example.org bert@example.com',
  positionals: [{ key: 'source' }, { key: 'destinations', rest: true }],
  input: z.object({ source, destinations: destinations.describe('which of them') }),
  output: alias.extend({ removed: z.array(destination).readonly() }),
  needs: 'server',
  run: (context, input) =>
    withDirectory((directory) => {
      const [from, named] = [parseAliasSource(input.source), input.destinations.map(parseDestination)];
      return keepingPostmaster(context, directory, () => aliases.remove(directory, from, named));
    }),
});
