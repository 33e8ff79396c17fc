/**
 * Which address somebody meant who named one that is not there. The database looks through its indexes and hands out a bounded number of names,
 * however many there are: of the same name in other domains, and in the same domain of those that begin or end alike.
 */
import { nearest, operatorError } from '#base';
import { joined, type Parts } from './address.ts';
import { type Directory, text } from './connect.ts';
import { exists as domainExists, unknown } from './domains.ts';
import { inOrder } from './pages.ts';

interface Place {
  readonly code: string;
  readonly elsewhere: string;
  readonly alike: string;
}

/** Comparing takes a moment for each. */
const COMPARED = 500;

const atEnds = (letters: string): readonly [string, string] => [
  `LEFT(name, ${letters}) = LEFT(:local, ${letters})`,
  `RIGHT(name, ${letters}) = RIGHT(:local, ${letters})`,
];
/** One slip of the fingers, two neighbours swapped included, leaves one of the halves as it is. */
const ALIKE = atEnds(':half').join(' OR ');
/** The more of both ends is the same, the nearer; of those, what is as long. */
const NEARNESS = [':half', ':more', ':most'].flatMap(atEnds).map((same) => `(${same})`);
const NEAREST_FIRST = `${NEARNESS.join(' + ')} DESC, ABS(CHAR_LENGTH(name) - CHAR_LENGTH(:local))`;

const place = (code: string, table: string, local: string, domain: string, index: Parameters<typeof inOrder>[0]): Place => ({
  code,
  elsewhere: `SELECT DISTINCT ${domain} AS name FROM ${table} WHERE ${local} <=> :local LIMIT ${COMPARED}`,
  alike: `SELECT name FROM (SELECT DISTINCT ${local} AS name FROM ${table} ${inOrder(index)} WHERE ${domain} = :domain) names WHERE ${ALIKE} ORDER BY ${NEAREST_FIRST} LIMIT ${COMPARED}`,
});

export const ACCOUNTS = place('account.unknown', 'accounts', 'username', 'domain', 'accounts_by_domain');
export const ALIASES = place('alias.unknown', 'aliases', 'source_username', 'source_domain', 'aliases_by_source');

const alikeIn = async (directory: Directory, { alike }: Place, { local, domain }: Parts & { readonly local: string }): Promise<readonly string[]> => {
  const half = Math.max(1, Math.floor((local.length - 1) / 2));
  const most = Math.max(half, local.length - 2);
  const rows = await directory.rows(alike, { domain, local, half, more: Math.floor((half + most) / 2), most });
  return rows.map((row) => text(row, 'name').toLowerCase());
};

const nearestLocal = async (directory: Directory, where: Place, { local, domain }: Parts): Promise<string | undefined> =>
  local === null ? undefined : nearest(local, await alikeIn(directory, where, { local, domain }));

const nearestDomain = async (directory: Directory, { elsewhere }: Place, { local, domain }: Parts): Promise<string | undefined> =>
  nearest(
    domain,
    (await directory.rows(elsewhere, { local })).map((row) => text(row, 'name').toLowerCase()),
  );

/** The account or alias that somebody meant who named one that is not there; `source` is the alias that is to lead to it. */
export const meantBy = async (directory: Directory, source: string, parts: Parts & { readonly local: string }): Promise<string | undefined> => {
  const names = [...(await alikeIn(directory, ACCOUNTS, parts)), ...(await alikeIn(directory, ALIASES, parts))];
  const others = names.filter((name) => ![source, joined(parts.local, parts.domain)].includes(joined(name, parts.domain)));
  const near = nearest(parts.local, others);
  return near === undefined ? undefined : joined(near, parts.domain);
};

/** What to say of an address that is not there; `domain.unknown` where that is why, and the name is in no domain that is near. */
export const unknownAddress = async (
  directory: Directory,
  where: Place,
  parts: Parts,
  { what, remedy, detail }: { readonly what: string; readonly remedy: string; readonly detail: Readonly<Record<string, string>> },
): Promise<Error> => {
  const { local, domain } = parts;
  const ours = await domainExists(directory, domain);
  const name = ours ? await nearestLocal(directory, where, parts) : undefined;
  const other = name === undefined ? await nearestDomain(directory, where, parts) : undefined;
  if (!ours && other === undefined) return unknown(directory, domain);
  const near = name === undefined ? other && joined(local, other) : joined(name, domain);
  return operatorError({
    code: where.code,
    message: `${what} ${joined(local, domain)} does not exist${near === undefined ? '' : `; is ${near} meant?`}`,
    remedy,
    detail: { ...detail, ...(near === undefined ? {} : { near }) },
  });
};
