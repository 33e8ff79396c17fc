/** From where accounts are logged in to, as `login_succeeded_v1` took it down. */
import type { Domain, LocalPart } from '#base';
import { type Directory, text } from './connect.ts';

/**
 * Which of the connected clients may be logged in as the account, or as any of the domain: those from whose network it was let in within 30 days,
 * and those from where nobody was, as far as is known (what could not be taken down kept nobody out). Addresses as the kernel writes them.
 */
export const among = async (
  directory: Directory,
  { local = null, domain }: { readonly local?: LocalPart | null; readonly domain: Domain },
  connected: readonly string[],
): Promise<ReadonlySet<string>> => {
  const rows = await directory.rows(
    `SELECT address FROM JSON_TABLE(:connected, '$[*]' COLUMNS (address varchar(64) PATH '$')) connected
     WHERE EXISTS (SELECT 1 FROM login_clients
                   WHERE client = login_client_v1(address) AND domain = :domain AND (:every = 1 OR username = :local))
     OR NOT EXISTS (SELECT 1 FROM login_clients WHERE client = login_client_v1(address))`,
    { connected: JSON.stringify(connected), domain, local, every: local === null ? 1 : 0 },
  );
  return new Set(rows.map((row) => text(row, 'address')));
};
