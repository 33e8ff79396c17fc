/**
 * The way to the database: MariaDB by its Unix socket as the OS user that runs this process; the kernel vouches for who that is
 * (`unix_socket`), there is no password. Values travel apart from the statement (server-side prepared statements), so nothing an
 * operator types can become SQL. Statements are constants of this room.
 */
import { connect as dial, type Socket } from 'node:net';
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise';
import { type AbsPath, bug, environmentError, HauspostError } from '#base';
import { lookingOn } from '#machine';
import { held, PATIENCE, referred } from './held.ts';

export type Value = string | number | null;
export type Values = Readonly<Record<string, Value>>;
export type Row = Readonly<Record<string, unknown>>;

export interface Directory extends AsyncDisposable {
  /** Rows of a SELECT; `:name` in the text stands for a value. */
  rows(sql: string, values?: Values): Promise<readonly Row[]>;
  /** Changes rows; answers how many. */
  change(sql: string, values?: Values): Promise<number>;
  /** Statements that take no values and cannot be prepared: definitions and grants. */
  define(sql: string): Promise<void>;
  /** All of `work` or nothing of it. Within another it is a part of that. A deadlock undoes it, and it is done once more from its beginning. */
  atomically<T>(work: () => Promise<T>): Promise<T>;
  /** What `work` answers, or throws; nothing of it stays. Not within `atomically`. */
  tried<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export const DATABASE = 'vmail';

/** Errors of the server and of the way there carry a symbol (`ER_NO_SUCH_TABLE`, `ECONNREFUSED`). */
export const symbolOf = (error: unknown): string => {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
};

const AWAY = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EACCES',
  'ETIMEDOUT',
  'PROTOCOL_CONNECTION_LOST',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
]);
/** The last one, spelled as MySQL does: an index that a migration makes. */
const ABSENT = new Set(['ER_NO_DB_ERROR', 'ER_BAD_DB_ERROR', 'ER_NO_SUCH_TABLE', 'ER_KEY_DOES_NOT_EXITS']);

const away = (socketPath: string, cause: unknown): HauspostError =>
  environmentError({
    code: 'directory.unreachable',
    message: `the database does not answer at ${socketPath}`,
    remedy: "See 'hauspost status'; 'hauspost up' starts all services.",
    detail: { socket: socketPath, reason: symbolOf(cause) },
    cause,
  });

/** mysql2 marks what ended the connection, also where the error has no symbol. */
const isFatal = (error: unknown): boolean => error instanceof Error && 'fatal' in error && error.fatal === true;

/** As Debian has it; a password beside it goes on to be one (mariadb, ALTER USER). */
const ROOT_BY_SOCKET = `MariaDB must let root in without a password: mariadb -u root -p -e "ALTER USER root@localhost IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('the password')"`;

const explained = (socketPath: string, error: unknown): unknown => {
  const symbol = symbolOf(error);
  if (symbol.startsWith('ER_ACCESS_DENIED') || symbol === 'ER_DBACCESS_DENIED_ERROR')
    return environmentError({
      code: 'directory.denied',
      message: 'the database refuses this user',
      remedy: process.getuid?.() === 0 ? ROOT_BY_SOCKET : 'Run the command as root.',
      cause: error,
    });
  if (ABSENT.has(symbol))
    return environmentError({
      code: 'directory.absent',
      message: `the database ${DATABASE} is not set up`,
      remedy: "Run 'hauspost apply'.",
      cause: error,
    });
  if (error instanceof Error && symbol.startsWith('ER_ROW_IS_REFERENCED')) return referred(error);
  if (AWAY.has(symbol) || isFatal(error)) return away(socketPath, error);
  return error;
};

/** Strict, whatever the server's own mode: a value that does not fit is an error, and backslashes escape. */
const SESSION = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
  `SET SESSION innodb_lock_wait_timeout = ${PATIENCE.rows}, lock_wait_timeout = ${PATIENCE.tables}`,
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

interface Opened {
  readonly connection: Connection;
  readonly socket: Socket;
}

