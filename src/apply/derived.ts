/** Files made by a program from one of ours (`sievec`): made again when the source's text, the command or the program's version changes. */
import { createHash } from 'node:crypto';
import { type AbsPath, path, redacted } from '#base';
import type { Machine } from '#machine';
import type { Item, Manifest } from '#model';

export type DerivedKeys = Readonly<Record<string, string>>;
type Derived = Item & { kind: 'derived' };

export const derivedKey = (item: Derived, manifest: Manifest): string => {
  const source = manifest.items.find((other) => other.kind === 'file' && other.path === item.from);
  const text = source?.kind === 'file' ? redacted(source.text) : '';
  return createHash('sha256')
    .update(JSON.stringify([item.argv, item.version, text]))
    .digest('hex');
};

const file = (state: AbsPath): AbsPath => path(`${state}/derived.json`);

export const readDerivedKeys = async (machine: Machine, state: AbsPath): Promise<DerivedKeys> => {
  const found = await machine.read(file(state));
  return found === undefined ? {} : (JSON.parse(found.toString()) as DerivedKeys);
};

export const writeDerivedKeys = (machine: Machine, state: AbsPath, keys: DerivedKeys): Promise<void> =>
  machine.write(file(state), `${JSON.stringify(keys, null, 1)}\n`, { owner: 'root:root', mode: 0o600 });
