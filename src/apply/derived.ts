/**
 * Files made by a program from one of ours (`sievec`): made again when the source's text or the command changes, by each version of the program's
 * package, and when they are no longer what the program made.
 */
import { createHash } from 'node:crypto';
import { type AbsPath, HauspostError, path, redacted } from '#base';
import { installedVersions, type Machine } from '#machine';
import type { Item, Manifest } from '#model';
import { documents } from './documents.ts';

/** Without `made`: what an earlier version took down. */
interface Made {
  /** What it was made from, and how. */
  readonly from: string;
  /** SHA-256 of what came of it, and the version of the package that made it. */
  readonly made?: string;
  readonly by?: string;
}

/** By path. */
export type DerivedKeys = Readonly<Record<string, Made | undefined>>;
type Derived = Item & { kind: 'derived' };

export const derivedKey = (item: Derived, manifest: Manifest): string => {
  const source = manifest.items.find((other) => other.kind === 'file' && other.path === item.from);
  const text = source?.kind === 'file' ? redacted(source.text) : '';
  return createHash('sha256')
    .update(JSON.stringify([item.argv, text]))
    .digest('hex');
};

const digest = async (machine: Machine, { path: target }: Derived): Promise<string> =>
  createHash('sha256')
    .update((await machine.read(target)) ?? '')
    .digest('hex');

const recorded = async (machine: Machine, { record }: Derived): Promise<string> => (await machine.read(record))?.toString().trim() ?? '';

/** Right after it was made. */
export const keyOfMade = async (machine: Machine, item: Derived, manifest: Manifest): Promise<Made> => {
  const by = (await installedVersions(machine, [item.package])).get(item.package);
  return { from: derivedKey(item, manifest), made: await digest(machine, item), ...(by === undefined ? {} : { by }) };
};

/** Whether it was made once from what it is to be made from. */
export const isMadeFrom = (item: Derived, manifest: Manifest, keys: DerivedKeys): boolean => keys[item.path]?.from === derivedKey(item, manifest);

const isPlaced = async (machine: Machine, item: Derived): Promise<boolean> => {
  const state = await machine.state(item.path);
  return state?.kind === 'file' && state.owner === item.owner && state.mode === item.mode;
};

/** Whether it lies there as we made it. */
export const isJustAsMade = async (machine: Machine, item: Derived, manifest: Manifest, keys: DerivedKeys): Promise<boolean> => {
  if (!isMadeFrom(item, manifest, keys) || !(await isPlaced(machine, item))) return false;
  return keys[item.path]?.by === (await recorded(machine, item)) && keys[item.path]?.made === (await digest(machine, item));
};

/** The same, or as another version of its package has made it since without us: then what came of that is not known. */
export const isAsMade = async (machine: Machine, item: Derived, manifest: Manifest, keys: DerivedKeys): Promise<boolean> => {
  if (!isMadeFrom(item, manifest, keys) || !(await isPlaced(machine, item))) return false;
  return keys[item.path]?.by !== (await recorded(machine, item)) || keys[item.path]?.made === (await digest(machine, item));
};

const file = (state: AbsPath): AbsPath => path(`${state}/derived.json`);

/** None where they cannot be read: then all is made again. */
export const readDerivedKeys = async (machine: Machine, state: AbsPath): Promise<DerivedKeys> => {
  try {
    const known = Object.entries((await documents(machine).json<Record<string, Made | string>>(file(state))) ?? {});
    return Object.fromEntries(known.map(([target, key]) => [target, typeof key === 'string' ? { from: key } : key]));
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
