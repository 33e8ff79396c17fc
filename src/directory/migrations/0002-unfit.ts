/**
 * Rows that the rules of migration 2 do not allow: addresses that are not printable ASCII without spaces, names that become equal in the new
 * collation, accounts and aliases whose domain does not exist. All of them are listed in one refusal; nothing is changed.
 */
import { environmentError } from '#base';
import { type Directory, number, text } from '../connect.ts';

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  domains: ['domain'],
  accounts: ['username', 'domain'],
  aliases: ['source_username', 'source_domain', 'destination_username', 'destination_domain'],
  tlspolicies: ['domain'],
};

const ORPHANS: Readonly<Record<string, string>> = { accounts: 'domain', aliases: 'source_domain' };

export interface Unfit {
  readonly table: string;
  readonly id: number;
  readonly column: string;
  readonly value: string;
  readonly why: string;
}

/** More than anybody reads at once; enough to bound memory. */
const MOST = 1000;

const find = async (directory: Directory, table: string, column: string, why: string, sql: string): Promise<readonly Unfit[]> => {
  const rows = await directory.rows(`${sql} LIMIT ${MOST}`);
  return rows.map((row) => ({ table, id: number(row, 'id'), column, value: text(row, 'value'), why }));
};

const wrongCharacters = (table: string, column: string): string =>
  `SELECT id, ${column} AS value FROM ${table} WHERE ${column} = '' OR BINARY CONVERT(${column} USING utf8mb4) REGEXP '[^!-~]' ORDER BY id`;

/** Rows that are not the first of their name in the new collation. */
const repeated = (table: string, columns: readonly string[], collation: string): string => {
  const same = columns.map((column) => `CONVERT(a.${column} USING utf8mb4) COLLATE ${collation}`);
  const shown = `CONCAT_WS(' ', ${columns.map((column) => `a.${column}`).join(', ')})`;
  const known = columns.map((column) => `a.${column} IS NOT NULL`).join(' AND ');
  return `SELECT MAX(a.id) AS id, MAX(${shown}) AS value FROM ${table} a WHERE ${known} GROUP BY ${same.join(', ')} HAVING COUNT(*) > 1 ORDER BY id`;
};

const orphaned = (table: string, column: string, collation: string): string =>
  `SELECT t.id, t.${column} AS value FROM ${table} t LEFT JOIN domains d
     ON CONVERT(d.domain USING utf8mb4) COLLATE ${collation} = CONVERT(t.${column} USING utf8mb4) COLLATE ${collation}
   WHERE d.id IS NULL ORDER BY t.id`;

/** Throws `directory.unfit-rows` (exit 4) that lists every row in the way. */
export const refuseUnfit = async (directory: Directory, collation: string): Promise<void> => {
  const unfit: Unfit[] = [];
  for (const [table, columns] of Object.entries(ADDRESSES)) {
    for (const column of columns)
      unfit.push(...(await find(directory, table, column, 'is not printable ASCII without spaces', wrongCharacters(table, column))));
    unfit.push(...(await find(directory, table, columns.join(', '), 'is there twice, up to case', repeated(table, columns, collation))));
  }
  for (const [table, column] of Object.entries(ORPHANS))
    unfit.push(...(await find(directory, table, column, 'is not in the table domains', orphaned(table, column, collation))));
  if (unfit.length === 0) return;
  const shown = unfit.map(({ table, id, column, value, why }) => `${table} id ${id}, ${column} ${JSON.stringify(value)} ${why}`);
  throw environmentError({
    code: 'directory.unfit-rows',
    message: `the database holds ${unfit.length === 1 ? 'a row' : `${unfit.length} rows`} that no mail server can serve: ${shown.join('; ')}`,
    remedy: 'Correct or delete these rows with SQL, then run the command again; nothing was changed.',
    detail: { rows: unfit },
  });
};
