/** What others do in the database and keeps ours from being done: rows that somebody's open transaction holds, rows of other tables that refer to ours. Both are theirs to end. */
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { environmentError, type HauspostError } from '#base';

/** Seconds that a statement waits for somebody's rows, and for whole tables, of which a dump may hold some for a while. */
export const PATIENCE = { rows: 10, tables: 120 };

/** Transactions that hold something; a transaction does not say what. Their statements are not shown: passwords may stand in them. */
const OPEN = `SELECT p.ID AS id, p.USER AS user, TIMESTAMPDIFF(SECOND, t.trx_started, NOW()) AS seconds
  FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
  WHERE p.ID <> CONNECTION_ID() AND t.trx_rows_locked + t.trx_rows_modified > 0 ORDER BY t.trx_started LIMIT 3`;

export const held = async (connection: Connection, cause: unknown): Promise<HauspostError> => {
  const [open] = await connection.query<RowDataPacket[]>(OPEN);
  const shown = open.map(({ id, user, seconds }) => `connection ${id} of ${user}, for ${seconds} s`);
  const known = shown.length === 0 ? '' : `; open transactions: ${shown.join('; ')}`;
  return environmentError({
    code: 'directory.held',
    message: `somebody else holds what would change in the database${known}`,
    remedy: `Try again when that is through. 'mariadb -e "SHOW PROCESSLIST"' shows who is at work, 'mariadb -e "KILL ${open[0]?.['id'] ?? 'ID'}"' ends one, and undoes what it has not committed.`,
    detail: { connections: open.map(({ id }) => Number(id)) },
    cause,
  });
};

/** In MariaDB's words: table, name of the key, columns. */
export const referred = (cause: Error): HauspostError =>
  environmentError({
    code: 'directory.referred',
    message: `rows of another table refer to what would go: ${/\((`.*)\)/s.exec(cause.message)?.[1] ?? cause.message}`,
    remedy: 'Remove those rows first, or let that key say ON DELETE CASCADE.',
    cause,
  });
