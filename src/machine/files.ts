/**
 * Files of the machine: atomic durable writes, owners by name. Trusts its caller for paths (AbsPath), and no user but root for links on the way
 * to what it changes.
 */
import { randomBytes } from 'node:crypto';
import { constants, lstatSync, statSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, readlink, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type AbsPath, environmentError, path as absPath } from '#base';
import { errnoOf, ifThere } from './errno.ts';
import { onDisk } from './file-systems.ts';
import type { FileState, Placement } from './machine.ts';
import { stillStraight, straight, straightTo } from './straight.ts';

type Names = { readonly toId: ReadonlyMap<string, number>; readonly toName: ReadonlyMap<number, string> };

const accounts = new Map<string, { readonly stamp: string; readonly names: Names }>();

/** passwd(5) and group(5): the third field is the id in both. Packages add users while we run: read again where it is another file. */
const names = async (file: '/etc/passwd' | '/etc/group'): Promise<Names> => {
  const { ino, size, mtimeNs } = statSync(file, { bigint: true });
  const stamp = [ino, size, mtimeNs].join(' ');
  const known = accounts.get(file);
  if (known?.stamp === stamp) return known.names;
  const rows = (await readFile(file, 'utf8')).split('\n').flatMap((line) => {
    const [name, , id] = line.split(':');
    return name === undefined || id === undefined ? [] : [[name, Number(id)] as const];
  });
  const found = { toId: new Map(rows), toName: new Map(rows.map(([name, id]) => [id, name])) };
  accounts.set(file, { stamp, names: found });
  return found;
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

export const read = (path: AbsPath): Promise<Buffer | undefined> => onDisk(path, 'read', () => ifThere(readFile(path)));

export const state = async (path: AbsPath): Promise<FileState | undefined> => {
  // Where tens of thousands are looked for, an error for each that is not there would take more memory than their names.
  const stat = await onDisk(path, 'looked at', () => ifThere(Promise.try(() => lstatSync(path, { throwIfNoEntry: false }))));
  if (stat === undefined) return undefined;
  const user = (await names('/etc/passwd')).toName.get(stat.uid) ?? String(stat.uid);
  const group = (await names('/etc/group')).toName.get(stat.gid) ?? String(stat.gid);
  const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'link' : 'other';
  return { kind, owner: `${user}:${group}`, mode: stat.mode & 0o7777, size: stat.size, modified: stat.mtime };
};

export const readLink = (path: AbsPath): Promise<string | undefined> => onDisk(path, 'read', () => ifThere(readlink(path)));

export const list = (path: AbsPath): Promise<readonly string[]> =>
  onDisk(path, 'read', async () => ((await ifThere(readdir(path))) ?? []).toSorted());

/** A file or a directory: its content is on the disk then, and what it has of owner and mode (fsync(2)). */
const sync = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** What was looked at is what is changed: by its handle, and a link that came in between is not followed. */
const ITSELF = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export const place = (path: AbsPath, placement: Placement): Promise<void> =>
  onDisk(path, 'given its owner and mode', async () => {
    const [uid, gid] = await ids(placement.owner);
    const at = await straight(path);
    const handle = await open(at, ITSELF);
    try {
      await stillStraight(at, handle.fd);
      await handle.chown(uid, gid);
      await handle.chmod(placement.mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await sync(dirname(at)); // somebody else made it, and may not have done that
  });

const isDirectory = async (path: string): Promise<boolean> => (await ifThere(stat(path)))?.isDirectory() === true;

/** With all above it; the name of each is on the disk then. Node's own way (`recursive`) says ENOENT where the file system is read-only. */
const makeDirs = async (path: string): Promise<void> => {
  try {
    await mkdir(path, 0o755);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST' && (await isDirectory(path))) return;
    if (errnoOf(error) !== 'ENOENT') throw error;
    await makeDirs(dirname(path));
    return makeDirs(path);
  }
  await sync(dirname(path));
};

/** Beside the file that it becomes; so named that no daemon takes it for its own. */
const TEMPORARY = /^\.[0-9a-f]{12}\.hauspost-new$/;

export const isTemporary = (name: string): boolean => TEMPORARY.test(name);

export const temporaryFor = (path: AbsPath): AbsPath => absPath(join(dirname(path), `.${randomBytes(6).toString('hex')}.hauspost-new`));

/** A file that is younger than two seconds Postfix takes for one that somebody is writing, and reads it again later (load_file.c). Ours is whole at once. */
const AGE_S = 3;

export const write = (path: AbsPath, content: string | Uint8Array, placement: Placement): Promise<void> =>
  onDisk(path, 'written', async () => {
    const [uid, gid] = await ids(placement.owner);
    const at = await straightTo(path);
    await makeDirs(dirname(at));
    const temporary = temporaryFor(at);
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await stillStraight(temporary, handle.fd);
      await handle.writeFile(content);
      await handle.chown(uid, gid);
      await handle.chmod(placement.mode);
      const modified = Date.now() / 1000 - AGE_S;
      await handle.utimes(modified, modified);
      await handle.sync();
      await handle.close();
      await rename(temporary, at);
    } catch (error) {
      await handle.close().catch(() => undefined); // closed already when rename failed
      await rm(temporary, { force: true }).catch(() => undefined); // the file system takes nothing any more; what failed first is told
      throw error;
    }
    await sync(dirname(at));
  });

export const makeDir = (path: AbsPath, placement: Placement): Promise<void> =>
  onDisk(path, 'made', async () => {
    await makeDirs(await straight(path));
    await place(path, placement);
  });

export const remove = (path: AbsPath): Promise<void> =>
  onDisk(path, 'removed', async () => {
    const at = await straightTo(path);
    await rm(at, { recursive: true, force: true });
    if ((await ifThere(lstat(dirname(at)))) !== undefined) await sync(dirname(at));
  });

export const move = (from: AbsPath, to: AbsPath): Promise<void> =>
  onDisk(to, 'put in place', async () => {
    const [before, after] = [await straightTo(from), await straightTo(to)];
    await rename(before, after);
    await sync(dirname(after));
    if (dirname(before) !== dirname(after)) await sync(dirname(before));
  });
