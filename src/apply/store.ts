/**
 * Generations on disk, below /var/lib/hauspost/generations (0700 root): `N/manifest.json`, `N/meta.json`, and `N/tree`, which
 * holds every file as it stands on the machine; `hauspost.toml` is the operator's file that it was made from, `input.json` what that came to
 * on this machine. Those of an earlier version of Hauspost are read; one whose format is newer than ours is refused. Generation 0 is what was there
 * before us. `state.json` says which generation is committed, and which one was being entered when a change was interrupted.
 */
import { type AbsPath, operatorError, path } from '#base';
import type { Machine } from '#machine';
import { type Item, ITEM_KINDS, type Manifest, type RenderInput } from '#model';
import { copyBelow, documents, ROOT_DIR, ROOT_FILE } from './documents.ts';
import { openOriginals, type Originals } from './originals.ts';

/**
 * Of what is written below. One more where an earlier version of Hauspost would do the wrong thing with it: another kind of item, another meaning. What is
 * only added to settings, facts and wiring needs none: whoever reads a generation that lacks it completes it (earlier.ts).
 */
export const FORMAT = 1;

export interface Meta {
  readonly number: number;
  readonly format: number;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly summary: string;
  /** Version of Hauspost that rendered it. */
  readonly version: string;
  /** Debian release whose dialects it speaks. */
  readonly codename: string;
  /** When it was in place for the first time, ISO 8601; null: it never was. */
  readonly applied: string | null;
}

export interface State {
  readonly committed: number | null;
  readonly entering: number | null;
}

export interface Generation {
  readonly meta: Meta;
  readonly manifest: Manifest;
  /** What it was rendered from: its daemons listen where that says. Missing in generations of versions that did not keep it. */
  readonly input: RenderInput | undefined;
  /** Text of the operator's file that it was made from. */
  readonly source: string | undefined;
  /** Files at `tree + path`. */
  readonly tree: AbsPath;
}

const SOURCE = 'hauspost.toml';
const META = 'meta.json';
/** Of those that were in place, besides the one that is: about 600 kB each. */
const KEPT = 30;

export interface Store {
  state(): Promise<State>;
  setState(state: State): Promise<void>;
  numbers(): Promise<readonly number[]>;
  /** The generation is what the machine is now; nothing is under way any more. */
  commit(number: number): Promise<void>;
  /** Removes what was staged and never got in place, and all but the newest that were; never what is in place or being entered, nor generation 0. */
  sweep(): Promise<void>;
  /** Also of those that cannot be loaded. */
  metas(): Promise<readonly Meta[]>;
  /** Text of the operator's file that it was made from, whoever made it. */
  source(number: number): Promise<string | undefined>;
  /** Refuses what a newer version wrote and this one cannot read. */
  load(number: number): Promise<Generation>;
  /** Writes a complete generation; `content` gives each file's bytes. */
  save(generation: Omit<Generation, 'tree'>, content: (item: Item & { kind: 'file' }) => Promise<string>): Promise<Generation>;
  discard(number: number): Promise<void>;
  /** Copies what is at `targets` now to a new folder below `overwritten`, beside the generations; undefined when nothing is there. */
  keepOverwritten(targets: readonly AbsPath[]): Promise<AbsPath | undefined>;
  /** Generation 0. */
  readonly originals: Originals;
}

export const isReadable = ({ format }: Meta): boolean => format <= FORMAT;

const unreadable = ({ number, version }: Meta): Error =>
  operatorError({
    code: 'generation.newer',
    message: `generation ${number} was made by Hauspost ${version}, and this version cannot read it`,
    remedy: `Use Hauspost ${version} or a newer one: put it in the place of this one.`,
  });

const keepBelow = async (machine: Machine, folder: AbsPath, targets: readonly AbsPath[]): Promise<AbsPath | undefined> => {
  const there = await Array.fromAsync(targets, async (target) => ((await machine.state(target)) === undefined ? [] : [target]));
  if (there.flat().length === 0) return undefined;
  const kept = path(`${folder}/${machine.now().toISOString().replace(/[:.]/g, '-')}`);
  await machine.makeDir(folder, ROOT_DIR);
  for (const target of there.flat()) await copyBelow(machine, kept, target);
  return kept;
};

