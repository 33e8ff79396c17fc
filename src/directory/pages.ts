/** Lists of any length in bounded memory: page after page, each starting after the last row of the one before, so that no row is read twice. */
import type { Row } from './connect.ts';

export const PAGE = 500;

/** `page` answers with at most `PAGE` rows that follow `last` (nothing yet: undefined) in the order of an index. */
export const paged = async function* (page: (last: Row | undefined) => Promise<readonly Row[]>): AsyncGenerator<Row, void, undefined> {
  let last: Row | undefined;
  for (;;) {
    const rows = await page(last);
    yield* rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1);
  }
};
