/**
 * Brings the database to this program's state: numbered steps, forward only, that only add. MariaDB cannot roll definitions back, so a step
 * must be repeatable from any point of itself; it is written down when it is through, and believed while what it made is there. One migration runs at a time, whoever starts it.
 */
import { DATABASE, type Directory, number } from './connect.ts';
import { alone } from './lock.ts';
import { haveTables, type Migration, MIGRATIONS } from './migrations/index.ts';

const LEDGER = `CREATE TABLE IF NOT EXISTS hauspost_migrations (
  number int unsigned NOT NULL PRIMARY KEY,
  name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci NOT NULL,
  finished_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci`;

/** Numbers that are written down; none where there is no ledger. */
const written = async (directory: Directory): Promise<ReadonlySet<number>> => {
  if (!(await haveTables(directory, ['hauspost_migrations'], 'BASE TABLE'))) return new Set();
  return new Set((await directory.rows('SELECT number FROM hauspost_migrations')).map((row) => number(row, 'number')));
};

const pending = async (directory: Directory): Promise<readonly Migration[]> => {
  const done = await written(directory);
  const found: Migration[] = [];
  for (const migration of MIGRATIONS) if (!done.has(migration.number) || !(await migration.stands(directory))) found.push(migration);
  return found;
};

/** Names of the steps that `migrate` would run. Reads only. */
export const pendingMigrations = async (directory: Directory): Promise<readonly string[]> => (await pending(directory)).map(({ name }) => name);

/** Runs what has not run yet, and again what is gone; answers the names of the steps it ran. */
export const migrate = (directory: Directory): Promise<readonly string[]> =>
  alone(directory, 'hauspost_migrate', async () => {
    await directory.define(`CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci`);
    await directory.define(`USE ${DATABASE}`);
    await directory.define(LEDGER);
    const wanted = await pending(directory);
    // From here on the ledger tells the truth, also if one of them is interrupted.
    for (const step of wanted) await directory.change('DELETE FROM hauspost_migrations WHERE number = :number', { number: step.number });
    for (const step of wanted) {
      await step.run(directory);
      await directory.change('INSERT INTO hauspost_migrations (number, name) VALUES (:number, :name)', { number: step.number, name: step.name });
    }
    return wanted.map(({ name }) => name);
  });
