/** Domains that mail is taken for: add, list, remove. Trusts its branded input; refuses to remove what is in use, and says what that is. */
import { type Domain, nearest, operatorError } from '#base';
import { asDomain, joined } from './address.ts';
import { type Directory, number, orNull, type Row, symbolOf, text, type Values } from './connect.ts';
import { PAGE, pages } from './pages.ts';

export interface DomainEntry {
  readonly domain: Domain;
  /** How many accounts are in it. */
  readonly accounts: number;
  /** How many alias sources are in it; a catch-all is one. */
  readonly aliases: number;
}

/** What goes with a domain: how many, and the first of them by name. */
export interface Contents {
  readonly accounts: Listing;
  /** Alias sources in the domain. */
  readonly aliases: Listing;
  /** Aliases of other domains that lead into it, as `source -> destination`. */
  readonly pointing: Listing;
}

export interface Listing {
  readonly count: number;
  readonly first: readonly string[];
}

const SHOWN = 20;

/** Comparing takes a moment for each. */
const COMPARED = 5000;

/** `names` are those that there are. */
export const unknownDomain = (domain: string, names: readonly string[]): Error => {
  const near = nearest(domain, names.slice(0, COMPARED));
  return operatorError({
    code: 'domain.unknown',
    message: `domain ${domain} is not one of this server's${near === undefined ? '' : `; is ${near} meant?`}`,
    remedy: `See 'hauspost domain list'; 'hauspost domain add ${domain}' adds it.`,
    detail: { domain },
  });
};

/** The same, where the names are still to be read. */
export const unknown = async (directory: Directory, domain: string): Promise<Error> => unknownDomain(domain, await names(directory));

export const exists = async (directory: Directory, domain: string): Promise<boolean> =>
  (await directory.rows('SELECT 1 FROM domains WHERE domain = :domain', { domain })).length > 0;

/** Throws `domain.exists`. */
export const add = async (directory: Directory, domain: Domain): Promise<DomainEntry> => {
  try {
    await directory.change('INSERT INTO domains (domain) VALUES (:domain)', { domain });
  } catch (error) {
    if (symbolOf(error) !== 'ER_DUP_ENTRY') throw error;
    throw operatorError({
      code: 'domain.exists',
      message: `domain ${domain} exists already`,
      remedy: 'Nothing needs to be done.',
      detail: { domain },
    });
  }
  return { domain, accounts: 0, aliases: 0 };
};

/** By name in lower case. */
type Totals = ReadonlyMap<string, number>;

/** Read in the order of an index: a COUNT(DISTINCT) for each domain takes three times as long. */
const ACCOUNTS = 'SELECT domain, COUNT(*) AS total FROM accounts WHERE domain BETWEEN :first AND :last GROUP BY domain';
const ALIASES = `SELECT domain, COUNT(*) AS total FROM (SELECT source_domain AS domain, source_username FROM aliases
  WHERE source_domain BETWEEN :first AND :last GROUP BY source_domain, source_username) sources GROUP BY domain`;

const totals = async (directory: Directory, count: string, range: Values): Promise<Totals> =>
  new Map((await directory.rows(count, range)).map((row) => [text(row, 'domain').toLowerCase(), number(row, 'total')]));

/** All domains by name. */
export const list = async function* (directory: Directory): AsyncGenerator<DomainEntry, void, undefined> {
  const page = (after: string): Promise<readonly Row[]> =>
    directory.rows(`SELECT domain FROM domains WHERE domain > :after ORDER BY domain LIMIT ${PAGE}`, { after });
  for await (const rows of pages((last) => page(last === undefined ? '' : text(last, 'domain')))) {
    const names = rows.map((row) => text(row, 'domain').toLowerCase());
    const range = { first: names[0] ?? '', last: names.at(-1) ?? '' };
    const [accounts, aliases] = [await totals(directory, ACCOUNTS, range), await totals(directory, ALIASES, range)];
    for (const name of names) yield { domain: asDomain(name), accounts: accounts.get(name) ?? 0, aliases: aliases.get(name) ?? 0 };
  }
};

