/** What Rspamd reads: copies of keys, and for each algorithm a map that names each domain's selector. They change with the domains, without an apply. */
import { isDeepStrictEqual } from 'node:util';
import { type AbsPath, path } from '#base';
import type { DkimAlgorithm } from '#formats';
import { asRspamdReads } from './algorithms.ts';
import { ALGORITHMS, type DkimKey, type Keyring, listDkimKeys, privateKey, signing } from './keys.ts';

/** RSA's is the one that Rspamd's own module reads. */
const MAPS: Readonly<Record<DkimAlgorithm, string>> = { rsa: 'selectors.map', ed25519: 'ed25519.map' };

const put = async ({ machine }: Keyring, target: AbsPath, content: string, anew = false): Promise<void> => {
  const placement = { owner: 'root:_rspamd', mode: 0o440 };
  const state = await machine.state(target);
  const same = !anew && state?.owner === placement.owner && state.mode === placement.mode && (await machine.read(target))?.toString() === content;
  if (!same) await machine.write(target, content, placement);
};

const copies = async (keyring: Keyring, keys: readonly DkimKey[]): Promise<void> => {
  const { machine, directory } = keyring;
  for (const key of keys) {
    const pem = await privateKey(keyring, key.domain, key.selector);
    if (key.state === 'pending' || pem === undefined) continue;
    // A directory each: with its selector in one name, a domain of 253 octets would be longer than a file's name may be.
    const own = path(`${directory}/${key.domain}`);
    if ((await machine.state(own)) === undefined) await machine.makeDir(own, { owner: 'root:_rspamd', mode: 0o750 });
    await put(keyring, key.path, asRspamdReads(pem));
  }
};

/** A key lies there before a map names it, and after: what Rspamd has begun to sign by the old map it still can. */
const publish = async (keyring: Keyring, keys: readonly DkimKey[], anew: boolean): Promise<void> => {
  await copies(keyring, keys);
  const domains = [...Map.groupBy(keys, ({ domain }) => domain)];
  for (const algorithm of ALGORITHMS) {
    const lines = domains.flatMap(([domain, some]) => {
      const key = signing(some, algorithm);
      return key === undefined ? [] : [`${domain} ${key.selector}\n`];
    });
    await put(keyring, path(`${keyring.directory}/${MAPS[algorithm]}`), lines.join(''), anew);
  }
};

/**
 * Puts keys and maps where Rspamd reads them. A domain signs with its newest active key of each algorithm. Several may do so at once without a lock:
 * whoever wrote the maps looks once more, so none that writes last has left out the key of another. `anew`: the maps are replaced even where they are right,
 * for an Rspamd that did not see them change.
 */
export const publishDkimKeys = async (keyring: Keyring, { anew = false } = {}): Promise<void> => {
  await keyring.machine.makeDir(keyring.directory, { owner: 'root:_rspamd', mode: 0o750 });
  for (let keys = await listDkimKeys(keyring); ; ) {
    await publish(keyring, keys, anew);
    const after = await listDkimKeys(keyring);
    if (isDeepStrictEqual(after, keys)) return;
    keys = after;
  }
};
