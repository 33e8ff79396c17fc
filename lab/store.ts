/**
 * Layers of file systems on disk, found by content: a layer's key is the hash of its recipe and of its parent's key, so that a changed
 * recipe makes a new layer and never a wrong one. A layer appears by one rename when it is whole; builders of the same layer wait for
 * each other on a lock that the kernel releases when they die. Layers that nobody used for 14 days are dropped.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buildingDirectory, cacheDirectory, OWNER, undoAtEnd } from './owner.ts';
import { ended, must, start } from './process.ts';
import { type Changes, openRoom, type Room, type RoomOptions } from './room.ts';

const UNUSED_MS = 14 * 24 * 3600 * 1000;

export interface Layer {
  readonly id: string;
  /** Directories for overlayfs, this layer's first, the bottom one last. */
  readonly lower: readonly string[];
}

export interface Recipe {
  readonly parent?: Layer;
  /** Letters, digits and `-`. */
  readonly name: string;
  /** All that decides the content besides the parent, as text. */
  readonly recipe: string;
}

const layersDirectory = (): string => join(cacheDirectory(), 'layers');

/** Runs `work` while no other process runs under the same lock. */
export const locked = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
  const directory = join(cacheDirectory(), 'locks');
  await mkdir(directory, { recursive: true });
  // cat runs once the lock is had, and says so by giving our line back; it ends, and the lock with it, when we close its input or die.
  const holder = start(['flock', join(directory, name), 'cat']);
  try {
    holder.stdin.write('\n');
    await once(holder.stdout, 'data');
    return await work();
  } finally {
    holder.stdin.end();
    await ended(holder);
  }
};

const touch = (directory: string): void => utimesSync(directory, new Date(), new Date());

/** The layer of `recipe`, built by `build` into an empty directory (in an overlay above the parent: its upper directory) if it is not there. */
export const layerOf = async ({ parent, name, recipe }: Recipe, build: (place: Changes) => Promise<void>): Promise<Layer> => {
  const key = createHash('sha256')
    .update(JSON.stringify([parent?.id ?? '', recipe]))
    .digest('hex')
    .slice(0, 12);
  const id = `${name}-${key}`;
  const directory = join(layersDirectory(), id);
  const layer = { id, lower: [join(directory, 'fs'), ...(parent?.lower ?? [])] };
  if (existsSync(directory)) {
    touch(directory);
    return layer;
  }
  return locked(id, async () => {
    if (existsSync(directory)) return layer;
    const building = join(buildingDirectory(), `${id}.${OWNER}`);
    undoAtEnd('directory', building);
    await mkdir(join(building, 'fs'), { recursive: true });
    await mkdir(join(building, 'work'));
    const began = performance.now();
    try {
      await build({ upper: join(building, 'fs'), work: join(building, 'work') });
      await rm(join(building, 'work'), { recursive: true });
      await must(['sync', '--file-system', building]);
      await mkdir(layersDirectory(), { recursive: true });
      await rename(building, directory);
      process.stderr.write(`lab: built ${id} in ${Math.round((performance.now() - began) / 1000)} s\n`);
    } finally {
      await rm(building, { recursive: true, force: true });
    }
    return layer;
  });
};

/** A layer made by commands in a room above its parent. */
export const layerInRoom = (
  recipe: Recipe & { readonly parent: Layer },
  network: NonNullable<RoomOptions['network']>,
  build: (room: Room) => Promise<void>,
): Promise<Layer> =>
  layerOf(recipe, async (changes) => {
    await using room = await openRoom({ lower: recipe.parent.lower, changes, network });
    await build(room);
  });

/** Removes a layer, which no machine may be standing on, at once from view. */
const remove = async (id: string): Promise<void> => {
  const gone = join(buildingDirectory(), `${id}-dropped.${OWNER}`);
  undoAtEnd('directory', gone);
  await rename(join(layersDirectory(), id), gone);
  await rm(gone, { recursive: true });
};

export const drop = ({ id }: Layer): Promise<void> => locked(id, () => remove(id));

/** Drops layers that nobody used for 14 days. */
export const prune = async (): Promise<void> => {
  if (!existsSync(layersDirectory())) return;
  for (const id of readdirSync(layersDirectory())) {
    const directory = join(layersDirectory(), id);
    const old = (): boolean => existsSync(directory) && Date.now() - statSync(directory).mtimeMs > UNUSED_MS;
    if (old()) await locked(id, async () => (old() ? remove(id) : undefined));
  }
};
