/**
 * Whether a login is refused, once more: the first version refused everybody behind an address of which there were too many wrong passwords. Now who was let
 * in from there within 30 days goes on, by his own mistakes alone: otherwise a few old passwords in its programs close an office out. Nobody guesses more by it:
 * of each account as many as of the address before.
 */
import type { Migration } from './migration.ts';
import { NAMES, own, WHO } from './0005-logins.ts';
import { haveFunctions } from './standing.ts';

/** A limit of 0 is none. Never the reason that nobody gets in. */
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
  RETURN 0;
END`;

export const knownClients: Migration = {
  number: 7,
  name: 'known-clients',
  run: (directory) =>
    directory.define(own('login_refused_v2', `${WHO}, per_client int unsigned, per_account int unsigned, period int unsigned`, 'int', REFUSED)),
  stands: (directory) => haveFunctions(directory, ['login_refused_v2']),
};
