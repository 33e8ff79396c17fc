/**
 * Rooms of a release with programs installed and none running: the places to ask daemons' own programs what they make of a text. `checker`: all
 * daemons of a mail server; `zoneReader`: BIND's checker of zones, Knot, Unbound and dig.
 */
import { needLab } from './host.ts';
import { tools, zoneReaders } from './images.ts';
import type { Release } from './kinds.ts';
import { openRoom, type Room } from './room.ts';

/** Opens in well under a second once the release's `tools` layer is built. Each call is a fresh file system. */
export const checker = async (release: Release): Promise<Room> => {
  await needLab();
  return openRoom({ lower: (await tools(release)).lower });
};

export const zoneReader = async (release: Release): Promise<Room> => {
  await needLab();
  return openRoom({ lower: (await zoneReaders(release)).lower });
};
