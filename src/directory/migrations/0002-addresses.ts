/**
 * Brings tables made by the original's statements (or by anyone after it) to the state of migration 1: one collation for every address, a
 * CHECK on what an address may hold, a catch-all that may be NULL. Refuses, before it changes anything, what the new rules do not allow.
 * Definitions cannot be rolled back, so each step looks at what is there; run again after an interruption it finishes the rest.
 */
import { environmentError } from '#base';
import { type Directory, number, type Row, text } from '../connect.ts';
import type { Migration } from './migration.ts';
import { refuseUnfit } from './0002-unfit.ts';

const COLLATION = 'utf8mb4_uca1400_nopad_as_ci';

interface Column {
  readonly name: string;
  /** `address` columns carry the CHECK. */
  readonly holds: 'address' | 'text';
  readonly nullable?: true;
}

const address = (name: string): Column => ({ name, holds: 'address' });

const TABLES: Readonly<Record<string, readonly Column[]>> = {
  domains: [address('domain')],
  accounts: [address('username'), address('domain'), { name: 'password', holds: 'text' }],
  aliases: [
    { name: 'source_username', holds: 'address', nullable: true },
    address('source_domain'),
    address('destination_username'),
    address('destination_domain'),
  ],
  tlspolicies: [address('domain'), { name: 'policy', holds: 'text' }, { name: 'params', holds: 'text', nullable: true }],
};

/** References to `domains (domain)`; nothing in the original refers to anything else. */
const REFERENCES = [
  { table: 'accounts', column: 'domain', name: 'accounts_ibfk_1' },
  { table: 'aliases', column: 'source_domain', name: 'aliases_ibfk_1' },
];

const check = (name: string): string => `CHECK (${name} <> '' AND BINARY ${name} NOT REGEXP '[^!-~]')`;

/** The columns that the table has, as they are; none where there is no such table. */
const columnsOf = (directory: Directory, table: string): Promise<readonly Row[]> =>
  directory.rows(
    `SELECT c.COLUMN_NAME AS name, c.COLUMN_TYPE AS type, c.IS_NULLABLE AS nullable, IFNULL(c.COLLATION_NAME, '') AS collation,
       (SELECT COUNT(*) FROM information_schema.CHECK_CONSTRAINTS k WHERE k.CONSTRAINT_SCHEMA = c.TABLE_SCHEMA
          AND k.TABLE_NAME = c.TABLE_NAME AND k.LEVEL = 'Column' AND k.CONSTRAINT_NAME = c.COLUMN_NAME) AS checks
     FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = :table`,
    { table },
  );

const isRight = (row: Row, { holds, nullable }: Column): boolean =>
  text(row, 'collation') === COLLATION &&
  (text(row, 'nullable') === 'YES') === (nullable ?? false) &&
  (holds === 'text' || number(row, 'checks') > 0);

/** The table's columns that are not yet as they should be, as `MODIFY` clauses that keep their type and length. */
const modifications = async (directory: Directory, table: string, columns: readonly Column[]): Promise<readonly string[]> => {
  const rows = await columnsOf(directory, table);
  return columns.flatMap((column) => {
    const { name, holds, nullable } = column;
    const row = rows.find((candidate) => text(candidate, 'name') === name);
    if (row === undefined) throw notTheOriginal(table, name);
    if (isRight(row, column)) return [];
    const definition = `${text(row, 'type')} CHARACTER SET utf8mb4 COLLATE ${COLLATION} ${nullable ? 'DEFAULT NULL' : 'NOT NULL'}`;
    return [`MODIFY ${name} ${definition}${holds === 'address' ? ` ${check(name)}` : ''}`];
  });
};

const notTheOriginal = (table: string, column: string): Error =>
  environmentError({
    code: 'directory.foreign-table',
    message: `the database has a table ${table} without the column ${column}: it is not the mail server's`,
    remedy: 'Move that database out of the way, or add the column.',
    detail: { table, column },
  });

interface Reference {
  readonly table: string;
  readonly column: string;
  readonly name: string;
  readonly onDelete: string;
  readonly onUpdate: string;
}

