/**
 * Brings the machine's files to a generation: the one function behind apply, going back, and healing after a crash.
 * Idempotent: what is right already is not written again. Answers with what was touched, so that activation knows whom to wake.
 */
import { type AbsPath, environmentError, type HauspostError, path } from '#base';
import { isTemporary, type Machine, must } from '#machine';
import { type Item, ITEM_KINDS, type Manifest, type Wake } from '#model';
import { managedPaths } from './compare.ts';
import { isJustAsMade, keyOfMade, movedPackages, noteMoved, readDerivedKeys, writeDerivedKeys } from './derived.ts';
import { standsAs } from './directories.ts';
import { above } from './documents.ts';
import type { Generation, Store } from './store.ts';

export interface Touched {
  readonly paths: readonly string[];
  readonly wakes: readonly Wake[];
}

type Hands = { readonly machine: Machine; readonly store: Store; readonly state: Parameters<typeof readDerivedKeys>[1] };

/** In the middle of a change: what was there before comes back (apply.ts). */
const lost = (staged: AbsPath): HauspostError =>
  environmentError({
    code: 'store.damaged',
    message: `${staged} is gone, and with it what this generation held`,
    remedy: 'Put it back from a backup.',
    detail: { file: staged },
  });

const putFile = async ({ machine }: Hands, generation: Generation, item: Item & { kind: 'file' }): Promise<boolean> => {
  const staged = path(`${generation.tree}${item.path}`);
  const wanted = await machine.read(staged);
  if (wanted === undefined) throw lost(staged);
  const state = await machine.state(item.path);
  const same = state?.kind === 'file' && (await machine.read(item.path))?.equals(wanted) === true;
  if (same && state.owner === item.owner && state.mode === item.mode) return false;
  if (state !== undefined && state.kind !== 'file') await machine.remove(item.path); // a link or directory in the way; generation 0 has it
  await machine.write(item.path, wanted, item);
  return true;
};

const putDir = async ({ machine }: Hands, manifest: Manifest, item: Item & { kind: 'dir' }): Promise<boolean> => {
  const state = await standsAs(machine, item);
  const same = state?.kind === 'dir' && state.owner === item.owner && state.mode === item.mode;
  if (state !== undefined && state.kind !== 'dir') await machine.remove(item.path); // the plan had it as a change of its own, and a copy is kept
  if (!same) await machine.makeDir(item.path, item);
  if (!item.exclusive) return !same;
  let touched = !same;
  const inside = manifest.items.flatMap((other) => ('path' in other ? [other.path] : []));
  for (const name of await machine.list(item.path)) {
    const target = `${item.path}/${name}`;
    if (inside.some((known) => known === target || known.startsWith(`${target}/`))) continue;
    await machine.remove(path(target));
    touched = true;
  }
  return touched;
};

/** `anew` holds paths of sources and names of packages. */
const putDerived = async (
  { machine, state }: Hands,
  manifest: Manifest,
  item: Item & { kind: 'derived' },
  anew: ReadonlySet<string>,
): Promise<boolean> => {
  const keys = await readDerivedKeys(machine, state);
  if (!anew.has(item.from) && !anew.has(item.package) && (await isJustAsMade(machine, item, manifest, keys))) return false;
  const there = await machine.state(item.path);
  if (there !== undefined && there.kind !== 'file') await machine.remove(item.path);
  await must(machine, item.argv);
  await machine.place(item.path, item);
  await writeDerivedKeys(machine, state, { ...keys, [item.path]: await keyOfMade(machine, item, manifest) });
  return true;
};

const put = async (hands: Hands, generation: Generation, item: Item, anew: ReadonlySet<string>): Promise<boolean> => {
  switch (item.kind) {
    case 'file':
      return putFile(hands, generation, item);
    case 'dir':
      return putDir(hands, generation.manifest, item);
    case 'derived':
      return putDerived(hands, generation.manifest, item, anew);
    case 'absent': {
      const there = (await hands.machine.state(item.path)) !== undefined;
      if (there) await hands.machine.remove(item.path);
      return there;
    }
    case 'grant':
      return false; // the database's, after it runs
  }
};

/** What a write that did not come to its end left beside its file. */
const removeTemporaries = async (machine: Machine, folders: ReadonlySet<AbsPath>): Promise<void> => {
  for (const folder of folders) {
    for (const name of await machine.list(folder)) if (isTemporary(name)) await machine.remove(path(`${folder}/${name}`));
  }
};

/** `left` are manifests that may be on the machine now; what only they have is taken back to generation 0's. */
export const converge = async (hands: Hands, generation: Generation, left: readonly Manifest[]): Promise<Touched> => {
  const paths: string[] = [];
  const wakes: Wake[] = [];
  const stays = new Set(managedPaths(generation.manifest));
  const leaves = new Set(left.flatMap(managedPaths)).difference(stays);
  const moved = await movedPackages(hands.machine, generation.manifest);
  await removeTemporaries(hands.machine, new Set([hands.state, ...[...stays, ...leaves].map(above)]));
  await hands.store.originals.restore([...leaves]);
  paths.push(...leaves);
  for (const kind of ITEM_KINDS) {
    for (const item of generation.manifest.items.filter((other) => other.kind === kind)) {
      // Also where the source was written again with the same text: programs compare the times of the two files.
      if (!(await put(hands, generation, item, new Set([...paths, ...moved.keys()])))) continue;
      if ('path' in item) paths.push(item.path);
      if ('wakes' in item) wakes.push(...(item.wakes ?? []));
    }
  }
  await noteMoved(hands.machine, moved);
  return { paths, wakes };
};
