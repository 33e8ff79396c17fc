/**
 * How much mailboxes hold, by Dovecot's own count (doveadm-quota(1)), many in one call. Trusts the addresses of the database. Whoever never got
 * mail has no folder and holds nothing, and Dovecot, which would make the folder, is not asked.
 */
import { failure, type MailAddress, path, splitAddress } from '#base';
import type { Machine } from '#machine';
import { MAIL } from './people.ts';

/** Accounts of one question. Dovecot 2.3 begins each with reading the names of all accounts. */
const AT_ONCE = 2000;
/** Of a question; a mailbox on a slow disk takes some 50 ms. */
const LIMIT_MS = 600_000;

const hasMailbox = async (machine: Machine, address: MailAddress): Promise<boolean> => {
  const { local, domain } = splitAddress(address);
  // Rows of plain SQL may hold what is no name of a folder.
  if (local.includes('/') || local === '.' || local === '..') return false;
  return (await machine.state(path(`${MAIL}/mailboxes/${domain}/${local}`))) !== undefined;
};

/** Lines of `address, name of the quota, STORAGE or MESSAGE, value, ...`, apart by tabs; storage is in units of 1024 octets. */
const storageOf = (answer: string): ReadonlyMap<string, number> => {
  const fields = answer.split('\n').map((line) => line.split('\t'));
  return new Map(fields.flatMap(([address = '', , type, value]) => (type === 'STORAGE' ? [[address, Number(value)] as const] : [])));
};

/** doveadm reads names from a file that it can seek in. */
const ask = async (machine: Machine, addresses: readonly MailAddress[]): Promise<ReadonlyMap<string, number>> => {
  if (addresses.length === 0) return new Map();
  const file = path(`/run/hauspost-usage.${machine.random(8).toString('hex')}`);
  await machine.write(file, addresses.map((address) => `${address}\n`).join(''), { owner: 'root:root', mode: 0o600 });
  try {
    const { code, stdout, stderr } = await machine.run(['doveadm', '-f', 'tab', 'quota', 'get', '-F', file], { ms: LIMIT_MS });
    if (code === 0) return storageOf(stdout);
    throw failure({
      code: 'account.usage',
      message: 'Dovecot does not say how much the mailboxes hold',
      remedy: "See 'hauspost status' and Dovecot's log; without --usage it is not asked.",
      detail: { status: code },
      cause: stderr,
    });
  } finally {
    await machine.remove(file);
  }
};

const measured = async function* <A extends { readonly address: MailAddress }>(
  machine: Machine,
  accounts: readonly A[],
): AsyncGenerator<A & { readonly usedMb: number }, void, undefined> {
  const there = await Promise.all(accounts.map(({ address }) => hasMailbox(machine, address)));
  const held = await ask(
    machine,
    accounts.flatMap(({ address }, index) => (there[index] === true ? [address] : [])),
  );
  for (const each of accounts) yield { ...each, usedMb: Math.round((held.get(each.address) ?? 0) / 1.024) / 1000 };
};

/** MB with three decimals, so that each KB counts. Throws `account.usage` when Dovecot does not answer (exit 1). */
export const withUsage = async function* <A extends { readonly address: MailAddress }>(
  machine: Machine,
  accounts: AsyncIterable<A>,
): AsyncGenerator<A & { readonly usedMb: number }, void, undefined> {
  let waiting: A[] = [];
  for await (const each of accounts) {
    waiting.push(each);
    if (waiting.length < AT_ONCE) continue;
    yield* measured(machine, waiting);
    waiting = [];
  }
  yield* measured(machine, waiting);
};
