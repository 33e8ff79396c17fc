/**
 * What Debian's packages would have written instead of us: an update that finds a file of ours puts its own beside it (dpkg(1): NAME.dpkg-dist,
 * ucf(1): NAME.ucf-dist). Told in words, as a difference to what the package brought before, which generation 0 holds.
 */
import { path } from '#base';
import type { Machine } from '#machine';
import type { Finding, Item, Manifest } from '#model';
import { unified } from './changes.ts';
import type { Store } from './store.ts';

const ENDINGS = ['dpkg-dist', 'ucf-dist'];
/** More is no longer read as a sentence. */
const LINES = 20;

const isChanged = (line: string): boolean => /^[+-]/.test(line);

const words = (before: string | undefined, now: string): string => {
  if (before === undefined) return '';
  const lines = unified(before, now).split('\n').filter(isChanged);
  const shown = lines.slice(0, LINES).map((line) => `\n    ${line}`);
  return lines.length === 0 ? '' : `. It wanted:${shown.join('')}${lines.length > LINES ? `\n    (and ${lines.length - LINES} lines more)` : ''}`;
};

const about = async (machine: Machine, store: Store, item: Item & { kind: 'file' }, ending: string): Promise<readonly Finding[]> => {
  const theirs = path(`${item.path}.${ending}`);
  const now = (await machine.read(theirs))?.toString();
  if (now === undefined) return [];
  const before = (await machine.read(store.originals.copyOf(item.path)))?.toString();
  return [
    {
      level: 'warning',
      code: 'packages.wanted',
      message: `an update came with another ${item.path}; Hauspost's stays in place${words(before, now)}`,
      remedy: `There is nothing to be done. The package's file is ${theirs}; this is said until it is removed.`,
    },
  ];
};

export const packagesWant = async (machine: Machine, store: Store, { items }: Manifest): Promise<readonly Finding[]> => {
  const files = items.filter((item): item is Item & { kind: 'file' } => item.kind === 'file');
  const found = await Promise.all(files.flatMap((item) => ENDINGS.map((ending) => about(machine, store, item, ending))));
  return found.flat();
};
