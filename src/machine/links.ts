/** Paths that may be symbolic links, looked at without waiting: to open a FIFO is to wait for who writes into it. */
import { dirname, resolve } from 'node:path';
import { type AbsPath, path } from '#base';
import type { Machine } from './machine.ts';

const MOST_LINKS = 40; // path_resolution(7)

/** Where the path leads in the end, or to the first link that is none of `whose` (`root:`). */
export const followed = async (machine: Machine, file: AbsPath, whose = ''): Promise<AbsPath> => {
  let at = file;
  for (let count = 0; count < MOST_LINKS; count += 1) {
    const state = await machine.state(at);
    if (state?.kind !== 'link' || !state.owner.startsWith(whose)) break;
    at = path(resolve(dirname(at), (await machine.readLink(at)) ?? ''));
  }
  return at;
};

/** The octets of the file that the path leads to; undefined where that is none. */
export const contentAt = async (machine: Machine, file: AbsPath): Promise<Buffer | undefined> => {
  const target = await followed(machine, file);
  return (await machine.state(target))?.kind === 'file' ? machine.read(target) : undefined;
};
