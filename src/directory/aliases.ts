/**
 * Aliases: a name of ours, or a whole domain, that leads elsewhere. Add, enable, list, remove. Trusts its branded input. Refuses loops, showing them;
 * warns about destinations of ours where nothing arrives.
 */
import { type Domain, type MailAddress, operatorError } from '#base';
import type { Finding } from '#model';
import type { Dangling } from './accounts.ts';
import { type AliasSource, base, type Destination, joined, type Parts, partsOf, same } from './address.ts';
import { withoutTag } from './chain.ts';
import { type Directory, flag, number, orNull, type Row, text, type Values } from './connect.ts';
import { exists as domainExists, unknown } from './domains.ts';
import { alone } from './lock.ts';
import { findLoop } from './loop.ts';
import { ALIASES, meantBy, unknownAddress } from './near.ts';
import { inOrder, PAGE, paged } from './pages.ts';
import { isRole, isRoleIn, type Responsible } from './roles.ts';

export interface Alias {
  readonly source: AliasSource;
  readonly destinations: readonly { readonly address: string; readonly enabled: boolean }[];
}

const OF_SOURCE = 'source_domain = :domain AND source_username <=> :local';

const destinationsOf = async (directory: Directory, { local, domain }: Parts): Promise<Alias['destinations']> => {
  const rows = await directory.rows(
    `SELECT CONCAT(destination_username, '@', destination_domain) AS destination, IFNULL(enabled, 0) <> 0 AS enabled
     FROM aliases WHERE ${OF_SOURCE} GROUP BY destination, IFNULL(enabled, 0) <> 0 ORDER BY MIN(id)`,
    { local, domain },
  );
  return rows.map((row) => ({ address: text(row, 'destination'), enabled: flag(row, 'enabled') }));
};

const refuseKnown = (source: AliasSource, present: Alias['destinations'], wanted: readonly string[]): void => {
  const known = present.filter(({ address }) => wanted.some((destination) => same(destination, address)));
  if (known.length === 0) return;
  const leave = `Leave ${known.length === 1 ? 'it' : 'these'} out`;
  const names = known.map(({ address, enabled }) => `${address}${enabled ? '' : ' (disabled)'}`);
  throw operatorError({
    code: 'alias.exists',
    message: `alias ${source} leads to ${names.join(', ')} already`,
    remedy: known.every(({ enabled }) => enabled) ? `${leave}.` : `${leave}; 'hauspost alias set --enabled' enables a disabled one.`,
    detail: { source, destinations: known },
  });
};

const refuseLoops = async (
  directory: Directory,
  source: AliasSource,
  destinations: NewAlias['destinations'],
  responsible: Responsible | undefined,
): Promise<void> => {
  for (const destination of destinations) {
    const loop = await findLoop(directory, source, destination, responsible);
    if (loop !== undefined)
      throw operatorError({
        code: 'alias.loop',
        message: `alias ${source} to ${destination} would be a loop: ${loop.join(' -> ')}`,
        remedy: 'Use another destination, or remove an alias on the way.',
        detail: { source, destination, loop },
      });
  }
};

/** What becomes of mail at a destination of ours; `ok` also for addresses outside, and for those that lead to the `responsible` one, if he is known. */
const stateOf = async (directory: Directory, destination: string, responsible: Responsible | undefined): Promise<'ok' | keyof typeof WARNING> => {
  const at = destination.lastIndexOf('@');
  const [local, domain] = [destination.slice(0, at), destination.slice(at + 1)];
  const role = responsible !== undefined && isRole(local, domain, responsible);
  if (!(await domainExists(directory, domain))) return responsible !== undefined && same(domain, responsible.hostname) && !role ? 'of-host' : 'ok';
  const [account] = await directory.rows('SELECT enabled, send_only FROM accounts_v1 WHERE username = :base AND domain = :domain', {
    base: base(local),
    domain,
  });
  const aliases = await directory.rows(
    `SELECT 1 FROM alias_steps_v1 WHERE source_domain = :domain AND (source_username IN (:local, :base) OR (source_username IS NULL AND :unnamed = 1))
     AND NOT (destination_username = source_username AND destination_domain = source_domain) LIMIT 1`,
    { domain, local, base: base(local), unnamed: account === undefined ? 1 : 0 },
  );
  if (aliases.length > 0) return 'ok';
  if (account === undefined) return role ? 'ok' : 'missing';
  if (!flag(account, 'enabled')) return 'disabled';
  return flag(account, 'send_only') ? 'send-only' : 'ok';
};

