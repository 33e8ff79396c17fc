/** One at a time, across processes: MariaDB's named locks, which end with the connection that holds them. */
import { environmentError } from '#base';
import { type Directory, number } from './connect.ts';

const SECONDS = 60;

/**
 * `migrate`: changing definitions. `aliases`: looking at where mail leads and changing that must not interleave. `removal_ID`: the mail of
 * who is removed is moved by one alone. Who has one gets it again, and
 * has it until each was released (MariaDB, GET_LOCK).
 */
export type LockName = 'hauspost_migrate' | 'hauspost_aliases' | `hauspost_removal_${string}`;

/** Throws `directory.busy` (exit 4) after a minute of waiting, or `seconds`. */
export const alone = async <T>(directory: Directory, name: LockName, work: () => Promise<T>, seconds = SECONDS): Promise<T> => {
  const [row] = await directory.rows('SELECT IFNULL(GET_LOCK(:name, :seconds), 0) AS got', { name, seconds });
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

/** Longer than mail is moved to another disk (machine/carry.ts), during which nothing is asked. */
const IDLE_SECONDS = 2 * 24 * 60 * 60;

/** `id`: at most 47 characters, of whom is removed. The lock of migrations and aliases may be taken within. */
export const aloneRemoving = async <T>(directory: Directory, id: string, work: () => Promise<T>, seconds?: number): Promise<T> => {
  await directory.define(`SET SESSION wait_timeout = ${IDLE_SECONDS}`);
  return alone(directory, `hauspost_removal_${id}`, work, seconds);
};
