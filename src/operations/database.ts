/** Migrations and grants, for plan and apply: what MariaDB lacks of what is wanted, as it says itself. */
import type { Database, Desired, Lack } from '#apply';
import { HauspostError } from '#base';
import { applyGrants, connect, type Directory, giveGrants, type Grant, migrate, pendingGrants, pendingMigrations } from '#directory';
import type { Wake } from '#model';
import { makeMissingDkimKeys } from './dkim.ts';
import type { Context } from './operation.ts';

/**
 * Postfix takes a server that has answered one question with an error for dead for a minute (dict_mysql.c); its processes that
 * start anew do not. Dovecot asks again with the next login, unless the account was gone: then it waits longer each time.
 */
const AFTER_ERRORS: readonly Wake[] = [{ service: 'postfix', by: 'reload' }];

const grantsOf = ({ manifest }: Desired): readonly Grant[] => manifest.items.filter((item) => item.kind === 'grant');

const lacksOf = async (directory: Directory, desired: Desired): Promise<readonly Lack[]> => {
  const migrations = await pendingMigrations(directory);
  const grants = await pendingGrants(directory, grantsOf(desired));
  return [
    ...migrations.map((target): Lack => ({ kind: 'migration', target, action: 'migrate', wakes: AFTER_ERRORS })),
    ...grants.map(({ principal, action, target }): Lack => {
      const wakes = action === 'change' || (action === 'grant' && principal === 'postfix') ? [{ service: principal, by: 'reload' } as const] : [];
      return { kind: 'grant', target, action, wakes };
    }),
  ];
};

/** Undefined where the database does not answer. */
const unlessAway = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'directory.unreachable') return undefined;
    throw error;
  }
};

export const databaseFor = (context: Context): Database => ({
  missing: (desired) =>
    unlessAway(async () => {
      await using directory = await connect({ socketPath: desired.input.wiring.sockets.mariadb.path });
      return await lacksOf(directory, desired);
    }),
  make: async (desired) => {
    await using directory = await connect({ socketPath: desired.input.wiring.sockets.mariadb.path });
    await migrate(directory);
    await makeMissingDkimKeys(context, directory);
    await giveGrants(directory, grantsOf(desired));
  },
  finish: async (desired) => {
    await using directory = await connect({ socketPath: desired.input.wiring.sockets.mariadb.path });
    await applyGrants(directory, grantsOf(desired));
  },
});