const WARNING = {
  'of-host': {
    message: 'is a name of this machine, where nobody has a mailbox: nothing arrives there',
    remedy: 'Use an address of an account.',
  },
  missing: { message: 'does not exist', remedy: 'Add the account or alias, or correct the destination.' },
  disabled: { message: 'is a disabled account: nothing arrives there', remedy: 'Enable the account, or use another destination.' },
  'send-only': {
    message: 'is a send-only account: nothing arrives there, though it may send as the alias',
    remedy: 'Add a destination that receives.',
  },
};

const nearTo = (directory: Directory, source: AliasSource, destination: string): Promise<string | undefined> => {
  const [local = '', domain = ''] = destination.toLowerCase().split('@');
  return meantBy(directory, source, { local: base(local), domain });
};

const warningsFor = async (
  directory: Directory,
  source: AliasSource,
  added: readonly string[],
  responsible: Responsible | undefined,
): Promise<readonly Finding[]> => {
  const warnings: Finding[] = [];
  for (const destination of added) {
    const state = await stateOf(directory, destination, responsible);
    if (state === 'ok') continue;
    const { message, remedy } = WARNING[state];
    const near = state === 'missing' ? await nearTo(directory, source, destination) : undefined;
    const meant = near === undefined ? '' : `; is ${near} meant?`;
    warnings.push({ level: 'warning', code: `alias.destination-${state}`, message: `${destination} ${message}${meant}`, remedy });
  }
  const { local, domain } = partsOf(source);
  const hidden = await directory.rows(
    `SELECT 1 FROM accounts_v1 WHERE username = :local AND domain = :domain AND receives = 1 AND NOT EXISTS (SELECT 1 FROM alias_steps_v1
     WHERE source_username = :local AND source_domain = :domain AND destination_username = :local AND destination_domain = :domain)`,
    { local, domain },
  );
  if (hidden.length > 0)
    warnings.push({
      level: 'warning',
      code: 'alias.hides-account',
      message: `mail for the account ${source} now goes where the alias leads, and no longer to the account`,
      remedy: `'hauspost alias add ${source} ${source}' keeps a copy in the account.`,
    });
  return warnings;
};

export interface NewAlias {
  readonly source: AliasSource;
  /** At least one; repeated ones count once. */
  readonly destinations: readonly (Destination | MailAddress)[];
}

/** All destinations or none. Throws `domain.unknown`, `alias.exists`, `alias.loop`. */
export const add = (
  directory: Directory,
  { source, destinations }: NewAlias,
  responsible?: Responsible,
): Promise<{ readonly alias: Alias; readonly warnings: readonly Finding[] }> =>
  alone(directory, 'hauspost_aliases', () =>
    directory.atomically(async () => {
      const { local, domain } = partsOf(source);
      const wanted = destinations.filter((destination, index) => destinations.findIndex((other) => same(other, destination)) === index);
      if (!(await domainExists(directory, domain))) throw await unknown(directory, domain);
      refuseKnown(source, await destinationsOf(directory, { local, domain }), wanted);
      await refuseLoops(directory, source, wanted, responsible);
      for (const destination of wanted) {
        const to = partsOf(destination);
        await directory.change(
          `INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
           VALUES (:local, :domain, :to_local, :to_domain, 1)`,
          { local, domain, to_local: to.local, to_domain: to.domain },
        );
      }
      const alias = { source, destinations: await destinationsOf(directory, { local, domain }) };
      return { alias, warnings: await warningsFor(directory, source, wanted, responsible) };
    }),
  );

const unknownAlias = (directory: Directory, source: AliasSource): Promise<Error> =>
  unknownAddress(directory, ALIASES, partsOf(source), { what: 'alias', remedy: "See 'hauspost alias list'.", detail: { source } });

