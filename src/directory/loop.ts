/**
 * Does a new alias lead back to itself? Walks the enabled aliases from its destination as delivery would (see `chain.ts`), each address once, and
 * answers with the way. An alias of an account onto itself is no loop: it keeps a copy.
 */
import { bug, type MailAddress, splitAddress } from '#base';
import { type AliasSource, base, type Destination, joined, type Parts, partsOf, same } from './address.ts';
import { type Directory, text } from './connect.ts';
import { exists as domainExists } from './domains.ts';
import { isRole, type Responsible } from './roles.ts';

interface Node {
  readonly local: string;
  readonly domain: string;
  readonly from?: Node;
}

const shown = (node: Node): string => joined(node.local, node.domain);

const steps = async (directory: Directory, local: string | null, domain: string): Promise<readonly Node[]> => {
  const rows = await directory.rows(
    `SELECT destination_username, destination_domain FROM alias_steps_v1
     WHERE source_domain = :domain AND source_username <=> :local ORDER BY destination_domain, destination_username`,
    { local, domain },
  );
  return rows.map((row) => ({ local: text(row, 'destination_username'), domain: text(row, 'destination_domain') }));
};

const isAccount = async (directory: Directory, local: string, domain: string): Promise<boolean> =>
  (await directory.rows('SELECT 1 FROM accounts_v1 WHERE username = :local AND domain = :domain', { local, domain })).length > 0;

/** A name that nobody has and that leads to the postmaster. */
const isForPostmaster = async (directory: Directory, { local, domain }: Node, responsible: Responsible): Promise<boolean> =>
  isRole(local, domain, responsible) && (same(domain, responsible.hostname) || (await domainExists(directory, domain)));

interface Under {
  readonly source: boolean;
  readonly next: readonly Node[];
}

/** The alias source that mail for `node` falls under, and its steps, if `source` were an enabled alias, too. */
const under = async (directory: Directory, node: Node, source: Parts, responsible: Responsible | undefined): Promise<Under> => {
  const isSource = (local: string | null): boolean => same(node.domain, source.domain) && same(local ?? '', source.local ?? '');
  const untagged = base(node.local);
  for (const local of untagged === '' || untagged === node.local ? [node.local] : [node.local, untagged]) {
    if (isSource(local)) return { source: true, next: [] };
    const next = await steps(directory, local, node.domain);
    if (next.length > 0) return { source: false, next };
  }
  if (await isAccount(directory, untagged, node.domain)) return { source: false, next: [] };
  if (responsible !== undefined && (await isForPostmaster(directory, node, responsible)))
    return { source: false, next: [splitAddress(responsible.postmaster)] };
  if (isSource(null)) return { source: true, next: [] };
  return { source: false, next: await steps(directory, null, node.domain) };
};

const way = (node: Node): readonly string[] => [...(node.from === undefined ? [] : way(node.from)), shown(node)];

/** The addresses from `source` over `destination` back to `source`; undefined if there is no such way. Role names lead to the `responsible` one, if he is known. */
export const findLoop = async (
  directory: Directory,
  source: AliasSource,
  destination: Destination | MailAddress,
  responsible?: Responsible,
): Promise<readonly string[] | undefined> => {
  const start = partsOf(source);
  const { local, domain } = partsOf(destination);
  if (local === null) throw bug(`a destination without a local part: ${destination}`);
  if (same(source, destination) && (await isAccount(directory, local, domain))) return undefined;
  const queue: Node[] = [{ local, domain }];
  const seen = new Set([destination.toLowerCase()]);
  for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
    const found = await under(directory, node, start, responsible);
    if (found.source) return [source, ...way(node), ...(same(shown(node), source) ? [] : [source])];
    for (const next of found.next.filter((candidate) => !seen.has(shown(candidate).toLowerCase()))) {
      seen.add(shown(next).toLowerCase());
      queue.push({ ...next, from: node });
    }
  }
  return undefined;
};
