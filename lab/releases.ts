/** Versions of Hauspost: the present one, what CHANGELOG.md says was released, and the tags `vX.Y.Z` that this checkout has of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { must } from './process.ts';

const CHECKOUT = join(import.meta.dirname, '..');

const text = (file: string): string => readFileSync(join(CHECKOUT, file), 'utf8');

/** `package.json` decides; all else is compared with it. */
export const presentVersion = (): string => (JSON.parse(text('package.json')) as { readonly version: string }).version;

export interface ChangelogEntry {
  readonly version: string;
  /** ISO 8601. */
  readonly date: string;
}

/** Headings `## [X.Y.Z] - YYYY-MM-DD` (keepachangelog.com), in the order of the file. */
export const entriesIn = (changelog: string): readonly ChangelogEntry[] =>
  [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\] - (\S+)$/gm)].map(([, version = '', date = '']) => ({ version, date }));

export const changelog = (): readonly ChangelogEntry[] => entriesIn(text('CHANGELOG.md'));

/** Of three numbers each; negative where `a` is the older. */
export const compareReleases = (a: string, b: string): number => {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  return [0, 1, 2].map((place) => (left?.[place] ?? 0) - (right?.[place] ?? 0)).find((difference) => difference !== 0) ?? 0;
};

/** Released before `version`, newest first. */
export const earlierThan = (version: string, entries: readonly Pick<ChangelogEntry, 'version'>[]): readonly string[] =>
  entries
    .map((entry) => entry.version)
    .filter((other) => compareReleases(other, version) < 0)
    .toSorted((a, b) => compareReleases(b, a));

const tags = async (...which: readonly string[]): Promise<string> => (await must(['git', '-C', CHECKOUT, 'tag', '--list', ...which])).stdout;

/** Of whatever commits and whatever name. */
export const allTags = async (): Promise<readonly string[]> => (await tags()).split('\n').filter((tag) => tag !== '');

/** Versions of the tags that the present commit comes after, newest first. A copy without history has none. */
export const taggedVersions = async (): Promise<readonly string[]> => {
  const found = await tags('--merged', 'HEAD', 'v*');
  const versions = [...found.matchAll(/^v(\d+\.\d+\.\d+)$/gm)].flatMap(([, version]) => (version === undefined ? [] : [version]));
  return versions.toSorted((a, b) => compareReleases(b, a));
};
