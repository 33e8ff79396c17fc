/**
 * Ways without links, for what root changes. Who may write a folder on the way can put a link there that leads to anything (symlink(7)), such as
 * Rspamd and Dovecot's users in folders of their own: only links that root made are followed.
 */
import { lstat, readlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type AbsPath, environmentError, type HauspostError, path as absPath } from '#base';
import { ifThere } from './errno.ts';

const MOST_LINKS = 40; // path_resolution(7)

/** `why` goes on behind what the link leads to. */
export const strangeLink = (link: string, target: string, why: string): HauspostError =>
  environmentError({
    code: 'machine.strange-link',
    message: `${link} is a link to ${target} ${why}: root changes nothing by way of it`,
    remedy: `See how it came there. If it is not yours remove it: rm ${link}. If it is to be there make it root's: chown -h root: ${link}.`,
    detail: { link, target },
  });

/** Where the path leads in the end; what is not there yet is no link. Throws `machine.strange-link` (exit 4). */
export const straight = async (path: string, links = MOST_LINKS): Promise<AbsPath> => {
  if (path === '/') return absPath(path);
  const at = absPath(join(await straight(dirname(path), links), basename(path)));
  const found = await ifThere(lstat(at));
  if (found?.isSymbolicLink() !== true || links === 0) return at;
  const target = await readlink(at);
  if (found.uid !== 0) throw strangeLink(at, target, `that user ${found.uid} made`);
  return straight(resolve(dirname(at), target), links - 1);
};

/** To what itself may be a link, which is replaced, moved or removed. */
export const straightTo = async (path: string): Promise<AbsPath> => absPath(join(await straight(dirname(path)), basename(path)));

/** `descriptor` was opened by a path that was straight then (proc_pid_fd(5)). */
export const stillStraight = async (path: AbsPath, descriptor: number): Promise<void> => {
  const opened = await readlink(`/proc/self/fd/${descriptor}`);
  if (opened !== path) throw strangeLink(path, opened, 'since a moment ago');
};
