/** One at a time, across processes: MariaDB's named locks, which end with the connection that holds them. */
import { environmentError } from '#base';
import { type Directory, number } from './connect.ts';

const SECONDS = 60;

/**
 * `migrate`: changing definitions. `aliases`: looking at where mail leads and changing that must not interleave. Who has one gets it again, and
 * has it until each was released (MariaDB, GET_LOCK).
 */
export type LockName = 'hauspost_migrate' | 'hauspost_aliases';

/** Throws `directory.busy` (exit 4) after a minute of waiting. */
export const alone = async <T>(directory: Directory, name: LockName, work: () => Promise<T>): Promise<T> => {
  const [row] = await directory.rows('SELECT IFNULL(GET_LOCK(:name, :seconds), 0) AS got', { name, seconds: SECONDS });
  if (row === undefined || number(row, 'got') !== 1)
    throw environmentError({
      code: 'directory.busy',
      message: 'another command is at work on the database',
      remedy: 'Try again when it has finished.',
    });
  try {
    return await work();
  } finally {
    await directory.rows('SELECT RELEASE_LOCK(:name) AS released', { name });
  }
};
