/** A room of a release with all daemons installed and none running: the place to ask a daemon's own programs what they make of a text. */
import { needLab } from './host.ts';
import { tools } from './images.ts';
import type { Release } from './kinds.ts';
import { openRoom, type Room } from './room.ts';

/** Opens in well under a second once the release's `tools` layer is built. Each call is a fresh file system. */
export const checker = async (release: Release): Promise<Room> => {
  await needLab();
  return openRoom({ lower: (await tools(release)).lower });
};
