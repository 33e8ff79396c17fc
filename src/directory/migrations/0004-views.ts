/**
 * The views, version 1. All are mergeable, so that a lookup through them uses the indexes of the tables; they run with the rights of root,
 * so that a daemon needs none on the tables. NULL in `enabled` or `sendonly` counts as 0 here, once for all. An account whose name holds a `+`
 * receives nothing: Postfix and Dovecot both take what follows for a tag.
 */
import type { Migration } from './migration.ts';
import { haveTables } from './standing.ts';

const ADDRESS = "LOWER(CONCAT(username, '@', domain)) AS address";

const VIEWS = {
  domains_v1: 'SELECT domain FROM domains',
  accounts_v1: `SELECT username, domain, ${ADDRESS}, IFNULL(enabled, 0) <> 0 AS enabled, IFNULL(sendonly, 0) <> 0 AS send_only,
    IFNULL(enabled, 0) <> 0 AND IFNULL(sendonly, 0) = 0 AND LOCATE('+', username) = 0 AS receives FROM accounts`,
  mailboxes_v1: `SELECT username, domain, ${ADDRESS}, quota AS quota_mb FROM accounts`,
  logins_v1: `SELECT username, domain, ${ADDRESS}, password, IFNULL(sendonly, 0) <> 0 AS submission_only
    FROM accounts WHERE IFNULL(enabled, 0) <> 0 AND password <> ''`,
  alias_steps_v1: `SELECT source_username, source_domain, destination_username, destination_domain FROM aliases WHERE IFNULL(enabled, 0) <> 0`,
  tls_policies_v1: 'SELECT domain, policy, params FROM tlspolicies',
};

export const views: Migration = {
  number: 4,
  name: 'views',
  run: async (directory) => {
    for (const [name, select] of Object.entries(VIEWS))
      await directory.define(`CREATE OR REPLACE ALGORITHM = MERGE DEFINER = 'root'@'localhost' SQL SECURITY DEFINER VIEW ${name} AS ${select}`);
  },
  stands: (directory) => haveTables(directory, Object.keys(VIEWS), 'VIEW'),
};
