/**
 * The store of secrets: one file each below /var/lib/hauspost/secrets, 0600 root. A secret is made once and then kept;
 * rendered text names it, staging reveals it. Names are lower-case words with dots and slashes.
 */
import { type AbsPath, bug, environmentError, path, type Text } from '#base';
import type { Machine } from '#machine';

export interface Secrets {
  /** The value, made and stored first if there is none yet. */
  ensure(name: string, make: () => Promise<string> | string): Promise<string>;
  get(name: string): Promise<string | undefined>;
  /** Stores what was made elsewhere. */
  put(name: string, value: string): Promise<void>;
  list(prefix: string): Promise<readonly string[]>;
  forget(name: string): Promise<void>;
  /** The text with every reference replaced; throws `secrets.gone` (exit 4) where somebody removed one. */
  reveal(text: Text): Promise<string>;
}

const NAME = /^[a-z0-9._-]+(?:\/[a-z0-9._-]+)*$/;

const gone = (file: AbsPath): Error =>
  environmentError({ code: 'secrets.gone', message: `${file} is gone`, remedy: "'hauspost up' makes another one where that is possible." });

export const openSecrets = (machine: Machine, store: AbsPath): Secrets => {
  const file = (name: string): AbsPath => {
    if (!NAME.test(name) || name.includes('..')) throw bug(`not a secret's name: ${name}`);
    return path(`${store}/${name}`);
  };
  const get = async (name: string): Promise<string | undefined> => (await machine.read(file(name)))?.toString('utf8');
  const put = async (name: string, value: string): Promise<void> => {
    await machine.makeDir(store, { owner: 'root:root', mode: 0o700 });
    await machine.write(file(name), value, { owner: 'root:root', mode: 0o600 });
  };
  return {
    get,
    put,
    ensure: async (name, make) => {
      const found = await get(name);
      if (found !== undefined) return found;
      const value = await make();
      await put(name, value);
      return value;
    },
    list: (prefix) => machine.list(file(prefix)),
    forget: (name) => machine.remove(file(name)),
    reveal: async (text) => {
      const parts = text.map(async (part) => {
        if (typeof part === 'string') return part;
        const value = await get(part.secret);
        if (value === undefined) throw gone(file(part.secret));
        return value;
      });
      return (await Promise.all(parts)).join('');
    },
  };
};
