/**
 * DKIM keys (RFC 6376 3.6.1): RSA 2048, one a domain, kept as secrets `dkim/DOMAIN/SELECTOR`. Rspamd reads copies of them, and a map
 * that names each domain's selector; both change with the domains, without an apply.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Secrets } from '#apply';
import { type AbsPath, type Domain, path } from '#base';
import type { Facts, Machine } from '#machine';

type DkimKey = Facts['dkimKeys'][number];

/** base64 of the SubjectPublicKeyInfo: the `p=` tag. */
const publicPart = (privatePem: string): string => createPublicKey(privatePem).export({ type: 'spki', format: 'der' }).toString('base64');

const makeKey = (): string => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const secretName = (domain: string, selector: string): string => `dkim/${domain}/${selector}`;

/** All keys of this machine. `directory` is where Rspamd finds them. */
export const listDkimKeys = async (secrets: Secrets, directory: AbsPath): Promise<readonly DkimKey[]> => {
  const keys: DkimKey[] = [];
  for (const domain of await secrets.list('dkim')) {
    for (const selector of await secrets.list(`dkim/${domain}`)) {
      const pem = (await secrets.get(secretName(domain, selector))) ?? '';
      keys.push({ domain, selector, publicKey: publicPart(pem), path: path(`${directory}/${domain}/${selector}.key`) });
    }
  }
  return keys;
};

/** The selector of a key that is made on this day: `h20261124`. */
export const selectorOf = (day: Date): string => `h${day.toISOString().slice(0, 10).replaceAll('-', '')}`;

/** Makes the domain's key unless it has one; whether it made one. */
export const ensureDkimKey = async (secrets: Secrets, domain: Domain, selector: string): Promise<boolean> => {
  if ((await secrets.list(`dkim/${domain}`)).length > 0) return false;
  await secrets.ensure(secretName(domain, selector), makeKey);
  return true;
};

const put = async (machine: Machine, target: AbsPath, content: string, mode: number): Promise<void> => {
  const placement = { owner: 'root:_rspamd', mode };
  const state = await machine.state(target);
  const same = state?.owner === placement.owner && state.mode === mode && (await machine.read(target))?.toString() === content;
  if (!same) await machine.write(target, content, placement);
};

const publish = async (machine: Machine, secrets: Secrets, directory: AbsPath, keys: readonly DkimKey[]): Promise<void> => {
  for (const key of keys) {
    // A directory each: with its selector in one name, a domain of 253 octets would be longer than a file's name may be.
    const own = path(`${directory}/${key.domain}`);
    if ((await machine.state(own)) === undefined) await machine.makeDir(own, { owner: 'root:_rspamd', mode: 0o750 });
    await put(machine, key.path, (await secrets.get(secretName(key.domain, key.selector))) ?? '', 0o440);
  }
  const newest = new Map(keys.map((key) => [key.domain, key.selector]));
  await put(machine, path(`${directory}/selectors.map`), [...newest].map((pair) => `${pair.join(' ')}\n`).join(''), 0o440);
};

/**
 * Puts keys and the map where Rspamd reads them. A domain signs with its newest selector. Several may do so at once without a lock: whoever
 * wrote the map looks once more, so none that writes last has left out the key of another.
 */
export const publishDkimKeys = async (machine: Machine, secrets: Secrets, directory: AbsPath): Promise<void> => {
  await machine.makeDir(directory, { owner: 'root:_rspamd', mode: 0o750 });
  for (let keys = await listDkimKeys(secrets, directory); ; ) {
    await publish(machine, secrets, directory, keys);
    const after = await listDkimKeys(secrets, directory);
    if (isDeepStrictEqual(after, keys)) return;
    keys = after;
  }
};