/** Their names alone, in lower case. */
export const names = async (directory: Directory): Promise<readonly string[]> =>
  (await directory.rows('SELECT LOWER(domain) AS domain FROM domains ORDER BY domain')).map((row) => text(row, 'domain'));

const listing = async (directory: Directory, count: string, first: string, domain: Domain): Promise<Listing> => {
  const [total] = await directory.rows(count, { domain });
  const rows = await directory.rows(`${first} LIMIT ${SHOWN}`, { domain });
  const source = (row: Row): string => joined(orNull(text, row, 'username'), text(row, 'domain'));
  const leads = (row: Row): string => ('destination' in row ? ` -> ${text(row, 'destination')}` : '');
  return { count: total === undefined ? 0 : number(total, 'total'), first: rows.map((row) => `${source(row)}${leads(row)}`) };
};

const contentsOf = async (directory: Directory, domain: Domain): Promise<Contents> => ({
  accounts: await listing(
    directory,
    'SELECT COUNT(*) AS total FROM accounts WHERE domain = :domain',
    'SELECT username, domain FROM accounts WHERE domain = :domain ORDER BY username',
    domain,
  ),
  aliases: await listing(
    directory,
    "SELECT COUNT(DISTINCT IFNULL(source_username, '')) AS total FROM aliases WHERE source_domain = :domain",
    'SELECT DISTINCT source_username AS username, source_domain AS domain FROM aliases WHERE source_domain = :domain ORDER BY source_username',
    domain,
  ),
  pointing: await listing(
    directory,
    'SELECT COUNT(*) AS total FROM aliases WHERE destination_domain = :domain AND source_domain <> :domain',
    `SELECT source_username AS username, source_domain AS domain, CONCAT(destination_username, '@', destination_domain) AS destination
     FROM aliases WHERE destination_domain = :domain AND source_domain <> :domain ORDER BY source_domain, source_username`,
    domain,
  ),
});

const shown = (what: string, { count, first }: Listing): readonly string[] =>
  count === 0 ? [] : [`${count} ${what} (${first.join(', ')}${count > first.length ? ', ...' : ''})`];

const inUse = (domain: Domain, found: Contents): Error => {
  const parts = [
    ...shown(found.accounts.count === 1 ? 'account' : 'accounts', found.accounts),
    ...shown(found.aliases.count === 1 ? 'alias' : 'aliases', found.aliases),
    ...shown(found.pointing.count === 1 ? 'alias that leads into it' : 'aliases that lead into it', found.pointing),
  ];
  return operatorError({
    code: 'domain.in-use',
    message: `domain ${domain} is in use: ${parts.join('; ')}`,
    remedy: 'Remove these first, or add --with-everything.',
    detail: { domain, accounts: found.accounts, aliases: found.aliases, pointing: found.pointing },
  });
};

const EVERYTHING = [
  'DELETE FROM aliases WHERE destination_domain = :domain',
  'DELETE FROM aliases WHERE source_domain = :domain',
  'DELETE FROM accounts WHERE domain = :domain',
];

/**
 * Removes a domain. Throws `domain.unknown`, and `domain.in-use` unless told to take all of that with it. Mail on disk is not touched.
 * Answers what went.
 */
export const remove = (directory: Directory, domain: Domain, options: { readonly withEverything?: boolean } = {}): Promise<Contents> =>
  directory.atomically(async () => {
    // The lock keeps anybody from adding an account or alias meanwhile: their foreign key needs this row.
    const rows = await directory.rows('SELECT id FROM domains WHERE domain = :domain FOR UPDATE', { domain });
    if (rows.length === 0) throw await unknown(directory, domain);
    const found = await contentsOf(directory, domain);
    if (found.accounts.count + found.aliases.count + found.pointing.count > 0) {
      if (options.withEverything !== true) throw inUse(domain, found);
      for (const sql of EVERYTHING) await directory.change(sql, { domain });
    }
    await directory.change('DELETE FROM domains WHERE domain = :domain', { domain });
    return found;
  });
