/** Accounts: people and programs with a password. Add, change, list, remove. Trusts its branded input; passwords arrive hashed. */
import { type Domain, type LocalPart, type MailAddress, type Megabytes, operatorError, splitAddress } from '#base';
import type { Finding } from '#model';
import { joined, same } from './address.ts';
import { type Directory, flag, number, orNull, type Row, symbolOf, text } from './connect.ts';
import { exists as domainExists, unknown } from './domains.ts';
import { ACCOUNTS, unknownAddress } from './near.ts';
import { inOrder, PAGE, paged } from './pages.ts';
import type { PasswordHash } from './password.ts';

export interface Account {
  readonly address: MailAddress;
  /** In MB; 0 is unlimited, null the configured default. */
  readonly quotaMb: Megabytes | null;
  readonly enabled: boolean;
  /** May send and receives nothing. */
  readonly sendOnly: boolean;
}

const COLUMNS = `LOWER(CONCAT(username, '@', domain)) AS address, quota, IFNULL(enabled, 0) <> 0 AS enabled, IFNULL(sendonly, 0) <> 0 AS sendonly`;

/** Columns whose CHECK and type say what the brands say. */
const toAccount = (row: Row): Account => ({
  address: text(row, 'address') as MailAddress,
  quotaMb: orNull(number, row, 'quota') as Megabytes | null,
  enabled: flag(row, 'enabled'),
  sendOnly: flag(row, 'sendonly'),
});

const unknownAccount = (directory: Directory, address: MailAddress): Promise<Error> =>
  unknownAddress(directory, ACCOUNTS, splitAddress(address), {
    what: 'account',
    remedy: `See 'hauspost account list'; 'hauspost account add ${address}' adds it.`,
    detail: { address },
  });

const exists = (address: MailAddress): Error =>
  operatorError({
    code: 'account.exists',
    message: `account ${address} exists already`,
    remedy: `'hauspost account set' and 'hauspost account passwd' change it.`,
    detail: { address },
  });

export const find = async (directory: Directory, address: MailAddress): Promise<Account | undefined> => {
  const { local, domain } = splitAddress(address);
  const [row] = await directory.rows(`SELECT ${COLUMNS} FROM accounts WHERE username = :local AND domain = :domain`, { local, domain });
  return row === undefined ? undefined : toAccount(row);
};

/** Throws `account.unknown`. */
export const get = async (directory: Directory, address: MailAddress): Promise<Account> => {
  const found = await find(directory, address);
  if (found === undefined) throw await unknownAccount(directory, address);
  return found;
};

/** Without `local`: of the domain. */
export const anybody = async (
  directory: Directory,
  { local = null, domain }: { readonly local?: LocalPart | null; readonly domain: Domain },
): Promise<boolean> =>
  (await directory.rows('SELECT 1 FROM accounts WHERE domain = :domain AND username = IFNULL(:local, username) LIMIT 1', { local, domain })).length >
  0;

/** An alias of the same name takes the account's mail. */
const behindAlias = async (directory: Directory, { address, sendOnly }: Account): Promise<readonly Finding[]> => {
  const { local, domain } = splitAddress(address);
  const rows = await directory.rows(
    `SELECT CONCAT(destination_username, '@', destination_domain) AS destination FROM alias_steps_v1
     WHERE source_username = :local AND source_domain = :domain ORDER BY destination_domain, destination_username LIMIT 20`,
    { local, domain },
  );
  const destinations = rows.map((row) => text(row, 'destination'));
  if (sendOnly || destinations.length === 0 || destinations.some((destination) => same(destination, address))) return [];
  return [
    {
      level: 'warning',
      code: 'account.behind-alias',
      message: `mail for ${address} goes to ${destinations.join(', ')} by an alias of that name, not to the account`,
      remedy: `'hauspost alias add ${address} ${address}' keeps a copy in the account.`,
    },
  ];
};

export interface NewAccount {
  readonly address: MailAddress;
  readonly passwordHash: PasswordHash;
  /** Left out: the configured default. */
  readonly quotaMb?: Megabytes | null;
  readonly enabled?: boolean;
  readonly sendOnly?: boolean;
}

/** An enabled account that receives, unless told otherwise. Throws `domain.unknown` and `account.exists`. */
export const add = async (
  directory: Directory,
  { address, passwordHash, quotaMb = null, enabled = true, sendOnly = false }: NewAccount,
): Promise<{ readonly account: Account; readonly warnings: readonly Finding[] }> => {
  const { local, domain } = splitAddress(address);
  try {
    await directory.change(
      `INSERT INTO accounts (username, domain, password, quota, enabled, sendonly) VALUES (:local, :domain, :password, :quota, :enabled, :sendonly)`,
      { local, domain, password: passwordHash, quota: quotaMb, enabled: enabled ? 1 : 0, sendonly: sendOnly ? 1 : 0 },
    );
  } catch (error) {
    if (symbolOf(error) === 'ER_DUP_ENTRY') throw exists(address);
    if (symbolOf(error) === 'ER_NO_REFERENCED_ROW_2') throw await unknown(directory, domain);
    throw error;
  }
  const account = { address, quotaMb, enabled, sendOnly };
  return { account, warnings: await behindAlias(directory, account) };
};

