/** All migrations, in order. A published one is never edited and never leaves; what it got wrong, a later one mends. */
import type { Migration } from './migration.ts';
import { tables } from './0001-tables.ts';
import { addresses } from './0002-addresses.ts';
import { indexes } from './0003-indexes.ts';
import { knownClients } from './0007-known-clients.ts';
import { loginClients } from './0006-login-clients.ts';
import { logins } from './0005-logins.ts';
import { views } from './0004-views.ts';
import { wrongPasswords } from './0008-wrong-passwords.ts';

export type { Migration };
export { haveTables } from './standing.ts';

export const MIGRATIONS: readonly Migration[] = [tables, addresses, indexes, views, logins, loginClients, knownClients, wrongPasswords];
