/**
 * Where Hauspost itself lies. Root runs what is there again and again (`upkeep`, `dkim-keys`), so whoever can write there, or move one of the folders above, is root as
 * well. A checkout in somebody's home is said so; one where everybody can write is none that a server is made from.
 */
import { type AbsPath, environmentError, path } from '#base';
import { shellLine } from '#formats';
import type { FileState, Machine } from '#machine';
import type { Finding } from '#model';
import type { Context } from './operation.ts';

const HOME = path('/opt/hauspost');

const above = (target: AbsPath): AbsPath => path(target.slice(0, target.lastIndexOf('/')) || '/');
const upTo = (folder: AbsPath): readonly AbsPath[] => (folder === '/' ? [folder] : [...upTo(above(folder)), folder]);

/** What is run, beside the folder that it lies in. */
const PARTS = ['hauspost', 'package.json', 'package-lock.json', 'src', 'node_modules'];

interface Seen extends FileState {
  readonly at: AbsPath;
}

const seen = async (machine: Machine, paths: readonly AbsPath[]): Promise<readonly Seen[]> => {
  const states = await Promise.all(paths.map((at) => machine.state(at)));
  return paths.flatMap((at, index) => {
    const state = states[index];
    return state === undefined ? [] : [{ at, ...state }];
  });
};

/** Who beside root can change it, or what is in it; undefined: nobody. A link has no mode of its own. */
const others = ({ kind, owner, mode }: FileState): string | undefined => {
  const [user, group] = owner.split(':');
  if (user !== 'root') return `user ${user}`;
  if (kind === 'link') return undefined;
  if ((mode & 0o002) !== 0) return 'everybody';
  return (mode & 0o020) !== 0 && group !== 'root' ? `group ${group}` : undefined;
};

const moved = (folder: AbsPath): string => (folder === HOME ? '' : `${shellLine(['mv', folder, HOME])} && `);
const taken = (folder: AbsPath): string => `${shellLine(['chown', '-R', 'root:', folder])} && ${shellLine(['chmod', '-R', 'go-w', folder])}`;

/** Throws `installation.anybodys` (exit 4): after a boot /tmp is empty, and whoever comes first makes the program that root runs from then on. */
export const refuseAnybodys = async ({ machine, program }: Pick<Context, 'machine' | 'program'>): Promise<void> => {
  const folder = above(program);
  const [open] = (await seen(machine, upTo(folder))).filter((each) => each.kind === 'dir' && (each.mode & 0o002) !== 0);
  if (open === undefined) return;
  throw environmentError({
    code: 'installation.anybodys',
    message: `Hauspost lies in ${folder}, and everybody can write in ${open.at}: root would run from then on what anybody puts there`,
    remedy: `Put it where root alone writes: ${moved(folder)}${taken(HOME)}; then ${HOME}/hauspost does it.`,
    detail: { folder, open: open.at },
  });
};

export const installationFindings = async ({ machine, program }: Pick<Context, 'machine' | 'program'>): Promise<readonly Finding[]> => {
  const folder = above(program);
  const ways = await seen(machine, upTo(above(folder)));
  const own = await seen(machine, [folder, ...PARTS.map((name) => path(`${folder === '/' ? '' : folder}/${name}`))]);
  const [first] = [...ways, ...own].flatMap((each) => {
    const who = others(each);
    return who === undefined ? [] : [{ at: each.at, who }];
  });
  if (first === undefined) return [];
  const message = `root runs what lies in ${folder} once an hour and more, and ${first.who} may write ${first.at}`;
  const elsewhere = ways.some((each) => others(each) !== undefined);
  const remedy = elsewhere
    ? `Put it where root alone writes: ${moved(folder)}${taken(HOME)}; then ${HOME}/hauspost apply.`
    : `Make it root's: ${taken(folder)}.`;
  return [{ level: 'warning', code: 'installation.not-roots', message, remedy }];
};