export interface AccountChange {
  /** Null: the configured default. */
  readonly quotaMb?: Megabytes | null;
  readonly enabled?: boolean;
  readonly sendOnly?: boolean;
  readonly passwordHash?: PasswordHash;
}

/** Changes what is given and leaves the rest as it is, also where somebody changes that meanwhile. Throws `account.unknown`. */
export const change = (
  directory: Directory,
  address: MailAddress,
  { quotaMb, enabled, sendOnly, passwordHash }: AccountChange,
): Promise<{ readonly account: Account; readonly warnings: readonly Finding[] }> =>
  directory.atomically(async () => {
    const bit = (value: boolean | undefined): number | null => (value === undefined ? null : Number(value));
    const values = { named: Number(quotaMb !== undefined), quota: quotaMb ?? null, enabled: bit(enabled), sendonly: bit(sendOnly) };
    const found = await directory.change(
      `UPDATE accounts SET quota = IF(:named, :quota, quota), enabled = IFNULL(:enabled, enabled), sendonly = IFNULL(:sendonly, sendonly),
       password = IFNULL(:password, password) WHERE username = :local AND domain = :domain`,
      { ...splitAddress(address), ...values, password: passwordHash ?? null },
    );
    if (found === 0) throw await unknownAccount(directory, address);
    const account = await get(directory, address);
    return { account, warnings: await behindAlias(directory, account) };
  });

/** Accounts whose name begins with `prefix`, letters and `-` only. */
export const named = async (directory: Directory, prefix: string): Promise<readonly MailAddress[]> => {
  const rows = await directory.rows(`SELECT ${COLUMNS} FROM accounts WHERE username LIKE :like`, { like: `${prefix}%` });
  return rows.map((row) => toAccount(row).address);
};

/** All accounts, or those of one domain, by domain and name. Throws `domain.unknown`. */
export const list = async function* (directory: Directory, only: { readonly domain?: Domain } = {}): AsyncGenerator<Account, void, undefined> {
  if (only.domain !== undefined && !(await domainExists(directory, only.domain))) throw await unknown(directory, only.domain);
  const rest = only.domain === undefined ? 'domain > :domain OR (domain = :domain AND username > :local)' : 'domain = :domain AND username > :local';
  const page = (last: Row | undefined): Promise<readonly Row[]> =>
    directory.rows(
      `SELECT username, domain, ${COLUMNS} FROM accounts ${inOrder('accounts_by_domain')} WHERE ${rest} ORDER BY domain, username LIMIT ${PAGE}`,
      {
        domain: last === undefined ? (only.domain ?? '') : text(last, 'domain'),
        local: last === undefined ? '' : text(last, 'username'),
      },
    );
  for await (const row of paged(page)) yield toAccount(row);
};

export interface Dangling {
  readonly source: string;
  readonly destination: string;
}

/** Aliases that lead to the address itself, tag or not, and to no alias of that name. */
const leadingTo = async (directory: Directory, address: MailAddress): Promise<readonly Dangling[]> => {
  const { local, domain } = splitAddress(address);
  const rows = await directory.rows(
    `SELECT source_username, source_domain, destination_username, destination_domain FROM aliases
     WHERE destination_domain = :domain AND (destination_username = :local OR destination_username LIKE :tagged)
     ORDER BY source_domain, source_username, destination_username`,
    { domain, local, tagged: `${local.replace(/[\\_%]/g, '\\$&')}+%` },
  );
  const own = await directory.rows(
    `SELECT 1 FROM alias_steps_v1 WHERE source_username = :local AND source_domain = :domain
     AND NOT (destination_username = :local AND destination_domain = :domain) LIMIT 1`,
    { local, domain },
  );
  if (own.length > 0) return [];
  return rows.map((row) => ({
    source: joined(orNull(text, row, 'source_username'), text(row, 'source_domain')),
    destination: joined(text(row, 'destination_username'), text(row, 'destination_domain')),
  }));
};

/** Removes the row; mail on disk is not touched. Names the aliases that now lead nowhere. Throws `account.unknown`. */
export const remove = (
  directory: Directory,
  address: MailAddress,
): Promise<{ readonly address: MailAddress; readonly dangling: readonly Dangling[] }> =>
  directory.atomically(async () => {
    const { local, domain } = splitAddress(address);
    const gone = await directory.change('DELETE FROM accounts WHERE username = :local AND domain = :domain', { local, domain });
    if (gone === 0) throw await unknownAccount(directory, address);
    return { address, dangling: await leadingTo(directory, address) };
  });
