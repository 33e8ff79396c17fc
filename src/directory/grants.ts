/**
 * Who may read what. Each daemon has a database account of its OS user's name that only this OS user can use (`unix_socket`), with SELECT on
 * views, EXECUTE on functions and nothing else. What is wanted is given before a daemon asks for it, and what is no longer wanted is taken when none does, so
 * lookups never fail in between.
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

/** What stands between an account and what it is to hold. */
interface Difference {
  readonly principal: PrincipalName;
  /** There is no account that the kernel vouches for. */
  readonly account: boolean;
  readonly lacking: readonly Held[];
  readonly surplus: readonly Held[];
}

const differences = async (directory: Directory, grants: readonly Grant[]): Promise<readonly Difference[]> => {
  const wanted = grants.map(known);
  const found: Difference[] = [];
  for (const principal of ['postfix', 'dovecot'] satisfies PrincipalName[]) {
    const [account] = await directory.rows("SELECT plugin FROM mysql.user WHERE User = :principal AND Host = 'localhost'", { principal });
    const rights = wanted.filter((grant) => grant.principal === principal).map((grant) => rightTo(grant.on));
    const held = await heldBy(directory, principal);
    found.push({
      principal,
      account: account === undefined || text(account, 'plugin') !== 'unix_socket',
      lacking: rights.filter((right) => !held.some((one) => same(one, right))),
      surplus: held.filter((one) => !rights.some((right) => same(one, right))),
    });
  }
  return found;
};

export interface GrantChange {
  readonly principal: PrincipalName;
  readonly action: 'grant' | 'revoke' | 'change';
  /** `postfix on domains_v1`; what is none of our rights with its privilege; `account postfix`. */
  readonly target: string;
}

/** A right of the kind that we give, as a grant names it; else in MariaDB's words. */
const nameOf = (right: Held): string => {
  const on = [...VIEW_NAMES, ...FUNCTION_NAMES].find((name) => same(rightTo(name), right));
  return on ?? `${right.privilege} ${right.on.replaceAll('`', '')}`;
};

/** What `applyGrants` would do. Reads only. */
export const pendingGrants = async (directory: Directory, grants: readonly Grant[]): Promise<readonly GrantChange[]> =>
  (await differences(directory, grants)).flatMap(({ principal, account, lacking, surplus }): readonly GrantChange[] => [
    ...(account ? [{ principal, action: 'change', target: `account ${principal}` } as const] : []),
    ...lacking.map((right) => ({ principal, action: 'grant', target: `${principal} on ${nameOf(right)}` }) as const),
    ...surplus.map((right) => ({ principal, action: 'revoke', target: `${principal} on ${nameOf(right)}` }) as const),
  ]);

const ensureAccount = async (directory: Directory, principal: PrincipalName): Promise<void> => {
  await directory.define(`CREATE USER IF NOT EXISTS ${account(principal)} IDENTIFIED VIA unix_socket`);
  await directory.define(`ALTER USER ${account(principal)} IDENTIFIED VIA unix_socket`);
};

/** Makes the daemons' accounts hold at least these grants: daemons that ask as before go on. */
export const giveGrants = async (directory: Directory, grants: readonly Grant[]): Promise<void> => {
  for (const { principal, account: wrong, lacking } of await differences(directory, grants)) {
    if (wrong) await ensureAccount(directory, principal);
    for (const right of lacking) await directory.define(`GRANT ${right.privilege} ON ${right.on} TO ${account(principal)}`);
  }
};

/** Makes the daemons' accounts hold exactly these grants. Repeating it changes nothing. */
export const applyGrants = async (directory: Directory, grants: readonly Grant[]): Promise<void> => {
  await giveGrants(directory, grants);
  for (const { principal, surplus } of await differences(directory, grants)) {
    for (const right of surplus) await directory.define(`REVOKE ${right.privilege} ON ${right.on} FROM ${account(principal)}`);
  }
};
