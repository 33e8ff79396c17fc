/** What is in the database by name, for migrations that say whether they stand. All look at it by its name: it need not be there. */
import { DATABASE, type Directory, text } from '../connect.ts';

const names = async (directory: Directory, sql: string): Promise<ReadonlySet<string>> =>
  new Set((await directory.rows(sql)).map((row) => text(row, 'name')));

const haveAll = async (directory: Directory, wanted: readonly string[], sql: string): Promise<boolean> => {
  const there = await names(directory, sql);
  return wanted.every((name) => there.has(name));
};

export const haveTables = (directory: Directory, wanted: readonly string[], type: 'BASE TABLE' | 'VIEW'): Promise<boolean> =>
  haveAll(
    directory,
    wanted,
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${DATABASE}' AND TABLE_TYPE = '${type}'`,
  );

export const haveColumns = (directory: Directory, table: string, wanted: readonly string[]): Promise<boolean> =>
  haveAll(
    directory,
    wanted,
    `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '${DATABASE}' AND TABLE_NAME = '${table}'`,
  );

export const haveIndexes = (directory: Directory, wanted: readonly string[]): Promise<boolean> =>
  haveAll(directory, wanted, `SELECT DISTINCT INDEX_NAME AS name FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = '${DATABASE}'`);

/** mysql.proc: information_schema.ROUTINES would have to parse each. */
export const haveFunctions = (directory: Directory, wanted: readonly string[]): Promise<boolean> =>
  haveAll(directory, wanted, `SELECT name FROM mysql.proc WHERE db = '${DATABASE}' AND type = 'FUNCTION'`);
