/**
 * What logins leave behind, and the three functions that Dovecot calls (M27): is this one refused, it failed, it succeeded. Their tables are no
 * daemon's to read. A client is an IPv4 address, or the /64 of an IPv6 address, which is what one customer has. Times are UTC.
 */
import type { Migration } from './migration.ts';
import { haveFunctions, haveTables } from './standing.ts';

const NAME = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_as_ci';
const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';

const COLUMNS = {
  client: `client varchar(64) ${ASCII} NOT NULL`,
  username: `username varchar(64) ${NAME} NOT NULL`,
  domain: `domain varchar(255) ${NAME} NOT NULL`,
  at: 'at datetime NOT NULL',
};

/** `trace` tells two wrong passwords apart and is too short to tell what they were: one that is tried again counts once. */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS login_failures (${COLUMNS.client}, ${COLUMNS.username}, ${COLUMNS.domain}, trace varchar(8) ${ASCII} NOT NULL, ${COLUMNS.at},
     PRIMARY KEY (client, username, domain, trace), KEY by_account (domain, username, at), KEY by_time (at))
     ENGINE=InnoDB DEFAULT ${NAME}`,
  `CREATE TABLE IF NOT EXISTS login_clients (${COLUMNS.username}, ${COLUMNS.domain}, ${COLUMNS.client}, ${COLUMNS.at},
     PRIMARY KEY (domain, username, client), KEY by_time (at)) ENGINE=InnoDB DEFAULT ${NAME}`,
];

export const own = (name: string, parameters: string, returns: string, body: string): string =>
  `CREATE OR REPLACE DEFINER = 'root'@'localhost' FUNCTION ${name} (${parameters}) RETURNS ${returns} SQL SECURITY DEFINER ${body}`;

const ADDRESS = `address varchar(64) ${ASCII}`;
/** As attackers send them: of any length. */
export const WHO = `${ADDRESS}, local_part text ${NAME}, host text ${NAME}`;
export const NAMES = `DECLARE who varchar(64) ${NAME} DEFAULT LEFT(local_part, 64);
  DECLARE place varchar(255) ${NAME} DEFAULT LEFT(host, 255);
  DECLARE origin varchar(64) ${ASCII} DEFAULT login_client_v1(address);`;

/** A limit of 0 is none. Where the account is under attack, who was let in from there within 30 days still is. Never the reason that nobody gets in. */
const REFUSED = `READS SQL DATA BEGIN
  ${NAMES}
  DECLARE since datetime DEFAULT UTC_TIMESTAMP() - INTERVAL period SECOND;
  DECLARE EXIT HANDLER FOR SQLEXCEPTION RETURN 0;
  IF per_client > 0 AND (SELECT COUNT(*) FROM login_failures WHERE client = origin AND at > since) >= per_client THEN RETURN 1; END IF;
  IF per_account > 0 AND (SELECT COUNT(*) FROM login_failures WHERE domain = place AND username = who AND at > since) >= per_account
    AND NOT EXISTS (SELECT 1 FROM login_clients WHERE domain = place AND username = who AND client = origin) THEN RETURN 1; END IF;
  RETURN 0;
END`;

const FAILED = `MODIFIES SQL DATA BEGIN
  ${NAMES}
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  DELETE FROM login_failures WHERE at < UTC_TIMESTAMP() - INTERVAL period SECOND LIMIT 100;
  INSERT INTO login_failures (client, username, domain, trace, at) VALUES (origin, who, place, trace, UTC_TIMESTAMP())
    ON DUPLICATE KEY UPDATE at = VALUES(at);
  RETURN 0;
END`;

/** Writes once a day for each account and client. */
const SUCCEEDED = `MODIFIES SQL DATA BEGIN
  ${NAMES}
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  DELETE FROM login_failures WHERE client = origin AND username = who AND domain = place;
  DELETE FROM login_clients WHERE at < UTC_TIMESTAMP() - INTERVAL 30 DAY LIMIT 100;
  INSERT INTO login_clients (username, domain, client, at) VALUES (who, place, origin, UTC_TIMESTAMP())
    ON DUPLICATE KEY UPDATE at = IF(at < UTC_TIMESTAMP() - INTERVAL 1 DAY, VALUES(at), at);
  RETURN 0;
END`;

const FUNCTIONS = [
  own(
    'login_client_v1',
    ADDRESS,
    `varchar(64) ${ASCII}`,
    `DETERMINISTIC RETURN IF(IS_IPV6(address), CONCAT(INET6_NTOA(CONCAT(LEFT(INET6_ATON(address), 8), x'0000000000000000')), '/64'), address)`,
  ),
  own('login_refused_v1', `${WHO}, per_client int unsigned, per_account int unsigned, period int unsigned`, 'int', REFUSED),
  own('login_failed_v1', `${WHO}, trace varchar(8) ${ASCII}, period int unsigned`, 'int', FAILED),
  own('login_succeeded_v1', WHO, 'int', SUCCEEDED),
];

export const logins: Migration = {
  number: 5,
  name: 'logins',
  run: async (directory) => {
    for (const sql of [...TABLES, ...FUNCTIONS]) await directory.define(sql);
  },
  stands: async (directory) =>
    (await haveTables(directory, ['login_failures', 'login_clients'], 'BASE TABLE')) &&
    (await haveFunctions(directory, ['login_client_v1', 'login_refused_v1', 'login_failed_v1', 'login_succeeded_v1'])),
};
