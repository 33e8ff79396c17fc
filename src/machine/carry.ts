/** Moves to where a rename may not lead: another file system, or a folder of an overlay's lower layer (rename(2), EXDEV). */
import type { AbsPath } from '#base';
import { errnoOf } from './errno.ts';
import type { Machine } from './machine.ts';
import { must } from './real.ts';

/** A large mailbox on a slow disk. */
const COPY_MS = 24 * 60 * 60_000;

/**
 * At once where a rename does it; else copied as a whole, owners, modes and times with it, made durable, and only then removed. What is at `to` already, such as
 * what an interrupted copy left, stays beside it.
 */
export const carry = async (machine: Machine, from: AbsPath, to: AbsPath): Promise<void> => {
  try {
    await machine.rename(from, to);
  } catch (error) {
    if (!['EXDEV', 'ENOTEMPTY'].includes(errnoOf(error))) throw error;
    await must(machine, ['cp', '--archive', '--no-target-directory', from, to], { ms: COPY_MS });
    await must(machine, ['sync', '--file-system', to], { ms: COPY_MS });
    await machine.remove(from);
  }
};
