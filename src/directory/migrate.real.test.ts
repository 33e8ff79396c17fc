/** Migrations on the real server: from nothing, from an original machine, after an interruption, and refused (D1 to D4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError } from '#base';
import { type Database, database, RELEASES } from './database.lab.ts';
import { migrate, pendingMigrations } from './migrate.ts';

/** The original's statements, as typed on Debian 9: rows COMPACT, and the catch-all of its questions and answers. */
const ORIGINAL = `CREATE DATABASE vmail CHARACTER SET 'utf8'; USE vmail;
CREATE TABLE domains (id int unsigned NOT NULL AUTO_INCREMENT, domain varchar(255) NOT NULL, PRIMARY KEY (id), UNIQUE KEY (domain)) ROW_FORMAT=COMPACT;
CREATE TABLE accounts (id int unsigned NOT NULL AUTO_INCREMENT, username varchar(64) NOT NULL, domain varchar(255) NOT NULL,
  password varchar(255) NOT NULL, quota int unsigned DEFAULT '0', enabled boolean DEFAULT '0', sendonly boolean DEFAULT '0',
  PRIMARY KEY (id), UNIQUE KEY (username, domain), FOREIGN KEY (domain) REFERENCES domains (domain)) ROW_FORMAT=COMPACT;
CREATE TABLE aliases (id int unsigned NOT NULL AUTO_INCREMENT, source_username varchar(64) NOT NULL, source_domain varchar(255) NOT NULL,
  destination_username varchar(64) NOT NULL, destination_domain varchar(255) NOT NULL, enabled boolean DEFAULT '0', PRIMARY KEY (id),
  UNIQUE KEY (source_username, source_domain, destination_username, destination_domain),
  FOREIGN KEY (source_domain) REFERENCES domains (domain)) ROW_FORMAT=COMPACT;
CREATE TABLE tlspolicies (id int unsigned NOT NULL AUTO_INCREMENT, domain varchar(255) NOT NULL,
  policy enum('none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure') NOT NULL, params varchar(255),
  PRIMARY KEY (id), UNIQUE KEY (domain)) ROW_FORMAT=COMPACT;
INSERT INTO domains (domain) VALUES ('mysystems.tld'), ('Other.tld');
INSERT INTO accounts (username, domain, password, quota, enabled, sendonly) VALUES ('User1', 'mysystems.tld', '{SHA512-CRYPT}$6$x', 2048, true, false);
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES ('alias', 'mysystems.tld', 'user1', 'mysystems.tld', true);
INSERT INTO tlspolicies (domain, policy, params) VALUES ('gmx.de', 'secure', 'match=.gmx.net');
ALTER TABLE aliases MODIFY source_username varchar(64) NULL;
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES (NULL, 'other.tld', 'user1', 'mysystems.tld', true);`;

const ROWS = `USE vmail; SELECT * FROM domains ORDER BY id; SELECT * FROM accounts ORDER BY id; SELECT * FROM aliases ORDER BY id; SELECT * FROM tlspolicies ORDER BY id;`;

const STATE = `SELECT c.TABLE_NAME, c.COLUMN_NAME, c.COLUMN_TYPE, c.IS_NULLABLE, c.COLUMN_DEFAULT, c.COLLATION_NAME FROM information_schema.COLUMNS c
  JOIN information_schema.TABLES t USING (TABLE_SCHEMA, TABLE_NAME) WHERE TABLE_SCHEMA = 'vmail' ORDER BY 1, c.ORDINAL_POSITION;
SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'vmail' ORDER BY 1, 2;
SELECT CONSTRAINT_NAME, TABLE_NAME, REFERENCED_TABLE_NAME, DELETE_RULE, UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'vmail' ORDER BY 1;
SELECT TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, NON_UNIQUE FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = 'vmail' ORDER BY 1, 2, 3;
SELECT ROUTINE_NAME, SECURITY_TYPE, DEFINER, MD5(ROUTINE_DEFINITION) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'vmail' ORDER BY 1;`;

const refusal = async (work: Promise<unknown>): Promise<HauspostError> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof HauspostError, String(thrown));
  return thrown;
};

const again = async ({ sql }: Database, statements: string): Promise<void> => {
  await sql(`DROP DATABASE IF EXISTS vmail; ${statements}`);
};

/** The first of several calls of `define` with a matching statement fails, as if the process had died there. */
const interrupted = async ({ directory }: Database, at: number): Promise<boolean> => {
  let definitions = 0;
  const define = (statement: string): Promise<void> => {
    if (/^(?:ALTER|CREATE OR REPLACE)/.test(statement) && ++definitions > at) throw new Error('interrupted');
    return directory.define(statement);
  };
  return migrate({ ...directory, define }).then(
    () => false,
    (error: unknown) => {
      assert.equal(String(error), 'Error: interrupted');
      return true;
    },
  );
};

