/**
 * Whose logins are refused for wrong passwords (M27), as the function `login_refused_v1` sees it, and how that is lifted. Counts are of
 * different wrong passwords within the period.
 */
import { isIP, isIPv6 } from 'node:net';
import { type MailAddress, operatorError, splitAddress } from '#base';
import { type Directory, number, type Row, text, type Values } from './connect.ts';
import type { LoginLimits } from './lookups.ts';
import { isWithin } from './networks.ts';

export interface Ban {
  readonly kind: 'client' | 'account';
  /** An IPv4 address, the /64 of an IPv6 address, or an account. */
  readonly who: string;
  readonly failures: number;
  /** When logins are tried again; ISO 8601, UTC. */
  readonly until: string;
}

const HOUR_S = 3600;

/** Rows of a group are ranked from the newest: while the `limit`th of them counts, the limit is reached. */
const ranked = (group: string, who: string, where: string): string =>
  `SELECT who, failures, DATE_FORMAT(at + INTERVAL :period SECOND, '%Y-%m-%dT%H:%i:%sZ') AS until FROM (
     SELECT ${who} AS who, at, ROW_NUMBER() OVER (PARTITION BY ${group} ORDER BY at DESC) AS place, COUNT(*) OVER (PARTITION BY ${group}) AS failures
     FROM login_failures WHERE at > UTC_TIMESTAMP() - INTERVAL :period SECOND AND ${where}) ranked
   WHERE place = :limit ORDER BY until, who`;

export const list = async (directory: Directory, limits: LoginLimits): Promise<readonly Ban[]> => {
  const asked = async (kind: Ban['kind'], sql: string, limit: number): Promise<readonly Ban[]> => {
    if (limit === 0) return [];
    const values: Values = { period: limits.periodHours * HOUR_S, limit };
    const asBan = (row: Row): Ban => ({ kind, who: text(row, 'who'), failures: number(row, 'failures'), until: text(row, 'until') });
    return (await directory.rows(sql, values)).map(asBan);
  };
  const exempt = isWithin("SUBSTRING_INDEX(client, '/', 1)", limits.neverLimited);
  return [
    ...(await asked('client', ranked('client', 'client', `NOT ${exempt}`), limits.failuresPerClient)),
    ...(await asked('account', ranked('domain, username', "LOWER(CONCAT(username, '@', domain))", 'TRUE'), limits.failuresPerAccount)),
  ];
};

/** As the database groups clients. Throws `ban.client`. */
export const parseClient = (input: string): string => {
  const address = input.endsWith('/64') ? input.slice(0, -3) : input;
  if (isIP(address) === 0 || address.includes('%') || (address !== input && !isIPv6(address))) {
    throw operatorError({
      code: 'ban.client',
      message: `${JSON.stringify(input)} is neither an address of a client nor an account`,
      remedy: "Write it as 'hauspost ban list' shows it.",
    });
  }
  return address;
};

const lifted = (count: number, who: string): number => {
  if (count > 0) return count;
  throw operatorError({
    code: 'ban.absent',
    message: `no wrong password is counted for ${who}`,
    remedy: 'See `hauspost ban list`.',
    detail: { who },
  });
};

/** Forgets the wrong passwords from the client; answers how many. Throws `ban.absent`. */
export const liftClient = async (directory: Directory, client: string): Promise<number> =>
  lifted(await directory.change('DELETE FROM login_failures WHERE client = login_client_v1(:client)', { client }), client);

/** Forgets the wrong passwords for the account, from wherever; answers how many. Throws `ban.absent`. */
export const liftAccount = async (directory: Directory, account: MailAddress): Promise<number> => {
  const { local, domain } = splitAddress(account);
  return lifted(await directory.change('DELETE FROM login_failures WHERE username = :local AND domain = :domain', { local, domain }), account);
};

/** Forgets every login of accounts whose name begins so, right ones as well. `prefix` is no pattern: letters, digits and `-`. */
export const forget = async (directory: Directory, prefix: string): Promise<void> => {
  for (const table of ['login_failures', 'login_clients'])
    await directory.change(`DELETE FROM ${table} WHERE username LIKE CONCAT(:prefix, '%')`, { prefix });
};
