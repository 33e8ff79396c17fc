/**
 * The file system that a path lies on, and what it says when it takes nothing more (errno(3)): full, over quota, read-only, broken. Each is told as
 * what the operator has to see to, with the mount point; never as an errno.
 */
import { constants } from 'node:fs';
import { access, readFile, realpath, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type AbsPath, environmentError, type HauspostError, path as absPath } from '#base';
import { errnoOf, ifThere } from './errno.ts';
import type { FileSystem } from './machine.ts';

const MEBIBYTE = 2 ** 20;

/** `path` itself, or the next directory above it that exists; links are followed. */
const nearest = async (path: string): Promise<string> => (await ifThere(realpath(path))) ?? nearest(dirname(path));

/** proc_pid_mountinfo(5): field 5, with blanks and backslashes as three octal digits. */
const mountPoints = async (): Promise<readonly string[]> =>
  (await readFile('/proc/self/mountinfo', 'utf8'))
    .split('\n')
    .map((line) => (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))));

const isBelow = (path: string, point: string): boolean => point === '/' || path === point || path.startsWith(`${point}/`);

const mountOf = async (path: string): Promise<AbsPath> => {
  const points = (await mountPoints()).filter((point) => point !== '' && isBelow(path, point));
  return absPath(points.toSorted((a, b) => b.length - a.length)[0] ?? '/');
};

/** access(2). Whatever else it says is about the file, not about where it lies. */
const isWritable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.W_OK);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'EROFS';
  }
};

export const fileSystemOf = async (path: AbsPath): Promise<FileSystem> => {
  const at = await nearest(path);
  const [mount, { dev }, { bsize, blocks, bavail, files, ffree }, writable] = await Promise.all([mountOf(at), stat(at), statfs(at), isWritable(at)]);
  return { mount, device: dev, size: blocks * bsize, free: bavail * bsize, files: files === 0 ? Number.POSITIVE_INFINITY : ffree, writable };
};

/** In whole MB. */
export const megabytes = (octets: number): string => `${Math.ceil(octets / MEBIBYTE)} MB`;

export const diskFull = ({ mount, size, free, files }: FileSystem, why: string): HauspostError =>
  environmentError({
    code: 'disk.full',
    message:
      files === 0
        ? `the file system at ${mount} can hold no more files (no inode is free): ${why}`
        : `the file system at ${mount} is full (${Math.floor(free / MEBIBYTE)} MB of ${megabytes(size)} are free): ${why}`,
    remedy:
      files === 0
        ? `Remove files there ('du -x --inodes --max-depth=3 ${mount}' shows where they are), then run the command again.`
        : `Make room there ('du -xh --max-depth=3 ${mount}' shows what takes it), then run the command again.`,
    detail: { mount, free },
  });

export const diskReadOnly = ({ mount }: Pick<FileSystem, 'mount'>, why: string): HauspostError =>
  environmentError({
    code: 'disk.read-only',
    message: `the file system at ${mount} is read-only: ${why}`,
    remedy: `The kernel makes it so after an error of the disk: see 'dmesg' first. Once it is writable ('mount -o remount,rw ${mount}') run the command again.`,
    detail: { mount },
  });

const diskQuota = (mount: AbsPath, why: string): HauspostError =>
  environmentError({
    code: 'disk.quota',
    message: `root's quota on the file system at ${mount} is used up: ${why}`,
    remedy: 'Make room there, or raise the quota (edquota(8)).',
    detail: { mount },
  });

const diskBroken = (path: AbsPath, why: string): HauspostError =>
  environmentError({
    code: 'disk.broken',
    message: `the disk under ${path} does not work: ${why}`,
    remedy: "See 'dmesg', and whether the disk has to be replaced.",
    detail: { path },
  });

/** What the errno means, where it is the file system's; undefined otherwise. `why` says what was not done. */
const refusal = async (path: AbsPath, errno: string, why: string): Promise<HauspostError | undefined> => {
  switch (errno) {
    case 'ENOSPC':
      return diskFull(await fileSystemOf(path), why);
    case 'EROFS':
      return diskReadOnly(await fileSystemOf(path), why);
    case 'EDQUOT':
      return diskQuota((await fileSystemOf(path)).mount, why);
    case 'EIO':
      return diskBroken(path, why); // which may answer nothing else any more
    default:
      return undefined;
  }
};

/** Runs `work` on `path`; `done` is what would have been done to it, as in `written`. */
export const onDisk = async <T>(path: AbsPath, done: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw (await refusal(path, errnoOf(error), `${path} could not be ${done}`)) ?? error;
  }
};
