/**
 * Who may read what. Each daemon has a database account of its OS user's name that only this OS user can use (`unix_socket`), with SELECT on
 * views, EXECUTE on functions and nothing else. What is wanted is added first and what is no longer wanted is taken away after, so lookups never fail in between.
 */
import { bug } from '#base';
import { DATABASE, type Directory, text } from './connect.ts';
import { FUNCTION_NAMES, type FunctionName, type PrincipalName, principals, VIEW_NAMES, type ViewName } from './views.ts';

export interface Grant {
  readonly principal: string;
  /** A view or a function. */
  readonly on: string;
}

const isPrincipal = (name: string): name is PrincipalName => Object.hasOwn(principals, name);
const isFunction = (name: string): name is FunctionName => FUNCTION_NAMES.some((known) => known === name);
const isView = (name: string): name is ViewName => VIEW_NAMES.some((known) => known === name);

/** Both names come from the lists of this room, so they need no quoting rules. */
const known = ({ principal, on }: Grant): { readonly principal: PrincipalName; readonly on: ViewName | FunctionName } => {
  if (!isPrincipal(principal) || !(isView(on) || isFunction(on))) throw bug(`a grant of ${on} to ${principal} is not one of the directory's`);
  return { principal, on };
};

const account = (principal: PrincipalName): string => `'${principal}'@'localhost'`;

interface Held {
  readonly privilege: string;
  /** As REVOKE names it: `*.*`, a database's tables, one table, or `FUNCTION` and its name. */
  readonly on: string;
}

const heldBy = async (directory: Directory, principal: PrincipalName): Promise<readonly Held[]> => {
  const rows = await directory.rows(
    `SELECT PRIVILEGE_TYPE AS privilege, '*.*' AS held FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = :grantee AND PRIVILEGE_TYPE <> 'USAGE'
     UNION ALL SELECT PRIVILEGE_TYPE, CONCAT('\`', TABLE_SCHEMA, '\`.*') FROM information_schema.SCHEMA_PRIVILEGES WHERE GRANTEE = :grantee
     UNION ALL SELECT PRIVILEGE_TYPE, CONCAT('\`', TABLE_SCHEMA, '\`.\`', TABLE_NAME, '\`') FROM information_schema.TABLE_PRIVILEGES
       WHERE GRANTEE = :grantee AND PRIVILEGE_TYPE <> 'USAGE'
     UNION ALL SELECT UPPER(Proc_priv), CONCAT(Routine_type, ' \`', Db, '\`.\`', Routine_name, '\`') FROM mysql.procs_priv WHERE User = :principal AND Host = 'localhost'`,
    { grantee: account(principal), principal },
  );
  return rows.map((row) => ({ privilege: text(row, 'privilege'), on: text(row, 'held') }));
};

/** The privilege and the object, as GRANT and `heldBy` name them. */
const rightTo = (on: ViewName | FunctionName): Held =>
  isView(on) ? { privilege: 'SELECT', on: `\`${DATABASE}\`.\`${on}\`` } : { privilege: 'EXECUTE', on: `FUNCTION \`${DATABASE}\`.\`${on}\`` };

const same = (one: Held, other: Held): boolean => one.privilege === other.privilege && one.on === other.on;

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
    const rights = wanted.filter((grant) => grant.principal === principal).map((grant) => rightTo(grant.on));
    const held = await heldBy(directory, principal);
    for (const right of rights.filter((candidate) => !held.some((one) => same(one, candidate))))
      await directory.define(`GRANT ${right.privilege} ON ${right.on} TO ${account(principal)}`);
    for (const surplus of held.filter((one) => !rights.some((right) => same(one, right))))
      await directory.define(`REVOKE ${surplus.privilege} ON ${surplus.on} FROM ${account(principal)}`);
  }
};
