/**
 * Generations on disk, below /var/lib/hauspost/generations (0700 root): `N/manifest.json`, `N/meta.json`, and `N/tree`, which
 * holds every file as it stands on the machine; `hauspost.toml` is the operator's file that it was made from, `input.json` what that came to
 * on this machine. Those of an earlier version of Hauspost are read; one whose format is newer than ours is refused. Generation 0 is what was there
 * before us. `state.json` says which generation is committed, and which one was being entered when a change was interrupted.
 */
import { type AbsPath, operatorError, path } from '#base';
import { type Machine, must } from '#machine';
import { type Item, ITEM_KINDS, type Manifest, type RenderInput } from '#model';
import { copyBelow, documents, ROOT_DIR, ROOT_FILE } from './documents.ts';
import { openOriginals, type Originals } from './originals.ts';
import { type Meta, openRecords, type State } from './records.ts';

/**
 * Of what is written below. One more where an earlier version of Hauspost would do the wrong thing with it: another kind of item, another meaning. What is
 * only added to settings, facts and wiring needs none: whoever reads a generation that lacks it completes it (earlier.ts).
 */
export const FORMAT = 1;

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
  /** Of those that are whole, oldest first, also where this version cannot read them. */
  metas(): Promise<readonly Meta[]>;
  /** Text of the operator's file that it was made from, whoever made it. */
  source(number: number): Promise<string | undefined>;
  /** Refuses what a newer version wrote and this one cannot read. */
  load(number: number): Promise<Generation>;
  /** Writes a complete generation; `content` gives each file's bytes. */
  save(generation: Omit<Generation, 'tree'>, content: (item: Item & { kind: 'file' }) => Promise<string>): Promise<Generation>;
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
  await must(machine, ['sync', '--file-system', kept]);
  return kept;
};

export const openStore = (machine: Machine, places: { readonly state: AbsPath; readonly generations: AbsPath }): Store => {
  const { json, put } = documents(machine);
  const { folder, state, setState, numbers, meta, setMeta, metas, notWhole } = openRecords(machine, places);
  const discard = async (number: number): Promise<void> => {
    await machine.remove(path(`${folder(number)}/meta.json`));
    await machine.remove(folder(number));
  };
  const source = async (number: number): Promise<string | undefined> => (await machine.read(path(`${folder(number)}/${SOURCE}`)))?.toString();

  return {
    state,
    setState,
    numbers,
    metas,
    source,
    commit: async (number) => {
      const known = await meta(number);
      if (known?.applied === null) await setMeta({ ...known, applied: machine.now().toISOString() });
      await setState({ committed: number, entering: null });
    },
    sweep: async () => {
      const { committed, entering } = await state();
      const others = (await numbers()).filter((number) => number !== committed && number !== entering);
      const applied = new Set((await metas()).flatMap((known) => (known.applied === null ? [] : [known.number])));
      const kept = new Set(others.filter((number) => applied.has(number)).slice(-KEPT));
      for (const number of others) if (!kept.has(number)) await discard(number);
    },
    load: async (number) => {
      const known = await meta(number);
      if (known === undefined) throw notWhole(number);
      if (!isReadable(known)) throw unreadable(known);
      const manifest = await json<Manifest>(path(`${folder(number)}/manifest.json`));
      if (manifest === undefined) throw notWhole(number);
      if (!manifest.items.every(({ kind }) => ITEM_KINDS.includes(kind))) throw unreadable(known);
      return {
        manifest,
        input: await json<RenderInput>(path(`${folder(number)}/input.json`)),
        source: await source(number),
        meta: known,
        tree: path(`${folder(number)}/tree`),
      };
    },
    save: async ({ meta: known, manifest, input, source: text }, content) => {
      const target = folder(known.number);
      await discard(known.number);
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
      if (input !== undefined) await put(path(`${target}/input.json`), input);
      await machine.write(path(`${target}/${SOURCE}`), text ?? '', ROOT_FILE);
      await setMeta(known);
      return { meta: known, manifest, input, source: text, tree };
    },
    keepOverwritten: (targets) => keepBelow(machine, path(`${places.state}/overwritten`), targets),
    originals: openOriginals(machine, places.generations),
  };
};
