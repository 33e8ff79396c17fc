/**
 * Key and chain change places together: a rename(2) of one symbolic link, so that nobody who starts at any moment, after a power cut say, reads a key and the
 * chain of another. Until there is another key both are plain files, where all versions of Hauspost look for them.
 *
 *     tls/key.pem   -> current/key.pem
 *     tls/chain.pem -> current/chain.pem
 *     tls/current   -> pairs/9f8e...        (this one is moved)
 */
import { dirname } from 'node:path';
import { type AbsPath, path } from '#base';
import { contentAt, isTemporary, type Machine, must, temporaryFor } from '#machine';
import type { TlsFiles } from './files.ts';

export interface Pair {
  readonly key: Buffer;
  readonly chain: Buffer;
}

const ROOT_ONLY = { owner: 'root:root', mode: 0o600 };
const READABLE = { owner: 'root:root', mode: 0o644 };
const KEY = 'current/key.pem';
const CHAIN = 'current/chain.pem';
const FOLDER = { owner: 'root:root', mode: 0o755 };

const folderOf = ({ chain }: TlsFiles): AbsPath => path(dirname(chain));

/** Replaces what lies there, at once. */
const link = async (machine: Machine, at: AbsPath, target: string): Promise<void> => {
  const temporary = temporaryFor(at);
  await must(machine, ['ln', '--symbolic', '--no-target-directory', target, temporary]);
  await machine.rename(temporary, at);
};

/** Answers with where it leads from the folder. */
const store = async (machine: Machine, folder: AbsPath, { key, chain }: Pair): Promise<string> => {
  const name = `pairs/${machine.random(8).toString('hex')}`;
  await machine.makeDir(path(`${folder}/${name}`), FOLDER);
  await machine.write(path(`${folder}/${name}/key.pem`), key, ROOT_ONLY);
  await machine.write(path(`${folder}/${name}/chain.pem`), chain, READABLE);
  return name;
};

const leadsTo = async (machine: Machine, at: AbsPath, target: string): Promise<boolean> =>
  (await machine.state(at))?.kind === 'link' && (await machine.readLink(at)) === target;

/** The same content at every step. */
const asLinks = async (machine: Machine, files: TlsFiles, pair: Pair): Promise<void> => {
  const folder = folderOf(files);
  if ((await leadsTo(machine, files.key, KEY)) && (await leadsTo(machine, files.chain, CHAIN))) return;
  await link(machine, path(`${folder}/current`), await store(machine, folder, pair));
  await link(machine, files.chain, CHAIN);
  await link(machine, files.key, KEY);
};

/** Undefined unless both are there. */
export const pairAt = async (machine: Machine, files: TlsFiles): Promise<Pair | undefined> => {
  const [key, chain] = [await contentAt(machine, files.key), await contentAt(machine, files.chain)];
  return key === undefined || chain === undefined ? undefined : { key, chain };
};

/** What there was before stays in `pairs` until `forgetOldPairs`. */
export const swapPair = async (machine: Machine, files: TlsFiles, next: Pair): Promise<void> => {
  const folder = folderOf(files);
  for (const name of await machine.list(folder)) if (isTemporary(name)) await machine.remove(path(`${folder}/${name}`));
  const before = await pairAt(machine, files);
  await asLinks(machine, files, before ?? next);
  await link(machine, path(`${folder}/current`), await store(machine, folder, next));
};

/** Keys that are no longer used. */
export const forgetOldPairs = async (machine: Machine, files: TlsFiles): Promise<void> => {
  const folder = folderOf(files);
  if ((await machine.state(path(`${folder}/current`)))?.kind !== 'link') return;
  const current = await machine.readLink(path(`${folder}/current`));
  for (const name of await machine.list(path(`${folder}/pairs`))) {
    if (`pairs/${name}` !== current) await machine.remove(path(`${folder}/pairs/${name}`));
  }
};