/** What can be told of any generation, whoever made it. */
const toldOf = (machine: Machine, folder: (number: number) => AbsPath) => ({
  meta: async (number: number): Promise<Meta> => ({
    ...{ number, format: 0, created: '', summary: '', version: '', codename: '', applied: null },
    ...(await documents(machine).json<Partial<Meta>>(path(`${folder(number)}/${META}`))),
  }),
  source: async (number: number): Promise<string | undefined> => (await machine.read(path(`${folder(number)}/${SOURCE}`)))?.toString(),
});

export const openStore = (machine: Machine, places: { readonly state: AbsPath; readonly generations: AbsPath }): Store => {
  const stateFile = path(`${places.state}/state.json`);
  const folder = (number: number): AbsPath => path(`${places.generations}/${number}`);
  const { json, put } = documents(machine);
  const state = async (): Promise<State> => (await json<State>(stateFile)) ?? { committed: null, entering: null };
  const numbers = async (): Promise<readonly number[]> =>
    (await machine.list(places.generations))
      .map(Number)
      .filter((number) => number > 0)
      .toSorted((a, b) => a - b);
  const metaFile = (number: number): AbsPath => path(`${folder(number)}/${META}`);
  const { meta, source } = toldOf(machine, folder);
  const discard = (number: number): Promise<void> => machine.remove(folder(number));

  return {
    state,
    setState: (next) => put(stateFile, next),
    numbers,
    source,
    metas: async () => Promise.all((await numbers()).map(meta)),
    commit: async (number) => {
      const own = await json<Meta>(metaFile(number));
      if (own?.applied === null) await put(metaFile(number), { ...own, applied: machine.now().toISOString() });
      await put(stateFile, { committed: number, entering: null } satisfies State);
    },
    sweep: async () => {
      const { committed, entering } = await state();
      const others = (await numbers()).filter((number) => number !== committed && number !== entering);
      const applied = await Promise.all(others.map(async (number) => ((await json<Meta>(metaFile(number)))?.applied ?? null) !== null));
      const kept = new Set(others.filter((_, index) => applied[index]).slice(-KEPT));
      for (const number of others) if (!kept.has(number)) await discard(number);
    },
    load: async (number) => {
      const own = await meta(number);
      if (!isReadable(own)) throw unreadable(own);
      const manifest = (await json<Manifest>(path(`${folder(number)}/manifest.json`))) ?? { items: [] };
      if (!manifest.items.every(({ kind }) => ITEM_KINDS.includes(kind))) throw unreadable(own);
      return {
        manifest,
        input: await json<RenderInput>(path(`${folder(number)}/input.json`)),
        source: await source(number),
        meta: own,
        tree: path(`${folder(number)}/tree`),
      };
    },
    save: async ({ meta: own, manifest, input, source: text }, content) => {
      const target = folder(own.number);
      await machine.remove(target);
      await machine.makeDir(places.generations, ROOT_DIR);
      await machine.makeDir(target, ROOT_DIR);
      const tree = path(`${target}/tree`);
      await machine.makeDir(tree, { owner: 'root:root', mode: 0o755 });
      for (const item of manifest.items) {
        if (item.kind === 'dir') await machine.makeDir(path(`${tree}${item.path}`), item);
      }
      for (const item of manifest.items) {
        if (item.kind === 'file') await machine.write(path(`${tree}${item.path}`), await content(item), item);
      }
      await put(path(`${target}/manifest.json`), manifest);
      await put(path(`${target}/input.json`), input);
      await machine.write(path(`${target}/${SOURCE}`), text ?? '', ROOT_FILE);
      await put(metaFile(own.number), own);
      return { meta: own, manifest, input, source: text, tree };
    },
    discard,
    keepOverwritten: (targets) => keepBelow(machine, path(`${places.state}/overwritten`), targets),
    originals: openOriginals(machine, places.generations),
  };
};