const CHECKED = [
  ["INSERT INTO domains (domain) VALUES ('x y')", 4025],
  ["INSERT INTO domains (domain) VALUES ('')", 4025],
  ["INSERT INTO domains (domain) VALUES ('a\\nb')", 4025],
  ["INSERT INTO domains (domain) VALUES ('mysystems.tld ')", 4025],
  ["INSERT INTO domains (domain) VALUES (_utf8mb4 x'6AC3B373C3A9')", 4025],
  ["INSERT INTO accounts (username, domain, password) VALUES (_utf8mb4 x'E284AA', 'mysystems.tld', '')", 4025],
  ["INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain) VALUES ('', 'mysystems.tld', 'a', 'b')", 4025],
  ["INSERT INTO domains (domain) VALUES ('MYSYSTEMS.TLD')", 1062],
  ["INSERT INTO accounts (username, domain, password) VALUES ('USER1', 'Mysystems.tld', '')", 1062],
  ["INSERT INTO accounts (username, domain, password) VALUES ('x', 'nowhere.tld', '')", 1452],
] as const;

const TABLES_OF_ORIGINAL = ORIGINAL.slice(ORIGINAL.indexOf('CREATE TABLE')).replaceAll('ROW_FORMAT', 'CHARACTER SET utf8 ROW_FORMAT');
const CLEARED = 'USE vmail; SET FOREIGN_KEY_CHECKS = 0; DROP TABLE accounts, aliases, tlspolicies, domains;';

/** Every step, in order. */
const ALL: readonly string[] = ['tables', 'addresses', 'indexes', 'views', 'logins', 'login-clients', 'known-clients', 'wrong-passwords'];

/** What somebody does to a database that is up to date, and which steps that asks for again. */
const GONE: Readonly<Record<string, readonly [statements: string, steps: readonly string[]]>> = {
  'a line of the ledger': ['DELETE FROM vmail.hauspost_migrations WHERE number = 4', ['views']],
  'the ledger': ['DROP TABLE vmail.hauspost_migrations', ALL],
  'a view': ['DROP VIEW vmail.logins_v1', ['views']],
  'a function': ['DROP FUNCTION vmail.login_refused_v1', ['logins']],
  'a table of ours': ['DROP TABLE vmail.login_clients', ['logins', 'login-clients']],
  'a table that a later step adds columns to': ['DROP TABLE vmail.login_failures', ['logins', 'wrong-passwords']],
  'an index': ['DROP INDEX aliases_by_destination ON vmail.aliases', ['indexes']],
  'a CHECK': [
    'ALTER TABLE vmail.domains MODIFY domain varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci NOT NULL',
    ['addresses'],
  ],
  "the original's tables in their place": [CLEARED + TABLES_OF_ORIGINAL, ['addresses', 'indexes']],
  'the database': ['DROP DATABASE vmail', ALL],
};

/** What the operator adds is nobody's business. */
const THEIRS =
  'CREATE TABLE vmail.theirs (id int); ALTER TABLE vmail.accounts ADD COLUMN note text; ALTER TABLE vmail.accounts DROP FOREIGN KEY accounts_ibfk_1;';

const gone = async ({ sql, directory }: Database, fresh: string, statements: string, steps: readonly string[]): Promise<void> => {
  await sql(statements);
  const damaged = await sql(STATE);
  assert.deepEqual(await pendingMigrations(directory), steps);
  assert.equal(await sql(STATE), damaged, 'it only looks');
  assert.deepEqual(await migrate(directory), steps);
  assert.equal(await sql(STATE), fresh);
  assert.deepEqual(await pendingMigrations(directory), []);
};

const IN_THE_WAY = {
  "a stranger's foreign key":
    'CREATE TABLE extra (domain varchar(255) NOT NULL, CONSTRAINT theirs FOREIGN KEY (domain) REFERENCES domains (domain));',
  'a foreign key that writes':
    'ALTER TABLE accounts DROP FOREIGN KEY accounts_ibfk_1, ADD CONSTRAINT theirs FOREIGN KEY (domain) REFERENCES domains (domain) ON UPDATE CASCADE;',
};

const unfit = async (server: Database): Promise<void> => {
  const { sql, directory } = server;
  await again(
    server,
    `${ORIGINAL} SET NAMES utf8mb4; SET FOREIGN_KEY_CHECKS = 0;
    INSERT INTO domains (id, domain) VALUES (7, 'with space.tld'); ALTER TABLE domains DROP KEY domain, ADD KEY (domain); INSERT INTO domains (id, domain) VALUES (8, 'MySystems.tld');
    INSERT INTO accounts (id, username, domain, password) VALUES (5, 'josé', 'mysystems.tld', ''), (6, 'x', 'lost.tld', '');
    INSERT INTO aliases (id, source_username, source_domain, destination_username, destination_domain) VALUES (9, 'a', 'mysystems.tld', '', 'mysystems.tld');`,
  );
  const [state, rows] = [await sql(STATE), await sql(ROWS)];
  const error = await refusal(migrate(directory));
  assert.equal(error.code, 'directory.unfit-rows');
  assert.equal(error.exitCode, 4);
  for (const named of [
    'domains id 7, domain "with space.tld"',
    'domains id 8, domain "',
    'accounts id 5, username "josé"',
    'accounts id 6, domain "lost.tld"',
    'aliases id 9, destination_username ""',
  ])
    assert.ok(error.message.includes(named), `${named} in ${error.message}`);
  assert.equal((await sql(STATE)).replaceAll(/hauspost_migrations.*\n/g, ''), state);
  assert.equal(await sql(ROWS), rows);
};