const references = async (directory: Directory): Promise<readonly Reference[]> => {
  const rows = await directory.rows(
    `SELECT k.TABLE_NAME AS source, k.COLUMN_NAME AS name, k.CONSTRAINT_NAME AS constraint_name, r.DELETE_RULE AS on_delete, r.UPDATE_RULE AS on_update
     FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
       ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
     WHERE k.REFERENCED_TABLE_SCHEMA = DATABASE() AND k.REFERENCED_TABLE_NAME IN ('domains', 'accounts', 'aliases', 'tlspolicies')
       AND k.REFERENCED_COLUMN_NAME <> 'id'`,
  );
  return rows.map((row) => ({
    table: text(row, 'source'),
    column: text(row, 'name'),
    name: text(row, 'constraint_name'),
    onDelete: text(row, 'on_delete'),
    onUpdate: text(row, 'on_update'),
  }));
};

/** Throws `directory.foreign-key` for keys that could not be added again as they are. */
const refuseKeys = (keys: readonly Reference[]): void => {
  for (const { table, name, column, onUpdate } of keys) {
    const ours = REFERENCES.some((reference) => reference.table === table && reference.column === column);
    // MariaDB takes no CHECK on a column that a foreign key may write to (error 1901).
    if (ours && (onUpdate === 'RESTRICT' || onUpdate === 'NO ACTION')) continue;
    throw environmentError({
      code: 'directory.foreign-key',
      message: `the foreign key ${name} of the table ${table} (ON UPDATE ${onUpdate}) stands in the way of converting the addresses it refers to`,
      remedy: `Drop it (ALTER TABLE ${table} DROP FOREIGN KEY ${name}), run the command again, then add ${ours ? 'it without ON UPDATE' : 'it again'}.`,
      detail: { table, key: name },
    });
  }
};

/** A foreign key holds the collation of both its ends (errno 150), so it has to be away while they change. */
const convert = async (directory: Directory, work: ReadonlyMap<string, readonly string[]>, keys: readonly Reference[]): Promise<void> => {
  for (const { table, name } of keys) await directory.define(`ALTER TABLE \`${table}\` DROP FOREIGN KEY \`${name}\``);
  // DYNAMIC: rows of Debian 9 are COMPACT, whose index columns end at 767 octets.
  for (const [table, clauses] of work) await directory.define(`ALTER TABLE ${table} ENGINE = InnoDB, ROW_FORMAT = DYNAMIC, ${clauses.join(', ')}`);
};

const addReferences = async (directory: Directory, before: readonly Reference[]): Promise<void> => {
  const present = await references(directory);
  for (const { table, column, name } of REFERENCES) {
    const same = (reference: Reference): boolean => reference.table === table && reference.column === column;
    if (present.some(same)) continue;
    const onDelete = before.find(same)?.onDelete ?? 'RESTRICT';
    await directory.define(`ALTER TABLE ${table} ADD CONSTRAINT ${name} FOREIGN KEY (${column}) REFERENCES domains (domain) ON DELETE ${onDelete}`);
  }
};

export const addresses: Migration = {
  number: 2,
  name: 'addresses',
  run: async (directory) => {
    const work = new Map<string, readonly string[]>();
    for (const [table, columns] of Object.entries(TABLES)) {
      const clauses = await modifications(directory, table, columns);
      if (clauses.length > 0) work.set(table, clauses);
    }
    const keys = await references(directory);
    if (work.size > 0) refuseKeys(keys);
    await refuseUnfit(directory, COLLATION);
    if (work.size > 0) await convert(directory, work, keys);
    await addReferences(directory, keys);
  },
  // Foreign keys are no part of it: whoever drops one has a reason.
  stands: async (directory) => {
    for (const [table, columns] of Object.entries(TABLES)) {
      const rows = await columnsOf(directory, table);
      if (!columns.every((column) => rows.some((row) => text(row, 'name') === column.name && isRight(row, column)))) return false;
    }
    return true;
  },
};
