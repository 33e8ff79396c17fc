/**
 * The four tables, for a server that has none. Names and meanings of the columns are those of the original how-to, whose statements and
 * tools must go on working. Tables that exist are left as they are: the next migration brings them to the same state.
 */
import type { Migration } from './migration.ts';
import { haveTables } from './standing.ts';

const OPTIONS = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci';

const ADDRESS = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci';
const check = (column: string): string => `CHECK (${column} <> '' AND BINARY ${column} NOT REGEXP '[^!-~]')`;

const TABLES = [
  `CREATE TABLE IF NOT EXISTS domains (
    id int unsigned NOT NULL AUTO_INCREMENT,
    domain varchar(255) ${ADDRESS} NOT NULL ${check('domain')},
    PRIMARY KEY (id),
    UNIQUE KEY domain (domain)
  ) ${OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS accounts (
    id int unsigned NOT NULL AUTO_INCREMENT,
    username varchar(64) ${ADDRESS} NOT NULL ${check('username')},
    domain varchar(255) ${ADDRESS} NOT NULL ${check('domain')},
    password varchar(255) ${ADDRESS} NOT NULL,
    quota int unsigned DEFAULT 0,
    enabled boolean DEFAULT 0,
    sendonly boolean DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY username (username, domain),
    CONSTRAINT accounts_ibfk_1 FOREIGN KEY (domain) REFERENCES domains (domain)
  ) ${OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS aliases (
    id int unsigned NOT NULL AUTO_INCREMENT,
    source_username varchar(64) ${ADDRESS} DEFAULT NULL ${check('source_username')},
    source_domain varchar(255) ${ADDRESS} NOT NULL ${check('source_domain')},
    destination_username varchar(64) ${ADDRESS} NOT NULL ${check('destination_username')},
    destination_domain varchar(255) ${ADDRESS} NOT NULL ${check('destination_domain')},
    enabled boolean DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY source_username (source_username, source_domain, destination_username, destination_domain),
    CONSTRAINT aliases_ibfk_1 FOREIGN KEY (source_domain) REFERENCES domains (domain)
  ) ${OPTIONS}`,
  `CREATE TABLE IF NOT EXISTS tlspolicies (
    id int unsigned NOT NULL AUTO_INCREMENT,
    domain varchar(255) ${ADDRESS} NOT NULL ${check('domain')},
    policy enum('none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure') ${ADDRESS} NOT NULL,
    params varchar(255) ${ADDRESS} DEFAULT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY domain (domain)
  ) ${OPTIONS}`,
];

export const tables: Migration = {
  number: 1,
  name: 'tables',
  run: async (directory) => {
    for (const sql of TABLES) await directory.define(sql);
  },
  stands: (directory) => haveTables(directory, ['domains', 'accounts', 'aliases', 'tlspolicies'], 'BASE TABLE'),
};