/** Dies after each definition in turn; every second one on each release, all of them on both together. */
const resumes = async (server: Database, from: number, fresh: string): Promise<void> => {
  const { sql, directory } = server;
  let points = 0;
  for (let at = from; ; at += 2, points++) {
    await again(server, ORIGINAL);
    const before = await sql(ROWS);
    if (!(await interrupted(server, at))) break;
    await migrate(directory);
    assert.equal(await sql(STATE), fresh, `interrupted after ${at}`);
    assert.equal(await sql(ROWS), before);
  }
  assert.ok(points >= 4, `${points} points`);
};

for (const release of RELEASES) {
  test(`migrations on ${release}`, async (t) => {
    await using server = await database(release);
    const { sql, directory } = server;
    let fresh = '';

    await t.test('from nothing, and nothing the second time', async () => {
      assert.deepEqual(await pendingMigrations(directory), ALL);
      assert.deepEqual(await migrate(directory), ALL);
      fresh = await sql(STATE);
      const secret = await sql('SELECT octets FROM vmail.login_secret');
      assert.deepEqual(await migrate(directory), []);
      assert.equal(await sql(STATE), fresh);
      await sql('DELETE FROM vmail.hauspost_migrations WHERE number = 8');
      assert.deepEqual(await migrate(directory), ['wrong-passwords']);
      assert.equal(await sql('SELECT octets FROM vmail.login_secret'), secret, 'the secret stays');
      assert.equal(await sql("SELECT COUNT(*) FROM vmail.login_secret WHERE octets <> REPEAT('\\0', 32)"), '1\n');
    });

    for (const [what, [statements, steps]] of Object.entries(GONE))
      await t.test(`D4: ${what}: made again, as it was`, () => gone(server, fresh, statements, steps));
    await t.test("D4: the operator's own tables and columns ask for nothing", async () => {
      await sql(THEIRS);
      assert.deepEqual(await pendingMigrations(directory), []);
    });

    await t.test('from an original machine: the same tables, no row changed', async () => {
      await again(server, ORIGINAL);
      const before = await sql(ROWS);
      await migrate(directory);
      assert.equal(await sql(STATE), fresh);
      assert.equal(await sql(ROWS), before);
      assert.equal(await sql("USE vmail; SELECT username FROM accounts_v1 WHERE username = 'uSER1' AND domain = 'MYSYSTEMS.TLD'"), 'User1\n');
    });

    await t.test('what the columns refuse', async () => {
      for (const [statement, errno] of CHECKED) await assert.rejects(directory.define(statement), { errno }, statement);
      await sql(`USE vmail; INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain)
        VALUES ('o''b!#$%&*+/=?^_\`{|}~-.x', 'mysystems.tld', 'a', 'b'), (NULL, 'mysystems.tld', 'a', 'b'), (NULL, 'mysystems.tld', 'a', 'b')`);
    });

    await t.test('interrupted after any definition, it finishes the rest', () => resumes(server, RELEASES.indexOf(release), fresh));
    await t.test('rules that somebody gave the foreign keys stay', async () => {
      await again(
        server,
        `${ORIGINAL} ALTER TABLE accounts DROP FOREIGN KEY accounts_ibfk_1;
        ALTER TABLE accounts ADD CONSTRAINT gone FOREIGN KEY (domain) REFERENCES domains (domain) ON DELETE CASCADE;`,
      );
      await migrate(directory);
      const rules = await sql(
        "SELECT TABLE_NAME, DELETE_RULE, UPDATE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = 'vmail' ORDER BY 1",
      );
      assert.match(rules, /^accounts\tCASCADE\t(RESTRICT|NO ACTION)\naliases\t(RESTRICT|NO ACTION)\t(RESTRICT|NO ACTION)\n$/);
    });

    await t.test('rows that do not fit are all listed, and nothing is changed', () => unfit(server));
    for (const [what, statement] of Object.entries(IN_THE_WAY))
      await t.test(`${what}: named, and nothing is changed`, async () => {
        await again(server, `${ORIGINAL} ${statement}`);
        const state = await sql(STATE);
        const error = await refusal(migrate(directory));
        assert.equal(error.code, 'directory.foreign-key');
        assert.match(error.message, /theirs/);
        assert.equal((await sql(STATE)).replaceAll(/hauspost_migrations.*\n/g, ''), state);
      });
  });
}
