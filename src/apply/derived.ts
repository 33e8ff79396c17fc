/** Files made by a program from one of ours (`sievec`): made again when the source's text or the command changes, and by each version of the program's package. */
import { createHash } from 'node:crypto';
import { type AbsPath, HauspostError, path, redacted } from '#base';
import { installedVersions, type Machine } from '#machine';
import type { Item, Manifest } from '#model';
import { documents } from './documents.ts';

export type DerivedKeys = Readonly<Record<string, string>>;
type Derived = Item & { kind: 'derived' };

export const derivedKey = (item: Derived, manifest: Manifest): string => {
  const source = manifest.items.find((other) => other.kind === 'file' && other.path === item.from);
  const text = source?.kind === 'file' ? redacted(source.text) : '';
  return createHash('sha256')
    .update(JSON.stringify([item.argv, text]))
    .digest('hex');
};

const file = (state: AbsPath): AbsPath => path(`${state}/derived.json`);

/** None where they cannot be read: then all is made again. */
export const readDerivedKeys = async (machine: Machine, state: AbsPath): Promise<DerivedKeys> => {
  try {
    return (await documents(machine).json<DerivedKeys>(file(state))) ?? {};
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'store.damaged') return {};
    throw error;
  }
};

export const writeDerivedKeys = (machine: Machine, state: AbsPath, keys: DerivedKeys): Promise<void> => documents(machine).put(file(state), keys);

/** Packages of another version than the one that made their files last, each with the record of that and what is installed now. */
export type Moved = ReadonlyMap<string, { readonly record: AbsPath; readonly version: string }>;

export const movedPackages = async (machine: Machine, { items }: Manifest): Promise<Moved> => {
  const records = new Map(items.flatMap((item) => (item.kind === 'derived' ? [[item.package, item.record] as const] : [])));
  const moved = new Map<string, { readonly record: AbsPath; readonly version: string }>();
  if (records.size === 0) return moved;
  for (const [name, version] of await installedVersions(machine, [...records.keys()])) {
    const record = records.get(name);
    if (record !== undefined && (await machine.read(record))?.toString().trim() !== version) moved.set(name, { record, version });
  }
  return moved;
};

/** All of their files are made anew. */
export const noteMoved = async (machine: Machine, moved: Moved): Promise<void> => {
  for (const { record, version } of moved.values()) await machine.write(record, `${version}\n`, { owner: 'root:root', mode: 0o600 });
};
