/**
 * Where an alias leads, in SQL: a recursive query that starts at one address, so that its cost depends on that address' chain and not on
 * the size of the tables. It walks `alias_steps_v1` as Postfix would (virtual(5)): rows of the exact address, else of the address without
 * its tag, else the postmaster for a role name, else the catch-all, if no account and no enabled alias has the name. `UNION` keeps each address once, so a
 * loop ends by itself.
 * Trusts the CHECK on the columns: stored addresses are printable ASCII.
 */

import { type Fqdn, splitAddress } from '#base';
import { isRoleIn, type Responsible } from './roles.ts';

/** SQL expressions, each for one value: a quoted placeholder of a daemon, or a named parameter of ours. */
export interface Address {
  readonly local: string;
  readonly domain: string;
}

/** A local part without its tag (`recipient_delimiter = +`); empty for one that starts with `+`, which names no account. */
export const withoutTag = (local: string): string => `SUBSTRING_INDEX(${local}, '+', 1)`;

/** The collation equates full-width letters, the Kelvin sign and others with ASCII; what is not ASCII therefore never reaches a comparison. */
export const isAscii = (...values: readonly string[]): string => values.map((value) => `BINARY ${value} NOT REGEXP '[^!-~]'`).join(' AND ');

/** False for what would lead a path elsewhere: a mailbox lies in a directory of its domain's and its account's name. */
export const isDirectoryName = (...values: readonly string[]): string =>
  values.map((value) => `${value} NOT IN ('.', '..') AND LOCATE('/', ${value}) = 0`).join(' AND ');

/** False for a local part that only quotes could hold (RFC 5321 section 4.1.2), or with a percent sign: Dovecot takes no such name. */
export const isAtom = (value: string): string =>
  `${value} NOT REGEXP '[]"(),:;<>@[]' AND ${['92', '37'].map((code) => `LOCATE(CHAR(${code}), ${value}) = 0`).join(' AND ')}`;

/** Of an `account`: it gets mail. By plain SQL there are names that no mailbox can have, and Dovecot would refuse what was accepted for them. */
export const RECEIVES = `account.receives = 1 AND ${isDirectoryName('account.username', 'account.domain')} AND ${isAtom('account.username')}`;

export const accountExists = ({ local, domain }: Address, and = 'TRUE'): string =>
  `EXISTS (SELECT 1 FROM accounts_v1 account WHERE account.username = ${local} AND account.domain = ${domain} AND ${and})`;

export const aliasExists = ({ local, domain }: Address): string =>
  `EXISTS (SELECT 1 FROM alias_steps_v1 own WHERE own.source_username = ${local} AND own.source_domain = ${domain})`;

export const catchAllExists = (domain: string): string =>
  `EXISTS (SELECT 1 FROM alias_steps_v1 rest WHERE rest.source_username IS NULL AND rest.source_domain = ${domain})`;

const EXACT = { local: 'chain.username', domain: 'chain.domain' };
const BASE = { local: withoutTag('chain.username'), domain: 'chain.domain' };

const hop = (source: string, where: readonly string[]): string =>
  [
    'SELECT step.destination_username, step.destination_domain FROM chain JOIN alias_steps_v1 step',
    `ON step.source_username ${source} AND step.source_domain = chain.domain`,
    ...(where.length === 0 ? [] : [`WHERE ${where.join(' AND ')}`]),
  ].join(' ');

const first = (where: string): string => `SELECT destination_username, destination_domain FROM alias_steps_v1 WHERE ${where}`;

const chain = (...members: readonly string[]): string => `chain (username, domain) AS (${members.join(' UNION ')})`;

/** Of the type and collation of the columns, which a recursive query takes from its first member. */
const asColumn = (value: string): string => `CAST('${value}' AS CHAR(254) CHARACTER SET utf8mb4) COLLATE utf8mb4_uca1400_nopad_as_ci`;

export const isOurs = (domain: string): string => `EXISTS (SELECT 1 FROM domains_v1 ours WHERE ours.domain = ${domain})`;

/** As long as the column; a tag that does not fit loses its end. */
const LOCAL_MAX = 64;

/** From a role name to the postmaster; the tag goes along. */
const roleHop = (responsible: Responsible, unnamed: readonly string[]): string => {
  const { local, domain } = splitAddress(responsible.postmaster);
  const tag = `SUBSTRING(${EXACT.local}, CHAR_LENGTH(${BASE.local}) + 1)`;
  const here = `(${BASE.domain} = '${responsible.hostname}' OR ${isOurs(BASE.domain)})`;
  const where = [isRoleIn(BASE.local, BASE.domain, responsible), here, ...unnamed];
  return `SELECT LEFT(CONCAT('${local}', ${tag}), ${LOCAL_MAX}), '${domain}' FROM chain WHERE ${where.join(' AND ')}`;
};

const deliveryFrom = (start: string, responsible: Responsible): string => {
  const unnamed = [`NOT ${accountExists(BASE)}`, `NOT ${accountExists(EXACT)}`, `NOT ${aliasExists(EXACT)}`, `NOT ${aliasExists(BASE)}`];
  return chain(
    start,
    hop(`= ${EXACT.local}`, []),
    hop(`= ${BASE.local}`, [`LOCATE('+', chain.username) > 1`, `NOT ${aliasExists(EXACT)}`]),
    roleHop(responsible, unnamed),
    hop('IS NULL', [`NOT (${isRoleIn(BASE.local, BASE.domain, responsible)})`, ...unnamed]),
  );
};

/** Every address that mail comes past: `chain (username, domain)`, from the rows that `where` selects on. */
export const deliveryChain = (where: string, responsible: Responsible): string => deliveryFrom(first(where), responsible);

/** The same from the postmaster's address itself. */
export const postmasterChain = (responsible: Responsible): string => {
  const { local, domain } = splitAddress(responsible.postmaster);
  return deliveryFrom(`SELECT ${asColumn(local)}, ${asColumn(domain)}`, responsible);
};

/** An account that mail comes past. */
export const onTheWay = (and: string): string =>
  `EXISTS (SELECT 1 FROM chain JOIN accounts_v1 passed ON passed.username = ${BASE.local} AND passed.domain = ${BASE.domain} AND ${and})`;

/** Every address that an alias is an alias of, for the right to send as it: all rows with and without tag, never the catch-all. */
export const ownerChain = (where: string): string => chain(first(where), hop(`= ${EXACT.local}`, []), hop(`= ${BASE.local}`, []));

/**
 * `final (address)`: where mail comes to rest. Outside addresses as they are stored; ours in lower case, if the account receives and has no
 * alias of its own, or one that names the account itself to keep a copy. Nobody has a name of the host's where that is no mail domain.
 */
export const finalAt = (hostname: Fqdn): string =>
  [
    'final (address) AS (',
    "SELECT CONCAT(chain.username, '@', chain.domain) FROM chain LEFT JOIN domains_v1 hosted ON hosted.domain = chain.domain",
    `WHERE hosted.domain IS NULL AND chain.domain <> '${hostname}'`,
    "UNION SELECT LOWER(CONCAT(chain.username, '@', chain.domain)) FROM chain",
    `JOIN accounts_v1 account ON account.username = ${BASE.local} AND account.domain = chain.domain AND ${RECEIVES}`,
    `WHERE (NOT ${aliasExists(EXACT)} AND NOT ${aliasExists(BASE)})`,
    'OR EXISTS (SELECT 1 FROM alias_steps_v1 self WHERE self.source_username = chain.username AND self.source_domain = chain.domain',
    'AND self.destination_username = chain.username AND self.destination_domain = chain.domain))',
  ].join(' ');