/** As many are read by somebody who looks for one of them. */
const SHOWN = 10;

const unknownDestination = (source: AliasSource, destination: Destination, present: Alias['destinations']): Error => {
  const there = present.slice(0, SHOWN).map(({ address }) => address);
  return operatorError({
    code: 'alias.unknown',
    message: `alias ${source} to ${destination} does not exist; it leads to ${there.join(', ')}${present.length > SHOWN ? ', ...' : ''}`,
    remedy: "See 'hauspost alias list'.",
    detail: { source, destination },
  });
};

/** Those that are there and named, or all of them when none is. */
const meant = async (directory: Directory, source: AliasSource, named: readonly Destination[]): Promise<Alias['destinations']> => {
  const present = await destinationsOf(directory, partsOf(source));
  if (present.length === 0) throw await unknownAlias(directory, source);
  for (const one of named) if (!present.some(({ address }) => same(address, one))) throw unknownDestination(source, one, present);
  return present.filter(({ address }) => named.length === 0 || named.some((other) => same(other, address)));
};

/** Both rows where a destination is there twice. */
const changeOne = async (directory: Directory, what: string, parts: Parts, destination: Destination, values: Values = {}): Promise<void> => {
  const to = partsOf(destination);
  const one = `${OF_SOURCE} AND destination_username = :to_local AND destination_domain = :to_domain`;
  await directory.change(`${what} WHERE ${one}`, { ...parts, to_local: to.local, to_domain: to.domain, ...values });
};

/** Switches the destinations on or off, all of them when none is named. Throws `alias.unknown`, and `alias.loop` where one would come to life. */
export const enable = (
  directory: Directory,
  source: AliasSource,
  named: readonly Destination[],
  enabled: boolean,
  responsible?: Responsible,
): Promise<{ readonly alias: Alias; readonly warnings: readonly Finding[] }> =>
  alone(directory, 'hauspost_aliases', () =>
    directory.atomically(async () => {
      const parts = partsOf(source);
      const wanted = (await meant(directory, source, named)).map(({ address }) => address as Destination);
      if (enabled) await refuseLoops(directory, source, wanted, responsible);
      for (const one of wanted) await changeOne(directory, 'UPDATE aliases SET enabled = :enabled', parts, one, { enabled: enabled ? 1 : 0 });
      const alias = { source, destinations: await destinationsOf(directory, parts) };
      return { alias, warnings: enabled ? await warningsFor(directory, source, wanted, responsible) : [] };
    }),
  );

/** Sources whose name begins with `prefix`, letters and `-` only. */
export const named = async (directory: Directory, prefix: string): Promise<readonly AliasSource[]> => {
  const rows = await directory.rows(
    `SELECT DISTINCT LOWER(CONCAT(source_username, '@', source_domain)) AS source FROM aliases WHERE source_username LIKE :like`,
    { like: `${prefix}%` },
  );
  return rows.map((row) => text(row, 'source') as AliasSource);
};

/** The rows after `last` in the order of the index `aliases_by_source`, where NULL comes first. */
const page = (directory: Directory, only: Domain | undefined, last: Row | undefined): Promise<readonly Row[]> => {
  const [domain, local] = last === undefined ? [only ?? '', null] : [text(last, 'source_domain'), orNull(text, last, 'source_username')];
  const after =
    local === null ? '(source_username IS NOT NULL OR id > :id)' : '(source_username > :local OR (source_username = :local AND id > :id))';
  const within = `source_domain = :domain AND ${after}`;
  return directory.rows(
    `SELECT id, source_username, source_domain, CONCAT(destination_username, '@', destination_domain) AS destination, IFNULL(enabled, 0) <> 0 AS enabled
     FROM aliases ${inOrder('aliases_by_source')} WHERE ${only === undefined ? `source_domain > :domain OR (${within})` : within} ORDER BY source_domain, source_username, id LIMIT ${PAGE}`,
    { domain, local, id: last === undefined ? 0 : number(last, 'id') },
  );
};

