/** How a directory of ours stands on the machine. */
import { type FileState, followed, type Machine } from '#machine';
import type { Item } from '#model';

/** A link of somebody's to a directory on another disk is as good, unless what is inside is for us alone to decide. */
export const standsAs = async (machine: Machine, { path: target, exclusive }: Item & { kind: 'dir' }): Promise<FileState | undefined> => {
  const state = await machine.state(target);
  if (state?.kind !== 'link' || exclusive) return state;
  const behind = await machine.state(await followed(machine, target));
  return behind?.kind === 'dir' ? behind : state;
};
