/** `ban list`, `ban lift`: who is refused for wrong passwords. */
import { z } from 'zod';
import { operatorError, parseMailAddress } from '#base';
import { bans } from '#directory';
import { settingsInPlace } from './desired.ts';
import { operation } from './operation.ts';
import { withDirectory } from './people.ts';

export const list = operation({
  name: 'ban list',
  summary: 'Lists the addresses and accounts whose logins are refused for wrong passwords, and until when.',
  example: 'hauspost ban list',
  positionals: [],
  input: z.object({}),
  output: z.array(z.object({ kind: z.enum(['client', 'account']), who: z.string(), failures: z.int(), until: z.string() })).readonly(),
  needs: 'root',
  run: async (context) => {
    const settings = await settingsInPlace(context);
    if (settings === undefined) {
      throw operatorError({ code: 'ban.no-server', message: 'there is no server yet', remedy: "'hauspost up' makes one." });
    }
    return withDirectory((directory) => bans.list(directory, settings.logins));
  },
});

export const lift = operation({
  name: 'ban lift',
  summary: 'Forgets the wrong passwords of an address, or for an account, so that logins are tried again at once.',
  example: 'hauspost ban lift 203.0.113.7',
  positionals: [{ key: 'who' }],
  input: z.object({ who: z.string().describe('an IP address or /64 as listed, or an account') }),
  output: z.object({ who: z.string(), forgotten: z.int() }),
  needs: 'root',
  run: (_context, { who }) =>
    withDirectory(async (directory) => {
      if (who.includes('@')) {
        const account = parseMailAddress(who);
        return { who: account, forgotten: await bans.liftAccount(directory, account) };
      }
      const client = bans.parseClient(who);
      return { who: client, forgotten: await bans.liftClient(directory, client) };
    }),
});
