/**
 * Whose logins are refused for wrong passwords (M27), as the function `login_refused_v3` sees it, and how that is lifted. Counts are of
 * different wrong passwords within the period.
 */
import { isIP, isIPv6 } from 'node:net';
import { operatorError, parseMailAddress, splitAddress } from '#base';
import ipaddr from 'ipaddr.js';
import { type Directory, number, type Row, text, type Values } from './connect.ts';
import type { LoginLimits } from './lookups.ts';
import { isWithin } from './networks.ts';

export interface Ban {
  readonly kind: 'client' | 'account';
  /** An IPv4 address, the /64 of an IPv6 address (`::1` for that of this machine's own), or an account, which need not exist. `lift` takes it so. */
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

/** What the database calls the only address there that anybody has (RFC 4291, section 2.5.3). */
const OWN = '::/64';

const shown = (client: string): string => (client === OWN ? '::1' : client);

/** Networks that hold all of a client, which is a /64 where it is IPv6: of a smaller one the others there are limited. */
const holdsAll = (network: string): boolean => !network.includes(':') || Number(network.split('/')[1] ?? 128) <= 64;

const isExempt = (networks: readonly string[]): string =>
  `IF(client = '${OWN}', ${isWithin("'::1'", networks)}, ${isWithin("SUBSTRING_INDEX(client, '/', 1)", networks.filter(holdsAll))})`;

export const list = async (directory: Directory, limits: LoginLimits): Promise<readonly Ban[]> => {
  const asked = async (kind: Ban['kind'], sql: string, limit: number): Promise<readonly Ban[]> => {
    if (limit === 0) return [];
    const values: Values = { period: limits.periodHours * HOUR_S, limit };
    const asBan = (row: Row): Ban => ({ kind, who: shown(text(row, 'who')), failures: number(row, 'failures'), until: text(row, 'until') });
    return (await directory.rows(sql, values)).map(asBan);
  };
  const exempt = isExempt(limits.neverLimited);
  return [
    ...(await asked('client', ranked('client', 'client', `NOT ${exempt}`), limits.failuresPerClient)),
    ...(await asked('account', ranked('domain, username', "LOWER(CONCAT(username, '@', domain))", 'TRUE'), limits.failuresPerAccount)),
  ];
};

/** An address, or the /64 of one, as `login_client_v1` takes it; IPv4 within IPv6 (RFC 4291, section 2.5.5.2) is IPv4. Throws `ban.client`. */
export const parseClient = (input: string): string => {
  const address = input.endsWith('/64') ? input.slice(0, -3) : input;
  const isAddress = isIP(address) !== 0 && !address.includes('%');
  const plain = isAddress ? ipaddr.process(address).toString() : '';
  if (isAddress && (address === input || isIPv6(plain))) return plain;
  throw operatorError({
    code: 'ban.client',
    message: `${JSON.stringify(input)} is neither an address of a client, nor the /64 of one, nor an account`,
    remedy: "Write it as 'hauspost ban list' shows it.",
  });
};

/** What stands for the neighbourhood of an address (a /24, of IPv6 a /48), or of an account. */
const around = (who: string): string => {
  if (who.includes('@')) return who.slice(who.lastIndexOf('@'));
  const address = ipaddr.parse(who.replace(/\/64$/, ''));
  return address
    .toByteArray()
    .slice(0, address.kind() === 'ipv4' ? 3 : 6)
    .join('.');
};

const NAMED = 3;

const absent = async (directory: Directory, limits: LoginLimits, who: string): Promise<Error> => {
  const refused = (await list(directory, limits)).map((ban) => ban.who);
  const near = refused.filter((other) => around(other) === around(who)).slice(0, NAMED);
  const others = near.length === 0 ? '' : `; ${near.join(', ')}, near it, ${near.length === 1 ? 'is' : 'are'} refused`;
  return operatorError({
    code: 'ban.absent',
    message: `${who} is not refused: no wrong password is counted for it${others}`,
    remedy: "'hauspost ban list' shows who is, an address or an account. Why somebody cannot log in all the same, the log of dovecot says.",
    detail: { who, near },
  });
};

export interface Lifted {
  /** As `list` shows it. */
  readonly who: string;
  readonly forgotten: number;
}

/** Forgets the wrong passwords from the client. Throws `ban.absent`. */
export const liftClient = async (directory: Directory, limits: LoginLimits, client: string): Promise<Lifted> => {
  const [row] = await directory.rows('SELECT login_client_v1(:client) AS who', { client });
  const counted = row === undefined ? client : text(row, 'who');
  const forgotten = await directory.change('DELETE FROM login_failures WHERE client = :counted', { counted });
  if (forgotten === 0) throw await absent(directory, limits, shown(counted));
  return { who: shown(counted), forgotten };
};

const forgetAccount = (directory: Directory, local: string, domain: string): Promise<number> =>
  directory.change('DELETE FROM login_failures WHERE username = :local AND domain = :domain', { local, domain });

/** Forgets the wrong passwords for the account, from wherever; also of one that somebody guessed at and that cannot be. Throws `ban.absent`, `input.*`. */
export const liftAccount = async (directory: Directory, limits: LoginLimits, input: string): Promise<Lifted> => {
  const at = input.lastIndexOf('@');
  const literally = await forgetAccount(directory, input.slice(0, at), input.slice(at + 1));
  if (literally > 0) return { who: input, forgotten: literally };
  const who = parseMailAddress(input);
  const { local, domain } = splitAddress(who);
  const forgotten = await forgetAccount(directory, local, domain);
  if (forgotten === 0) throw await absent(directory, limits, who);
  return { who, forgotten };
};

/** Forgets every login of accounts whose name begins so, right ones as well. `prefix` is no pattern: letters, digits and `-`. */
export const forget = async (directory: Directory, prefix: string): Promise<void> => {
  for (const table of ['login_failures', 'login_clients'])
    await directory.change(`DELETE FROM ${table} WHERE username LIKE CONCAT(:prefix, '%')`, { prefix });
};
