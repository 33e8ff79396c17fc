/** Whose logins a client's address stands for is asked when sessions are to end: an index by that address. It changes no answer. */
import type { Migration } from './migration.ts';
import { haveIndexes } from './standing.ts';

export const loginClients: Migration = {
  number: 6,
  name: 'login-clients',
  run: (directory) => directory.define('CREATE INDEX IF NOT EXISTS by_client ON login_clients (client)'),
  stands: (directory) => haveIndexes(directory, ['by_client']),
};
