/** Lists of any length in bounded memory: page after page, each starting after the last row of the one before, so that no row is read twice. */
import type { Row } from './connect.ts';

export const PAGE = 500;

/**
 * Behind the table's name: the index that a page is read from. MariaDB 10.11 left to itself reads a long table whole, or a long domain from its
 * beginning, for every page, and sorts that.
 */
export const inOrder = (index: 'accounts_by_domain' | 'aliases_by_source'): string => `FORCE INDEX (${index})`;

type Page = (last: Row | undefined) => Promise<readonly Row[]>;

/** `page` answers with at most `PAGE` rows that follow `last` (nothing yet: undefined) in the order of an index. */
export const pages = async function* (page: Page): AsyncGenerator<readonly Row[], void, undefined> {
  let last: Row | undefined;
  for (;;) {
    const rows = await page(last);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1);
  }
};

/** Their rows. */
export const paged = async function* (page: Page): AsyncGenerator<Row, void, undefined> {
  for await (const rows of pages(page)) yield* rows;
};
