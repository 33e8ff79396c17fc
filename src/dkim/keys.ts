/** DKIM keys (RFC 6376 3.6.1) of this machine, kept as secrets `dkim/DOMAIN/SELECTOR`; what becomes of each is in states.ts. */
import type { Secrets } from '#apply';
import { type AbsPath, type Domain, path } from '#base';
import { type DkimAlgorithm, dkimAlgorithm } from '#formats';
import { type Facts, isTemporary } from '#machine';
import { makeKey, publicPart } from './algorithms.ts';
import { nextSelector } from './selectors.ts';
import { type Entries, type Ledger, readStates, writeStates } from './states.ts';

/** One that lies on this machine and is not retired. */
export type DkimKey = Facts['dkimKeys'][number];

export interface Keyring extends Ledger {
  readonly secrets: Secrets;
  /** Where Rspamd finds its copies. */
  readonly directory: AbsPath;
}

/** Both are made of everything: who cannot verify Ed25519 looks at RSA. */
export const ALGORITHMS: readonly DkimAlgorithm[] = ['rsa', 'ed25519'];

/** Of the TXT record. */
export const recordName = ({ domain, selector }: Pick<DkimKey, 'domain' | 'selector'>): string => `${selector}._domainkey.${domain}`;

const secretName = (domain: string, selector: string): string => `dkim/${domain}/${selector}`;

/** Where Rspamd finds the copy. */
export const copyOf = ({ directory }: Keyring, domain: string, selector: string): AbsPath => path(`${directory}/${domain}/${selector}.key`);

export const privateKey = (keyring: Keyring, domain: string, selector: string): Promise<string | undefined> =>
  keyring.secrets.get(secretName(domain, selector));

/** Names; one that is being written at this moment has another one until it is whole. */
const selectorsOf = async ({ secrets }: Keyring, domain: string): Promise<readonly string[]> =>
  (await secrets.list(`dkim/${domain}`)).filter((name) => !isTemporary(name));

export const domainsWithKeys = ({ secrets }: Keyring): Promise<readonly string[]> => secrets.list('dkim');

export const keysOf = async (keyring: Keyring, domain: string): Promise<readonly DkimKey[]> => {
  const states = await readStates(keyring, domain);
  const keys: DkimKey[] = [];
  for (const selector of await selectorsOf(keyring, domain)) {
    const { state = 'active', since = null } = states[selector] ?? {};
    const pem = state === 'retired' ? undefined : await privateKey(keyring, domain, selector);
    if (state === 'retired' || pem === undefined) continue;
    keys.push({ domain, selector, publicKey: publicPart(pem), path: copyOf(keyring, domain, selector), state, since });
  }
  return keys;
};

/** All of this machine, by domain and selector. */
export const listDkimKeys = async (keyring: Keyring): Promise<readonly DkimKey[]> => {
  const keys: DkimKey[] = [];
  for (const domain of await domainsWithKeys(keyring)) keys.push(...(await keysOf(keyring, domain)));
  return keys;
};

export const algorithmOf = ({ publicKey }: DkimKey): DkimAlgorithm => dkimAlgorithm(publicKey);

/** The one of the algorithm that signs: the newest that is active. */
export const signing = (keys: readonly DkimKey[], algorithm: DkimAlgorithm): DkimKey | undefined =>
  keys
    .filter((key) => key.state === 'active' && algorithmOf(key) === algorithm)
    .toSorted((a, b) => (a.since ?? '').localeCompare(b.since ?? '') || a.selector.localeCompare(b.selector, 'en', { numeric: true }))
    .at(-1);

/**
 * Makes the domain's first keys unless it has one; whether it made them. They sign at once: a signature that nobody can verify yet is no worse than none.
 * RSA comes last, and stands for both.
 */
export const ensureDkimKeys = async (keyring: Keyring, domain: Domain): Promise<boolean> => {
  const { machine, secrets } = keyring;
  const keys = await keysOf(keyring, domain);
  if (keys.some((key) => algorithmOf(key) === 'rsa')) return false;
  // Whoever does the same at this moment comes to the same names.
  const used = [...keys.map(({ selector }) => selector), ...Object.keys(await readStates(keyring, domain))];
  for (const algorithm of ALGORITHMS.toReversed()) {
    if (signing(keys, algorithm) !== undefined) continue;
    await secrets.ensure(secretName(domain, nextSelector(machine.now(), algorithm, used)), () => makeKey(algorithm));
  }
  return true;
};

/** Puts a key beside the others as pending. Should the machine stop in between, there is a name without a key, which counts for nothing. */
export const addPending = async (keyring: Keyring, domain: Domain, selector: string, privatePem: string): Promise<void> => {
  const { machine, secrets } = keyring;
  const algorithm = dkimAlgorithm(publicPart(privatePem));
  const states = await readStates(keyring, domain);
  await writeStates(keyring, domain, { ...states, [selector]: { algorithm, state: 'pending', since: machine.now().toISOString() } });
  await secrets.put(secretName(domain, selector), privatePem);
};

/** Another key of the algorithm, pending; answers with its selector. */
export const makePending = async (keyring: Keyring, domain: Domain, algorithm: DkimAlgorithm): Promise<string> => {
  const used = [...(await selectorsOf(keyring, domain)), ...Object.keys(await readStates(keyring, domain))];
  const selector = nextSelector(keyring.machine.now(), algorithm, used);
  await addPending(keyring, domain, selector, makeKey(algorithm));
  return selector;
};

/** Of keys that are retired: copy and secret. Their names stay in the states. */
export const removeRetired = async (keyring: Keyring, domain: string, states: Entries): Promise<void> => {
  const there = new Set(await selectorsOf(keyring, domain));
  for (const [selector, { state }] of Object.entries(states)) {
    if (state !== 'retired' || !there.has(selector)) continue;
    await keyring.machine.remove(copyOf(keyring, domain, selector));
    await keyring.secrets.forget(secretName(domain, selector));
  }
};