/** All aliases, or those of one domain, by domain and name; catch-alls first. Throws `domain.unknown`. */
export const list = async function* (directory: Directory, only: { readonly domain?: Domain } = {}): AsyncGenerator<Alias, void, undefined> {
  if (only.domain !== undefined && !(await domainExists(directory, only.domain))) throw await unknown(directory, only.domain);
  let source: AliasSource | undefined;
  let destinations: { address: string; enabled: boolean }[] = [];
  for await (const row of paged((last) => page(directory, only.domain, last))) {
    const next = joined(orNull(text, row, 'source_username'), text(row, 'source_domain')).toLowerCase() as AliasSource;
    if (source !== undefined && next !== source) {
      yield { source, destinations };
      destinations = [];
    }
    source = next;
    destinations.push({ address: text(row, 'destination'), enabled: flag(row, 'enabled') });
  }
  if (source !== undefined) yield { source, destinations };
};

/** Enabled ones that lead to names of the server itself that nobody has; at most so many. */
const leadingToHost = (directory: Directory, most: number, responsible: Responsible): Promise<readonly Row[]> =>
  directory.rows(
    `SELECT step.source_username, step.source_domain, step.destination_username, step.destination_domain
     FROM alias_steps_v1 step LEFT JOIN domains_v1 ours ON ours.domain = step.destination_domain
     WHERE step.destination_domain = :hostname AND ours.domain IS NULL
     AND NOT (${isRoleIn(withoutTag('step.destination_username'), 'step.destination_domain', responsible)}) LIMIT ${most}`,
    { hostname: responsible.hostname },
  );

/**
 * Enabled ones whose destination is an address of ours that does not exist; at most so many, in no order. Reads all aliases, two seconds for 300,000, or those
 * that lead into one domain. With NOT EXISTS instead of the joins it would be half a minute (docs/mariadb.md).
 */
export const leadingNowhere = async (directory: Directory, most: number, responsible?: Responsible, only?: Domain): Promise<readonly Dangling[]> => {
  const [local, domain] = ['step.destination_username', 'step.destination_domain'];
  const onward = (name: string, source: string): string =>
    `LEFT JOIN alias_steps_v1 ${name} ON ${name}.source_domain = ${domain} AND ${name}.source_username = ${source}
     AND NOT (${name}.destination_username = ${name}.source_username AND ${name}.destination_domain = ${name}.source_domain)`;
  const unread = responsible === undefined ? 'TRUE' : `NOT (${isRoleIn(withoutTag(local), domain, responsible)})`;
  const rows = await directory.rows(
    `SELECT step.source_username, step.source_domain, step.destination_username, step.destination_domain
     FROM alias_steps_v1 step JOIN domains_v1 ours ON ours.domain = ${domain}
     LEFT JOIN accounts_v1 account ON account.username = ${withoutTag(local)} AND account.domain = ${domain}
     ${onward('exact', local)} ${onward('untagged', withoutTag(local))}
     LEFT JOIN alias_steps_v1 rest ON rest.source_domain = ${domain} AND rest.source_username IS NULL
     WHERE account.domain IS NULL AND exact.source_domain IS NULL AND untagged.source_domain IS NULL AND rest.source_domain IS NULL
     AND ${unread} ${only === undefined ? '' : `AND ${domain} = :only`} LIMIT ${most}`,
    only === undefined ? {} : { only },
  );
  const ofHost = responsible === undefined || only !== undefined ? [] : await leadingToHost(directory, most, responsible);
  return [...rows, ...ofHost].slice(0, most).map((row) => ({
    source: joined(orNull(text, row, 'source_username'), text(row, 'source_domain')),
    destination: joined(text(row, 'destination_username'), text(row, 'destination_domain')),
  }));
};

/** Removes the destinations, all of them when none is named; with the last one the alias is gone. Throws `alias.unknown`. */
export const remove = (
  directory: Directory,
  source: AliasSource,
  named: readonly Destination[] = [],
): Promise<Alias & { readonly removed: Alias['destinations'] }> =>
  directory.atomically(async () => {
    const parts = partsOf(source);
    const removed = await meant(directory, source, named);
    for (const { address } of removed) await changeOne(directory, 'DELETE FROM aliases', parts, address as Destination);
    return { source, destinations: await destinationsOf(directory, parts), removed };
  });
