/** Decisions by errno(3). */

export const errnoOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** A directory on the way is none, no file can have such a name, or the links that it leads through go in a circle. */
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/** The value, or undefined when there is no such file. */
export const ifThere = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (NOT_THERE.has(errnoOf(error))) return undefined;
    throw error;
  }
};
