/** Paths that may be symbolic links, looked at without waiting: to open a FIFO is to wait for who writes into it. */
import { basename, dirname, join, resolve } from 'node:path';
import { type AbsPath, path } from '#base';
import type { Machine } from './machine.ts';

const MOST_LINKS = 40; // path_resolution(7)

/** A relative link begins in the folder that it lies in, which others may lead to. */
const folder = async (machine: Machine, directory: string): Promise<AbsPath> =>
  directory === '/' ? path(directory) : followed(machine, path(join(await folder(machine, dirname(directory)), basename(directory))));

/** Where the path leads in the end, or to the first link that is none of `whose` (`root:`). */
export const followed = async (machine: Machine, file: AbsPath, whose = '', links = MOST_LINKS): Promise<AbsPath> => {
  const state = await machine.state(file);
  if (state?.kind !== 'link' || !state.owner.startsWith(whose) || links === 0) return file;
  const target = resolve(await folder(machine, dirname(file)), (await machine.readLink(file)) ?? '');
  return followed(machine, path(target), whose, links - 1);
};

/** The octets of the file that the path leads to; undefined where that is none. */
export const contentAt = async (machine: Machine, file: AbsPath): Promise<Buffer | undefined> => {
  const target = await followed(machine, file);
  return (await machine.state(target))?.kind === 'file' ? machine.read(target) : undefined;
};
