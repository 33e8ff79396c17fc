/**
 * Brings the database to this program's state: numbered steps, forward only, that only add. MariaDB cannot roll definitions back, so a step
 * must be repeatable from any point of itself; it is written down when it is through. One migration runs at a time, whoever starts it.
 */
import { DATABASE, type Directory, number } from './connect.ts';
import { alone } from './lock.ts';
import { MIGRATIONS } from './migrations/index.ts';

const LEDGER = `CREATE TABLE IF NOT EXISTS hauspost_migrations (
  number int unsigned NOT NULL PRIMARY KEY,
  name varchar(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci NOT NULL,
  finished_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci`;

/** Runs what has not run yet; answers the names of the steps it ran. */
export const migrate = (directory: Directory): Promise<readonly string[]> =>
  alone(directory, 'hauspost_migrate', async () => {
    await directory.define(`CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci`);
    await directory.define(`USE ${DATABASE}`);
    await directory.define(LEDGER);
    const done = new Set((await directory.rows('SELECT number FROM hauspost_migrations')).map((row) => number(row, 'number')));
    const ran: string[] = [];
    for (const migration of MIGRATIONS.filter((candidate) => !done.has(candidate.number))) {
      await migration.run(directory);
      await directory.change('INSERT INTO hauspost_migrations (number, name) VALUES (:number, :name)', {
        number: migration.number,
        name: migration.name,
      });
      ran.push(migration.name);
    }
    return ran;
  });
