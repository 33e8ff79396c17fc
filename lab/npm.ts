/**
 * npm's cache for machines without a network: filled by the host's npm from the lock file, so that it holds exactly what the checkout
 * names, integrity checked. The cache's format (cacache) is the same in Debian's older npm.
 */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asked } from './asked.ts';
import { buildingDirectory, OWNER, undoAtEnd } from './owner.ts';
import { must } from './process.ts';

const CHECKOUT = join(import.meta.dirname, '..');

/** npmrc(5) of a machine: cached copies count without asking the registry, which is the host's, since the cache goes by its address. */
export const npmSettings = async (): Promise<string> => {
  const registry = await asked('HAUSPOST_LAB_NPM_REGISTRY');
  return `prefer-offline=true\nregistry=${registry.trim()}\n`;
};

/** The files of the checkout that decide what npm installs, by name. */
export const npmManifests = async (): Promise<ReadonlyMap<string, string>> => {
  const names = ['package.json', 'package-lock.json', '.npmrc'].filter((name) => existsSync(join(CHECKOUT, name)));
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(CHECKOUT, name), 'utf8')] as const)));
};

/** Fills the directory `cache` with all that `npm ci` needs. */
export const fillNpmCache = async (cache: string, manifests: ReadonlyMap<string, string>): Promise<void> => {
  await mkdir(cache, { recursive: true });
  const parent = join(buildingDirectory(), `npm.${OWNER}`);
  undoAtEnd('directory', parent);
  await mkdir(parent, { recursive: true });
  const copy = await mkdtemp(join(parent, 'checkout-'));
  try {
    for (const [name, content] of manifests) await writeFile(join(copy, name), content);
    await must(['npm', 'ci', '--prefix', copy, '--cache', cache, '--ignore-scripts', '--no-audit', '--no-fund'], { ms: 600_000 });
    await rm(join(cache, '_logs'), { recursive: true, force: true });
  } finally {
    await rm(copy, { recursive: true });
  }
};
