/**
 * Which configuration files somebody has edited or added: those that a package brought are known to dpkg (dpkg-query(1), `Conffiles`:
 * path, MD5, maybe a mark) or, where its scripts put them in place, to ucf(1), which keeps path and MD5 of what the package meant.
 */
import { createHash } from 'node:crypto';
import { type AbsPath, path } from '#base';
import type { Machine } from './machine.ts';

/** Path and MD5 of what the packages meant. */
type Meant = ReadonlyMap<string, string>;

const ofDpkg = async (machine: Machine, packages: readonly string[]): Promise<Meant> => {
  const ran = await machine.run(['dpkg-query', '-W', '-f', '${Conffiles}\\n', ...packages]); // its status says whether all are installed
  const rows = ran.stdout.split('\n').map((line) => /^ (\/\S+) ([0-9a-f]{32})(?: (\S+))?$/.exec(line) ?? []);
  return new Map(rows.flatMap(([, file, md5, mark]) => (file === undefined || md5 === undefined || mark !== undefined ? [] : [[file, md5]])));
};

const text = async (machine: Machine, file: string): Promise<string> => (await machine.read(path(file)))?.toString() ?? '';

/** `registry`: package, white space, path. `hashfile`: MD5, two blanks, path. */
const ofUcf = async (machine: Machine, packages: readonly string[]): Promise<Meant> => {
  const rows = (await text(machine, '/var/lib/ucf/registry')).split('\n').map((line) => line.split(/\s+/));
  const owned = new Set(rows.flatMap(([owner, file]) => (owner !== undefined && file !== undefined && packages.includes(owner) ? [file] : [])));
  const hashes = (await text(machine, '/var/lib/ucf/hashfile')).split('\n').map((line) => line.split('  '));
  return new Map(hashes.flatMap(([md5 = '', file = '']) => (owned.has(file) ? [[file, md5]] : [])));
};

export interface Packaged {
  readonly packages: readonly string[];
  /** Files that such a package reads from here count, too, though it brought none of that name: a directory, and what their names end in. */
  readonly folders: readonly (readonly [AbsPath, string])[];
}

/** Those that are no longer, or never were, what a package brought. */
export const editedConffiles = async (machine: Machine, { packages, folders }: Packaged): Promise<readonly string[]> => {
  const meant = new Map([...(await ofDpkg(machine, packages)), ...(await ofUcf(machine, packages))]);
  const edited: string[] = [];
  for (const [file, md5] of meant) {
    const content = await machine.read(path(file));
    if (content !== undefined && createHash('md5').update(content).digest('hex') !== md5) edited.push(file);
  }
  for (const [folder, ending] of folders) {
    const names = (await machine.list(folder)).filter((name) => name.endsWith(ending));
    edited.push(...names.map((name) => `${folder}/${name}`).filter((file) => !meant.has(file)));
  }
  return edited;
};
