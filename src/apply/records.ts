/**
 * The small documents that say which generations there are: `state.json`, and `meta.json` of each. `meta.json` is written last and removed first:
 * without it a generation is not whole. What is damaged is refused and never taken for "nothing was applied yet".
 */
import { type AbsPath, type HauspostError, path } from '#base';
import type { Machine } from '#machine';
import { damaged, documents } from './documents.ts';

export interface Meta {
  readonly number: number;
  /** FORMAT (store.ts) of the version that wrote it. */
  readonly format: number;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly summary: string;
  /** Version of Hauspost that rendered it. */
  readonly version: string;
  /** Debian release whose dialects it speaks. */
  readonly codename: string;
  /** The one that was in place when it was made; null: none was. Earlier versions did not write it down. */
  readonly after?: number | null;
  /** When it was in place for the first time, ISO 8601; null: it never was. */
  readonly applied: string | null;
}

export interface State {
  readonly committed: number | null;
  readonly entering: number | null;
}

export interface Records {
  readonly state: () => Promise<State>;
  readonly setState: (state: State) => Promise<void>;
  readonly folder: (number: number) => AbsPath;
  /** Also of generations that are not whole; without 0. */
  readonly numbers: () => Promise<readonly number[]>;
  /** Undefined: the generation is not whole. */
  readonly meta: (number: number) => Promise<Meta | undefined>;
  readonly setMeta: (meta: Meta) => Promise<void>;
  /** Of those that are whole, oldest first. */
  readonly metas: () => Promise<readonly Meta[]>;
  readonly notWhole: (number: number) => HauspostError;
}

const isNumber = (value: unknown): value is number | null => value === null || (typeof value === 'number' && Number.isInteger(value));

const isState = (found: unknown): found is State =>
  typeof found === 'object' && found !== null && 'committed' in found && 'entering' in found && isNumber(found.committed) && isNumber(found.entering);

export const openRecords = (machine: Machine, places: { readonly state: AbsPath; readonly generations: AbsPath }): Records => {
  const stateFile = path(`${places.state}/state.json`);
  const folder = (number: number): AbsPath => path(`${places.generations}/${number}`);
  const metaFile = (number: number): AbsPath => path(`${folder(number)}/meta.json`);
  const { json, put } = documents(machine);
  const remedy = (number: number): string =>
    `Put it back from a backup. Unless generation ${number} is in place, ${folder(number)} can be removed instead.`;
  const meta = async (number: number): Promise<Meta | undefined> => {
    const found = await json<Meta>(metaFile(number), () => remedy(number));
    return found === undefined ? undefined : { ...found, format: found.format ?? 0 };
  };
  const numbers = async (): Promise<readonly number[]> =>
    (await machine.list(places.generations))
      .map(Number)
      .filter((number) => number > 0)
      .toSorted((a, b) => a - b);
  const metas = async (): Promise<readonly Meta[]> => (await Promise.all((await numbers()).map(meta))).filter((found) => found !== undefined);
  const lastApplied = async (): Promise<number | undefined> => (await metas()).findLast(({ applied }) => applied !== null)?.number;
  const toWrite = async (): Promise<string> =>
    `Put it back from a backup, or write what was in place last: {"committed":${(await lastApplied()) ?? null},"entering":null}`;

  return {
    folder,
    numbers,
    meta,
    metas,
    notWhole: (number) => damaged(folder(number), 'is not whole', remedy(number)),
    setMeta: (known) => put(metaFile(known.number), known),
    setState: (next) => put(stateFile, next),
    state: async () => {
      const found = await json<unknown>(stateFile, toWrite);
      if (isState(found)) return found;
      if (found !== undefined) throw damaged(stateFile, 'does not say what is in place', await toWrite());
      // It is there from the first change on.
      if ((await lastApplied()) !== undefined) throw damaged(stateFile, 'is missing', await toWrite());
      return { committed: null, entering: null };
    },
  };
};
