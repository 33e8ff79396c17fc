/** `ban list`, `ban lift`: who is refused for wrong passwords. */
import { z } from 'zod';
import type { Settings } from '#config';
import { bans } from '#directory';
import { settingsInPlace } from './desired.ts';
import { noServer } from './no-server.ts';
import { type Context, operation } from './operation.ts';
import { withDirectory } from './people.ts';

const limits = async (context: Context): Promise<Settings['logins']> => {
  const settings = await settingsInPlace(context);
  if (settings === undefined) throw noServer(context);
  return settings.logins;
};

export const list = operation({
  name: 'ban list',
  summary: 'Lists the addresses and accounts whose logins are refused for wrong passwords, and until when.',
  example: 'hauspost ban list',
  positionals: [],
  input: z.object({}),
  output: z.array(z.object({ kind: z.enum(['client', 'account']), who: z.string(), failures: z.int(), until: z.string() })).readonly(),
  needs: 'server',
  run: async (context) => {
    const limited = await limits(context);
    return withDirectory((directory) => bans.list(directory, limited));
  },
});

export const lift = operation({
  name: 'ban lift',
  summary: 'Forgets the wrong passwords of an address, or for an account, so that logins are tried again at once.',
  example: 'hauspost ban lift 203.0.113.7',
  positionals: [{ key: 'who' }],
  input: z.object({ who: z.string().describe('an IP address, a /64 or an account, as ban list shows it; any address of a /64 stands for it') }),
  output: z.object({ who: z.string(), forgotten: z.int() }),
  needs: 'server',
  run: async (context, { who }) => {
    const limited = await limits(context);
    return withDirectory((directory) =>
      who.includes('@') ? bans.liftAccount(directory, limited, who) : bans.liftClient(directory, limited, bans.parseClient(who)),
    );
  },
});