const open = async (socketPath: string): Promise<Opened> => {
  // Loaded here: it takes a while, and many commands never come this way.
  const { createConnection } = await import('mysql2/promise');
  const socket = dial(socketPath);
  const connection = await createConnection({ stream: socket, user: 'root', charset: 'utf8mb4', namedPlaceholders: true, connectTimeout: 10_000 });
  try {
    for (const sql of SESSION) await connection.query(sql);
    const [found] = await connection.query<RowDataPacket[]>('SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [DATABASE]);
    if (found.length > 0) await connection.query(`USE ${DATABASE}`);
    return { connection, socket };
  } catch (error) {
    connection.destroy();
    throw error;
  }
};

/** What a statement does that needs room on a full disk, for as long as it takes: it looks again once a minute (mysys/errors.c). */
const WAITS = 'Waiting for someone to free space';
const LOOK_MS = 5000;
/** Another statement may have to wait for one that does; that one goes on within a minute of there being room. */
const BEHIND_MS = 70_000;

const NO_ROOM = 'directory.no-room';
const noRoom = (): HauspostError =>
  environmentError({
    code: NO_ROOM,
    message: 'the database waits for room: the disk that holds its files is full',
    remedy: 'Free some space there. The database then goes on by itself, up to a minute later.',
  });

/** Whether there is no use in waiting for the statement of that connection, which began `since` ms ago. */
const waitsForRoom = async (socketPath: string, id: number, since: number): Promise<boolean> => {
  const { connection } = await open(socketPath);
  try {
    const [waiting] = await connection.query<RowDataPacket[]>('SELECT ID AS id FROM information_schema.PROCESSLIST WHERE STATE = ?', [WAITS]);
    return waiting.some((row) => row['id'] === id) || (waiting.length > 0 && since > BEHIND_MS);
  } finally {
    connection.destroy();
  }
};

/** Rejects where the database waits for room; the statement itself may be carried out later. */
const unlessFull = async <T>(socketPath: string, { connection, socket }: Opened, work: Promise<T>): Promise<T> => {
  const look = async (since: number): Promise<Error | undefined> =>
    (await waitsForRoom(socketPath, connection.threadId, since).catch(() => false)) ? noRoom() : undefined;
  try {
    return await lookingOn(work, LOOK_MS, look);
  } catch (error) {
    // It would be kept until the statement ends.
    if (error instanceof HauspostError && error.code === NO_ROOM) socket.destroy();
    throw error;
  }
};

const DEADLOCK = 'ER_LOCK_DEADLOCK';
const HELD = new Set(['ER_LOCK_WAIT_TIMEOUT', DEADLOCK]);

const isDeadlock = (error: unknown): boolean => error instanceof HauspostError && symbolOf(error.cause) === DEADLOCK;

/** Who waited for a row behind one who waits for room waited for room. */
const heldUp = async (socketPath: string, { connection }: Opened, error: unknown): Promise<HauspostError> =>
  (await waitsForRoom(socketPath, connection.threadId, Number.POSITIVE_INFINITY)) ? noRoom() : held(connection, error);

/** Connects as root. Throws `directory.unreachable` or `directory.denied` (exit 4). A database that is not there yet is no error here. */
export const connect = async ({ socketPath }: { readonly socketPath: AbsPath | string }): Promise<Directory> => {
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explained(socketPath, error);
    }
  };
  const opened = await guarded(() => open(socketPath));
  const { connection } = opened;
  const asked = <T>(work: () => Promise<T>): Promise<T> =>
    guarded(async () => {
      try {
        return await unlessFull(socketPath, opened, work());
      } catch (error) {
        throw HELD.has(symbolOf(error)) ? await heldUp(socketPath, opened, error) : error;
      }
    });
  const rows = (sql: string, values: Values = {}): Promise<readonly Row[]> =>
    asked(async () => (await connection.execute<RowDataPacket[]>(sql, { ...values }))[0]);
  const change = (sql: string, values: Values = {}): Promise<number> =>
    asked(async () => (await connection.execute<ResultSetHeader>(sql, { ...values }))[0].affectedRows);
  const define = (sql: string): Promise<void> =>
    asked(async () => {
      await connection.query(sql);
    });
  let within = false;
  const once = async <T>(work: () => Promise<T>, end: 'COMMIT' | 'ROLLBACK'): Promise<T> => {
    await define('START TRANSACTION');
    within = true;
    try {
      const value = await work();
      await define(end);
      return value;
    } catch (error) {
      // If the connection is gone the server has rolled back; the first error is the one to tell.
      await define('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      within = false;
    }
  };
  const transaction = <T>(work: () => Promise<T>, end: 'COMMIT' | 'ROLLBACK'): Promise<T> =>
    once(work, end).catch((error: unknown) => {
      if (!isDeadlock(error)) throw error;
      return once(work, end);
    });
  const atomically = <T>(work: () => Promise<T>): Promise<T> => (within ? work() : transaction(work, 'COMMIT'));
  const tried = <T>(work: () => Promise<T>): Promise<T> => transaction(work, 'ROLLBACK');
  // A connection that the server has ended never answers to `end`.
  const ended = new Promise<void>((resolve) => {
    for (const event of ['end', 'error']) connection.once(event, () => resolve());
  });
  const close = async (): Promise<void> => {
    if (connection.state !== 'error' && connection.state !== 'disconnected') await Promise.race([connection.end(), ended]);
    connection.destroy();
  };
  return { rows, change, define, atomically, tried, close, [Symbol.asyncDispose]: close };
};

/** A column that our own statement makes text. */
export const text = (row: Row, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : unexpected(column, value);
};

export const number = (row: Row, column: string): number => {
  const value = row[column];
  return typeof value === 'number' ? value : unexpected(column, value);
};

/** MariaDB's booleans are numbers. */
export const flag = (row: Row, column: string): boolean => number(row, column) !== 0;

export const orNull = <T>(read: (row: Row, column: string) => T, row: Row, column: string): T | null =>
  row[column] === null ? null : read(row, column);

const unexpected = (column: string, value: unknown): never => {
  throw bug(`the database answered column ${column} with ${typeof value}`);
};
