/** Files of the machine: atomic durable writes, owners by name. Trusts its caller for paths (AbsPath). */
import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, open, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type AbsPath, environmentError } from '#base';
import type { FileState, Placement } from './machine.ts';

const errno = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

/** A directory on the way is none, no file can have such a name, or the links that it leads through go in a circle. */
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

/** The value, or undefined when there is no such file. */
const ifThere = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (NOT_THERE.has(errno(error))) return undefined;
    throw error;
  }
};

type Names = { readonly toId: ReadonlyMap<string, number>; readonly toName: ReadonlyMap<number, string> };

/** passwd(5) and group(5): the third field is the id in both. Read anew each time: packages add users while we run. */
const names = async (file: '/etc/passwd' | '/etc/group'): Promise<Names> => {
  const rows = (await readFile(file, 'utf8')).split('\n').flatMap((line) => {
    const [name, , id] = line.split(':');
    return name === undefined || id === undefined ? [] : [[name, Number(id)] as const];
  });
  return { toId: new Map(rows), toName: new Map(rows.map(([name, id]) => [id, name])) };
};

const idOf = (table: Names, name: string, what: string): number => {
  const id = table.toId.get(name) ?? (/^[0-9]+$/.test(name) ? Number(name) : undefined);
  if (id === undefined) {
    throw environmentError({
      code: 'machine.no-such-user',
      message: `${what} ${name} does not exist`,
      remedy: 'The package that makes it is not installed.',
    });
  }
  return id;
};

const ids = async (owner: string): Promise<readonly [number, number]> => {
  const [user = '', group = ''] = owner.split(':');
  return [idOf(await names('/etc/passwd'), user, 'user'), idOf(await names('/etc/group'), group, 'group')];
};

export const read = (path: AbsPath): Promise<Buffer | undefined> => ifThere(readFile(path));

export const state = async (path: AbsPath): Promise<FileState | undefined> => {
  const stat = await ifThere(lstat(path));
  if (stat === undefined) return undefined;
  const user = (await names('/etc/passwd')).toName.get(stat.uid) ?? String(stat.uid);
  const group = (await names('/etc/group')).toName.get(stat.gid) ?? String(stat.gid);
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'link' : 'other';
  return { kind, owner: `${user}:${group}`, mode: stat.mode & 0o7777, size: stat.size, modified: stat.mtime };
};

export const readLink = (path: AbsPath): Promise<string | undefined> => ifThere(readlink(path));

export const list = async (path: AbsPath): Promise<readonly string[]> => ((await ifThere(readdir(path))) ?? []).toSorted();

export const place = async (path: AbsPath, placement: Placement): Promise<void> => {
  const [uid, gid] = await ids(placement.owner);
  await chown(path, uid, gid);
  await chmod(path, placement.mode);
};

const syncDir = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export const write = async (path: AbsPath, content: string | Uint8Array, placement: Placement): Promise<void> => {
  const [uid, gid] = await ids(placement.owner);
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.hauspost-new`);
  const handle = await open(temporary, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.chown(uid, gid);
    await handle.chmod(placement.mode);
    await handle.sync();
    await handle.close();
    await rename(temporary, path);
  } catch (error) {
    await handle.close().catch(() => undefined); // closed already when rename failed
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDir(dirname(path));
};

export const makeDir = async (path: AbsPath, placement: Placement): Promise<void> => {
  await mkdir(path, { recursive: true, mode: 0o755 });
  await place(path, placement);
};

export const remove = async (path: AbsPath): Promise<void> => {
  await rm(path, { recursive: true, force: true });
  if ((await ifThere(lstat(dirname(path)))) !== undefined) await syncDir(dirname(path));
};

export const move = async (from: AbsPath, to: AbsPath): Promise<void> => {
  await rename(from, to);
  await syncDir(dirname(to));
};
