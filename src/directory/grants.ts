/**
 * Who may read what. Each daemon has a database account of its OS user's name that only this OS user can use (`unix_socket`), with SELECT on
 * views and nothing else. What is wanted is added first and what is no longer wanted is taken away after, so lookups never fail in between.
 */
import { bug } from '#base';
import { DATABASE, type Directory, text } from './connect.ts';
import { type PrincipalName, principals, VIEW_NAMES, type ViewName } from './views.ts';

export interface Grant {
  readonly principal: string;
  readonly view: string;
}

const isPrincipal = (name: string): name is PrincipalName => Object.hasOwn(principals, name);
const isView = (name: string): name is ViewName => VIEW_NAMES.some((known) => known === name);

/** Both names come from the lists of this room, so they need no quoting rules. */
const known = ({ principal, view }: Grant): { readonly principal: PrincipalName; readonly view: ViewName } => {
  if (!isPrincipal(principal) || !isView(view)) throw bug(`a grant of ${view} to ${principal} is not one of the directory's`);
  return { principal, view };
};

const account = (principal: PrincipalName): string => `'${principal}'@'localhost'`;

interface Held {
  readonly privilege: string;
  /** As REVOKE names it: `*.*`, a database's tables, or one table. */
  readonly on: string;
}

const heldBy = async (directory: Directory, principal: PrincipalName): Promise<readonly Held[]> => {
  const rows = await directory.rows(
    `SELECT PRIVILEGE_TYPE AS privilege, '*.*' AS held FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = :grantee AND PRIVILEGE_TYPE <> 'USAGE'
     UNION ALL SELECT PRIVILEGE_TYPE, CONCAT('\`', TABLE_SCHEMA, '\`.*') FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = :grantee
     UNION ALL SELECT PRIVILEGE_TYPE, CONCAT('\`', TABLE_SCHEMA, '\`.\`', TABLE_NAME, '\`') FROM information_schema.TABLE_PRIVILEGES
       WHERE GRANTEE = :grantee AND PRIVILEGE_TYPE <> 'USAGE'`,
    { grantee: account(principal) },
  );
  return rows.map((row) => ({ privilege: text(row, 'privilege'), on: text(row, 'held') }));
};

const nameOf = (view: ViewName): string => `\`${DATABASE}\`.\`${view}\``;

const ensureAccount = async (directory: Directory, principal: PrincipalName): Promise<void> => {
  await directory.define(`CREATE USER IF NOT EXISTS ${account(principal)} IDENTIFIED VIA unix_socket`);
  const rows = await directory.rows("SELECT plugin FROM mysql.user WHERE User = :principal AND Host = 'localhost' AND plugin = 'unix_socket'", {
    principal,
  });
  if (rows.length === 0) await directory.define(`ALTER USER ${account(principal)} IDENTIFIED VIA unix_socket`);
};

/** Makes the daemons' accounts hold exactly these grants. Repeating it changes nothing. */
export const applyGrants = async (directory: Directory, grants: readonly Grant[]): Promise<void> => {
  const wanted = grants.map(known);
  for (const principal of ['postfix', 'dovecot'] satisfies PrincipalName[]) {
    await ensureAccount(directory, principal);
    const views = wanted.filter((grant) => grant.principal === principal).map((grant) => nameOf(grant.view));
    const held = await heldBy(directory, principal);
    const has = (view: string): boolean => held.some(({ privilege, on }) => privilege === 'SELECT' && on === view);
    for (const view of views.filter((candidate) => !has(candidate))) await directory.define(`GRANT SELECT ON ${view} TO ${account(principal)}`);
    for (const { privilege, on } of held.filter(({ privilege, on }) => privilege !== 'SELECT' || !views.includes(on)))
      await directory.define(`REVOKE ${privilege} ON ${on} FROM ${account(principal)}`);
  }
};
