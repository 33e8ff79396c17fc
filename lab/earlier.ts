/**
 * Machines on which `up` of an earlier version has run, for upgrades: a release by its tag; and, for as long as there is none, an imagined one, the
 * present program with less in it.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kind } from './kinds.ts';
import { derive, type Image, type Machine } from './machine.ts';
import { fillNpmCache, npmManifests } from './npm.ts';
import { buildingDirectory, OWNER, undoAtEnd } from './owner.ts';
import { must, succeeded } from './process.ts';
import { firstUp, launched, programHash } from './served.ts';

const CHECKOUT = join(import.meta.dirname, '..');

export interface Earlier {
  readonly version: string;
  /** All that decides what it is. */
  readonly recipe: string;
  /** Its checkout, in /opt/hauspost, where none but `node_modules` is. */
  put(machine: Machine): Promise<void>;
}

const fileAt = async (tag: string, file: string): Promise<string> => (await must(['git', '-C', CHECKOUT, 'show', `${tag}:${file}`])).stdout;

/** What a lock file has npm install. */
const dependencies = (lock: string): string => {
  const { '': _, ...packages } = (JSON.parse(lock) as { readonly packages: Record<string, unknown> }).packages;
  return JSON.stringify(packages);
};

/** Into the machine's cache of npm, beside what the present version needs. */
const addDownloads = async (machine: Machine, manifests: ReadonlyMap<string, string>): Promise<void> => {
  const parent = join(buildingDirectory(), `npm-earlier.${OWNER}`);
  undoAtEnd('directory', parent);
  await must(['mkdir', '-p', parent]);
  const folder = await mkdtemp(join(parent, 'cache-'));
  try {
    await fillNpmCache(folder, manifests);
    const { stdout } = await must(['tar', '-C', folder, '-cf', '-', '.'], { encoding: 'latin1' });
    const unpack = ['tar', '-C', '/root/.npm', '-xf', '-'];
    succeeded(unpack, await machine.run(unpack, { input: Buffer.from(stdout, 'latin1') }));
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** The release of that version. */
export const releasedAs = async (version: string): Promise<Earlier> => {
  const tag = `v${version}`;
  const { stdout: commit } = await must(['git', '-C', CHECKOUT, 'rev-parse', `${tag}^{commit}`]);
  const lock = await fileAt(tag, 'package-lock.json');
  const other = dependencies(lock) !== dependencies(await readFile(join(CHECKOUT, 'package-lock.json'), 'utf8'));
  return {
    version,
    recipe: commit,
    put: async (machine) => {
      if (other) {
        const own: readonly (readonly [string, string])[] = [
          ['package.json', await fileAt(tag, 'package.json')],
          ['package-lock.json', lock],
        ];
        await addDownloads(machine, new Map([...(await npmManifests()), ...own]));
      }
      await machine.checkout(tag);
    },
  };
};

/** What an imagined version lacks, or has otherwise: a file of the checkout, what is in it, and what is there instead. */
export type Edit = readonly [file: string, from: string, to: string];

const edited = async ([file, from, to]: Edit): Promise<void> => {
  const text = await readFile(join(CHECKOUT, file), 'utf8');
  if (text.split(from).length !== 2) throw new Error(`${file} has not once: ${from}; the imagined version no longer differs there from ${to}`);
};

export const imagined = async (version: string, edits: readonly Edit[]): Promise<Earlier> => {
  for (const edit of edits) await edited(edit);
  return {
    version,
    recipe: createHash('sha256')
      .update(JSON.stringify([programHash(), version, edits]))
      .digest('hex'),
    put: async (machine) => {
      await machine.checkout();
      for (const [file, from, to] of edits) {
        const path = `/opt/hauspost/${file}`;
        const { stdout } = succeeded(['cat', path], await machine.run(['cat', path]));
        succeeded(['tee', path], await machine.run(['tee', path], { input: stdout.replace(from, () => to) }));
      }
    },
  };
};

/** A machine of profile `local`, shut down in order after that version's first `up`. */
export const servedBy = async (kind: Kind, earlier: Earlier): Promise<Image> =>
  derive(await launched(kind), 'served-earlier', earlier.recipe, (machine) => firstUp(machine, [], earlier.put));
