/** Callers of postscreen(8), each of whom waits six seconds for its greeting. */

/** What lists have not said by the end of these seconds does not count; of more callers than these it may be too much to ask at once. */
const AT_ONCE = 10;

/** What each came to, in their order. */
export const someAtOnce = async <T, R>(all: readonly T[], work: (each: T) => Promise<R>, atOnce = AT_ONCE): Promise<readonly R[]> => {
  const results: R[] = [];
  for (let first = 0; first < all.length; first += atOnce) results.push(...(await Promise.all(all.slice(first, first + atOnce).map(work))));
  return results;
};
