/**
 * Generation 0: what was there before the first apply. `0/tree` holds what lay at each path that a generation of ours manages, `0/originals.json`
 * says of each whether something did, `0/dirs.json` owner and mode of each directory, `0/units.json` which daemons ran and which were to start
 * at boot. A path is taken down before it is touched for the first time, the daemons before the first package is installed. Once all is back in
 * place it is given up: what is there then is the operator's again, and the next first apply takes it down anew.
 */
import { type AbsPath, path } from '#base';
import { type Machine, must, type Standing, temporaryFor } from '#machine';
import type { Manifest } from '#model';
import { managedPaths } from './compare.ts';
import { above, copyBelow, documents, ROOT_DIR } from './documents.ts';

interface Ownership {
  readonly owner: string;
  readonly mode: number;
}

interface Begun {
  /** When, ISO 8601. */
  readonly begun: string;
  /** There was an earlier generation 0, which was given up. Earlier versions did not write it down. */
  readonly again?: boolean;
}

export interface Originals {
  /** Undefined: there is none. */
  begun(): Promise<Begun | undefined>;
  /** Takes down the daemons, unless that was done before. */
  begin(units: readonly Standing[], again: boolean): Promise<void>;
  units(): Promise<readonly Standing[]>;
  /** Takes down what the manifest would change and is not known yet. */
  keep(manifest: Manifest): Promise<void>;
  /** What is known of: whether something was there. */
  paths(): Promise<ReadonlyMap<AbsPath, boolean>>;
  /** Where the copy of what was at `target` lies. */
  copyOf(target: AbsPath): AbsPath;
  /** Puts back what was at the paths: the original, or nothing. */
  restore(targets: readonly AbsPath[]): Promise<void>;
  /** Puts back everything: files, then directories. */
  restoreAll(): Promise<void>;
  forget(): Promise<void>;
}

/** What an exclusive directory holds beside our own files, and would lose. */
const strangersIn = async (machine: Machine, manifest: Manifest): Promise<readonly AbsPath[]> => {
  const ours = managedPaths(manifest);
  const found: AbsPath[] = [];
  for (const item of manifest.items) {
    if (item.kind !== 'dir' || !item.exclusive) continue;
    const names = (await machine.list(item.path)).map((name) => path(`${item.path}/${name}`));
    found.push(...names.filter((name) => !ours.some((own) => own === name || own.startsWith(`${name}/`))));
  }
  return found;
};

/** Not yet durable. What lies at `target` stays until all of the copy is beside it. */
const putBack = async (machine: Machine, copy: AbsPath, target: AbsPath): Promise<void> => {
  const parent = above(target);
  if ((await machine.state(parent)) === undefined) await machine.makeDir(parent, { owner: 'root:root', mode: 0o755 }); // went with its package
  const whole = temporaryFor(target);
  try {
    await must(machine, ['cp', '-a', '--no-target-directory', copy, whole]);
    if ((await machine.state(target))?.kind === 'dir' || (await machine.state(whole))?.kind === 'dir') await machine.remove(target); // rename(2) replaces none
    await machine.rename(whole, target);
  } finally {
    await machine.remove(whole); // of a copy that the disk did not take
  }
};

const restoreDir = async (machine: Machine, target: AbsPath, was: Ownership | null): Promise<void> => {
  if ((await machine.state(target))?.kind !== 'dir') return;
  if (was !== null) await machine.place(target, was);
  else if ((await machine.list(target)).length === 0) await machine.remove(target); // what somebody put there since stays
};

export const openOriginals = (machine: Machine, generations: AbsPath): Originals => {
  const zero = path(`${generations}/0`);
  const tree = path(`${zero}/tree`);
  const { json, put } = documents(machine);
  const file = (name: string): AbsPath => path(`${zero}/${name}.json`);
  const known = async (): Promise<Record<string, boolean>> => (await json<Record<string, boolean>>(file('originals'))) ?? {};
  const knownDirs = async (): Promise<Record<string, Ownership | null>> => (await json<Record<string, Ownership | null>>(file('dirs'))) ?? {};
  const copyOf = (target: AbsPath): AbsPath => path(`${tree}${target}`);
  const makeZero = async (): Promise<void> => {
    await machine.makeDir(generations, ROOT_DIR);
    await machine.makeDir(zero, ROOT_DIR);
  };

  const keepFiles = async (targets: readonly AbsPath[]): Promise<void> => {
    const before = await known();
    const unknown = targets.filter((target) => before[target] === undefined);
    if (unknown.length === 0) return;
    const there = await Array.fromAsync(unknown, async (target) => [target, await copyBelow(machine, tree, target)] as const);
    if (there.some(([, found]) => found)) await must(machine, ['sync', '--file-system', zero]);
    await put(file('originals'), { ...before, ...Object.fromEntries(there) });
  };

  const keepDirs = async (manifest: Manifest): Promise<void> => {
    const before = await knownDirs();
    const unknown = manifest.items.flatMap((item) => (item.kind === 'dir' && before[item.path] === undefined ? [item.path] : []));
    if (unknown.length === 0) return;
    const states = await Array.fromAsync(unknown, async (target) => [target, (await machine.state(target)) ?? null] as const);
    const owned = states.map(([target, state]) => [target, state === null ? null : { owner: state.owner, mode: state.mode }] as const);
    await put(file('dirs'), { ...before, ...Object.fromEntries(owned) });
  };

  const restoreOne = async (target: AbsPath): Promise<void> =>
    (await known())[target] === true ? putBack(machine, copyOf(target), target) : machine.remove(target);

  const restore = async (targets: readonly AbsPath[]): Promise<void> => {
    for (const target of targets) await restoreOne(target);
    const there = await known();
    const parents = new Set(targets.filter((target) => there[target] === true).map(above));
    if (parents.size > 0) await must(machine, ['sync', '--file-system', ...parents]);
  };

  return {
    begun: () => json<Begun>(file('begun')),
    begin: async (units, again) => {
      if ((await json(file('begun'))) !== undefined) return;
      await makeZero();
      await put(file('units'), units);
      await put(file('begun'), { begun: machine.now().toISOString(), again } satisfies Begun);
    },
    units: async () => (await json<readonly Standing[]>(file('units'))) ?? [],
    keep: async (manifest) => {
      await makeZero();
      await keepDirs(manifest);
      await keepFiles([...managedPaths(manifest), ...(await strangersIn(machine, manifest))]);
    },
    paths: async () => new Map(Object.entries(await known()).map(([target, there]) => [path(target), there])),
    copyOf,
    restore,
    restoreAll: async () => {
      for (const target of Object.keys(await known())) await restoreOne(path(target));
      const dirs = Object.entries(await knownDirs()).toSorted(([a], [b]) => b.length - a.length); // the inner ones first
      for (const [target, was] of dirs) await restoreDir(machine, path(target), was);
      await must(machine, ['sync']);
    },
    forget: () => machine.remove(zero),
  };
};
