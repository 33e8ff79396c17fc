/**
 * What is due for the keys of domains, done as far as DNS shows what it must. Killed at any point, the next turn does the rest: states are written before
 * anything follows from them, and what follows is looked after each time.
 */
import { publishDkimKeys } from './copies.ts';
import { type DkimKey, type Keyring, keysOf, recordName, removeRetired } from './keys.ts';
import { next, type Seen, type Step, type Waiting } from './rotation.ts';
import { type Entries, readStates, writeStates } from './states.ts';

/** A domain with its keys, as they are before a turn. */
export interface Known {
  readonly domain: string;
  readonly entries: Entries;
  readonly keys: readonly DkimKey[];
}

export interface Turn {
  readonly domain: string;
  readonly steps: readonly Step[];
  readonly waiting: readonly Waiting[];
}

export const knownOf = async (keyring: Keyring, domains: readonly string[]): Promise<readonly Known[]> => {
  const all: Known[] = [];
  for (const domain of domains) all.push({ domain, entries: await readStates(keyring, domain), keys: await keysOf(keyring, domain) });
  return all;
};

/** `seen`: by the names of their records. */
export const takeTurn = async (
  keyring: Keyring,
  all: readonly Known[],
  { seen, retireAfterSeconds }: { readonly seen: ReadonlyMap<string, Seen>; readonly retireAfterSeconds: number },
): Promise<readonly Turn[]> => {
  const turns: (Turn & { readonly entries: Entries })[] = [];
  for (const { domain, entries, keys } of all) {
    const look = (selector: string): Seen | undefined => seen.get(recordName({ domain, selector }));
    const after = next(entries, keys, { now: keyring.machine.now(), seen: look, retireAfterSeconds });
    if (after.entries !== entries) await writeStates(keyring, domain, after.entries);
    turns.push({ domain, ...after });
  }
  await publishDkimKeys(keyring);
  for (const { domain, entries } of turns) await removeRetired(keyring, domain, entries);
  return turns;
};
