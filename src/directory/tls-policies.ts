/** TLS policies by domain of the recipient: set, list, remove. Trusts its parsed input; at most one row a domain. */
import { operatorError } from '#base';
import { type Directory, orNull, type Row, text } from './connect.ts';
import { PAGE, paged } from './pages.ts';
import { type PolicyDomain, type TlsPolicy, type TlsPolicyRow, unusable } from './tls-policy.ts';

const asStored = (row: Row): TlsPolicyRow => ({
  domain: text(row, 'domain').toLowerCase(),
  policy: text(row, 'policy'),
  params: orNull(text, row, 'params'),
});

/** Adds or replaces. */
export const set = async (directory: Directory, { domain, policy, params }: TlsPolicy): Promise<TlsPolicy> => {
  await directory.change(
    'INSERT INTO tlspolicies (domain, policy, params) VALUES (:domain, :policy, :params) ON DUPLICATE KEY UPDATE policy = :policy, params = :params',
    { domain, policy, params },
  );
  return { domain, policy, params };
};

/** All of them by domain. */
export const list = async function* (directory: Directory): AsyncGenerator<TlsPolicyRow, void, undefined> {
  const page = (after: string): Promise<readonly Row[]> =>
    directory.rows(`SELECT domain, policy, params FROM tlspolicies WHERE domain > :after ORDER BY domain LIMIT ${PAGE}`, { after });
  for await (const row of paged((last) => page(last === undefined ? '' : text(last, 'domain')))) yield asStored(row);
};

/** Those that the command would refuse, at most so many, and why. */
export const wrong = async (directory: Directory, most: number): Promise<readonly { readonly domain: string; readonly why: string }[]> => {
  const found: { readonly domain: string; readonly why: string }[] = [];
  for await (const row of list(directory)) {
    const why = unusable(row);
    if (why !== undefined) found.push({ domain: row.domain, why });
    if (found.length === most) break;
  }
  return found;
};

/** Answers what was there. Throws `tls-policy.absent`. */
export const remove = (directory: Directory, domain: PolicyDomain): Promise<TlsPolicyRow> =>
  directory.atomically(async () => {
    const [row] = await directory.rows('SELECT domain, policy, params FROM tlspolicies WHERE domain = :domain FOR UPDATE', { domain });
    if (row === undefined) {
      throw operatorError({
        code: 'tls-policy.absent',
        message: `there is no TLS policy for ${domain}`,
        remedy: "See 'hauspost tls-policy list'.",
        detail: { domain },
      });
    }
    await directory.change('DELETE FROM tlspolicies WHERE domain = :domain', { domain });
    return asStored(row);
  });
