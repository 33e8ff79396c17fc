/**
 * Wrong passwords, once more: they were told apart by 16 bits of a hash that anybody can compute, so whoever sorted his guesses by it had a whole class of them
 * for one failure; and one that was wrong before was checked again without end. Now the database mixes a secret of its own into those bits, and the same wrong
 * password of a client is checked only so many times an hour. Nobody is locked out by that: another password is checked as before.
 */
import type { Migration } from './migration.ts';
import { NAMES, own, WHO } from './0005-logins.ts';
import { haveColumns, haveFunctions, haveTables } from './standing.ts';

const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';

const TABLES = [
  'CREATE TABLE IF NOT EXISTS login_secret (id tinyint unsigned NOT NULL PRIMARY KEY CHECK (id = 1), octets binary(32) NOT NULL) ENGINE=InnoDB',
  // How often within the hour that began then; a row that version 1 of the function made has none.
  'ALTER TABLE login_failures ADD COLUMN IF NOT EXISTS tries int unsigned NOT NULL DEFAULT 0, ADD COLUMN IF NOT EXISTS tries_since datetime NULL',
];

const DIGEST = `digest varchar(64) ${ASCII}`;
const LIMITS = 'per_client int unsigned, per_account int unsigned, same_per_hour int unsigned, period int unsigned';

/** Too short to tell what the password was, also with the secret. */
const TRACE = `READS SQL DATA RETURN LEFT(SHA2(CONCAT(IFNULL((SELECT octets FROM login_secret WHERE id = 1), ''), digest), 256), 4)`;

/** A limit of 0 is none; where the client has none, nor has what it repeats. Never the reason that nobody gets in. */
const REFUSED = `READS SQL DATA BEGIN
  ${NAMES}
  DECLARE since datetime DEFAULT UTC_TIMESTAMP() - INTERVAL period SECOND;
  DECLARE known int DEFAULT 0;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0;
  SET known = EXISTS (SELECT 1 FROM login_clients WHERE domain = place AND username = who AND client = origin);
  IF per_client > 0 AND per_client <=
      (SELECT COUNT(*) FROM login_failures WHERE client = origin AND at > since AND (known = 0 OR domain = place AND username = who)) THEN RETURN 1; END IF;
  IF per_account > 0 AND known = 0
    AND per_account <= (SELECT COUNT(*) FROM login_failures WHERE domain = place AND username = who AND at > since) THEN RETURN 1; END IF;
  IF per_client > 0 AND EXISTS (SELECT 1 FROM login_failures WHERE client = origin AND username = who AND domain = place AND tries >= same_per_hour
    AND tries_since > UTC_TIMESTAMP() - INTERVAL 1 HOUR AND trace = login_trace_v1(digest)) THEN RETURN 1; END IF;
  RETURN 0;
END`;

const FAILED = `MODIFIES SQL DATA BEGIN
  ${NAMES}
  DECLARE begun datetime DEFAULT UTC_TIMESTAMP() - INTERVAL 1 HOUR;
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  DELETE FROM login_failures WHERE at < UTC_TIMESTAMP() - INTERVAL period SECOND LIMIT 100;
  INSERT INTO login_failures (client, username, domain, trace, at, tries, tries_since)
    VALUES (origin, who, place, login_trace_v1(digest), UTC_TIMESTAMP(), 1, UTC_TIMESTAMP())
    ON DUPLICATE KEY UPDATE at = VALUES(at), tries = IF(tries_since > begun, tries + 1, 1), tries_since = IF(tries_since > begun, tries_since, VALUES(at));
  RETURN 0;
END`;

const FUNCTIONS = [
  own('login_trace_v1', DIGEST, `varchar(8) ${ASCII}`, TRACE),
  own('login_refused_v3', `${WHO}, ${DIGEST}, ${LIMITS}`, 'int', REFUSED),
  own('login_failed_v2', `${WHO}, ${DIGEST}, period int unsigned`, 'int', FAILED),
];

export const wrongPasswords: Migration = {
  number: 8,
  name: 'wrong-passwords',
  run: async (directory) => {
    for (const sql of TABLES) await directory.define(sql);
    await directory.change('INSERT IGNORE INTO login_secret (id, octets) VALUES (1, RANDOM_BYTES(32))');
    for (const sql of FUNCTIONS) await directory.define(sql);
  },
  stands: async (directory) =>
    (await haveTables(directory, ['login_secret'], 'BASE TABLE')) &&
    (await haveColumns(directory, 'login_failures', ['tries', 'tries_since'])) &&
    (await haveFunctions(directory, ['login_trace_v1', 'login_refused_v3', 'login_failed_v2'])),
};
