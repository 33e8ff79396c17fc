/** A manifest against the machine: one change for each item that differs. Reads only. */
import { type AbsPath, path, redacted, secretsOf, type Text } from '#base';
import { configured, type Machine, type Placement } from '#machine';
import type { Item, Manifest } from '#model';
import { type Change, needs, plainChange as change, unified } from './changes.ts';
import { type DerivedKeys, isAsMade, isMadeFrom, type Moved } from './derived.ts';
import { standsAs } from './directories.ts';
import type { Secrets } from './secrets.ts';

export interface Comparison {
  readonly machine: Machine;
  readonly secrets: Secrets;
  readonly wanted: Manifest;
  /** What was applied last; undefined before the first apply. */
  readonly committed: Manifest | undefined;
  readonly derived: DerivedKeys;
  readonly moved: Moved;
}

type FileItem = Item & { kind: 'file' };
type DirItem = Item & { kind: 'dir' };

/** Undefined while a secret that it names has not been made. */
const content = async (secrets: Secrets, text: Text): Promise<string | undefined> => {
  for (const name of secretsOf(text)) if ((await secrets.get(name)) === undefined) return undefined;
  return secrets.reveal(text);
};

const itemAt = (manifest: Manifest | undefined, target: string): FileItem | undefined =>
  manifest?.items.find((item): item is FileItem => item.kind === 'file' && item.path === target);

const placementDiff = (item: Placement, state: Placement): string =>
  state.owner === item.owner && state.mode === item.mode ? '' : `-${state.owner} ${state.mode.toString(8)}\n+${item.owner} ${item.mode.toString(8)}`;

const compareFile = async ({ machine, secrets, committed }: Comparison, item: FileItem): Promise<readonly Change[]> => {
  const state = await machine.state(item.path);
  const wanted = await content(secrets, item.text);
  if (state === undefined)
    return [
      change('file', item.path, 'create', {
        needs: needs(item.wakes),
        diff: unified('', redacted(item.text)),
        drift: itemAt(committed, item.path) !== undefined,
      }),
    ];
  const current = state.kind === 'file' ? (await machine.read(item.path))?.toString() : undefined;
  const placed = placementDiff(item, state);
  if (current === wanted && placed === '') return [];
  const applied = itemAt(committed, item.path);
  const before = applied === undefined ? undefined : await content(secrets, applied.text);
  const drift = applied !== undefined && (before !== current || placementDiff(applied, state) !== '');
  const hidden = secretsOf(item.text).length > 0 || (applied !== undefined && secretsOf(applied.text).length > 0);
  // What lies there may hold a secret; then only the two renderings are shown.
  const shown = hidden ? unified(applied === undefined ? '' : redacted(applied.text), redacted(item.text)) : unified(current ?? '', wanted ?? '');
  return [change('file', item.path, 'change', { needs: needs(item.wakes), drift, diff: [placed, shown].filter((part) => part !== '').join('\n') })];
};

const dirItself = async ({ machine, committed }: Comparison, item: DirItem): Promise<readonly Change[]> => {
  const state = await standsAs(machine, item);
  const applied = committed?.items.find((other): other is DirItem => other.kind === 'dir' && other.path === item.path);
  const create = change('dir', item.path, 'create', { needs: needs(item.wakes ?? []), drift: applied !== undefined });
  if (state === undefined) return [create];
  if (state.kind !== 'dir') return [change('file', item.path, 'remove', { drift: true }), create];
  const diff = placementDiff(item, state);
  const drift = applied !== undefined && placementDiff(applied, state) !== '';
  return diff === '' ? [] : [change('dir', item.path, 'change', { needs: needs(item.wakes ?? []), diff, drift })];
};

const compareDir = async (comparison: Comparison, item: DirItem): Promise<readonly Change[]> => {
  const { machine, wanted, committed } = comparison;
  const own = await dirItself(comparison, item);
  if (!item.exclusive || own.some(({ action }) => action === 'create')) return own;
  const inside = new Set(
    wanted.items.flatMap((other) =>
      'path' in other && other.path.startsWith(`${item.path}/`) ? [other.path.slice(item.path.length + 1).split('/')[0]] : [],
    ),
  );
  // What was ours until now goes as such, below.
  const ours = new Set<string>(managedPaths(committed));
  const strangers = (await machine.list(item.path)).filter((name) => !inside.has(name) && !ours.has(`${item.path}/${name}`));
  // What lay there before the first apply, as after `rollback 0`, was not put there since; generation 0 keeps it.
  const drift = committed !== undefined;
  return [...own, ...strangers.map((name) => change('file', `${item.path}/${name}`, 'remove', { needs: needs(item.wakes ?? []), drift }))];
};

/** What lies where nothing is to be. */
const compareAbsent = async ({ machine, committed }: Comparison, item: Item & { kind: 'absent' }): Promise<readonly Change[]> => {
  if ((await machine.state(item.path)) === undefined) return [];
  const drift = committed?.items.some((other) => other.kind === 'absent' && other.path === item.path) === true;
  return [change('file', item.path, 'remove', { needs: needs(item.wakes), drift })];
};

const compareDerived = async (comparison: Comparison, item: Item & { kind: 'derived' }): Promise<readonly Change[]> => {
  const { machine, wanted, committed, derived, moved } = comparison;
  const by = moved.get(item.package);
  if (by !== undefined && isMadeFrom(item, wanted, derived) && (await machine.state(item.path)) !== undefined)
    return [change('derived', item.path, 'change', { needs: needs(item.wakes), package: `${item.package} ${by.version}` })];
  if (await isAsMade(machine, item, wanted, derived)) return [];
  const there = (await machine.state(item.path)) !== undefined;
  // One that a change had which was undone is nobody's doing.
  const had = committed?.items.some((other) => other.kind === 'derived' && other.path === item.path) === true;
  const drift = had && isMadeFrom(item, wanted, derived);
  return [change('derived', item.path, there ? 'change' : 'create', { needs: needs(item.wakes), drift })];
};

/** Something was done since to what was ours and goes now. */
const isEdited = async ({ machine, secrets, committed }: Comparison, target: AbsPath): Promise<boolean> => {
  const state = await machine.state(target);
  const item = committed?.items.find((other) => 'path' in other && other.path === target);
  if (state === undefined || item?.kind === 'derived') return false;
  if (item?.kind !== 'file' || state.kind !== 'file') return true;
  return (await machine.read(target))?.toString() !== (await content(secrets, item.text)) || placementDiff(item, state) !== '';
};

const compareItem = async (comparison: Comparison, item: Item): Promise<readonly Change[]> => {
  switch (item.kind) {
    case 'file':
      return compareFile(comparison, item);
    case 'dir':
      return compareDir(comparison, item);
    case 'absent':
      return compareAbsent(comparison, item);
    case 'derived':
      return compareDerived(comparison, item);
    case 'grant':
      return []; // the database's, see compareGrants
  }
};

export const grantName = ({ principal, on }: Item & { kind: 'grant' }): string => `${principal} on ${on}`;

/** Grants that are wanted and were not yet applied. */
export const compareGrants = (wanted: Manifest, committed: Manifest | undefined): readonly Change[] => {
  const names = (manifest: Manifest | undefined): readonly string[] =>
    (manifest?.items ?? []).flatMap((item) => (item.kind === 'grant' ? [grantName(item)] : []));
  const had = new Set(names(committed));
  return names(wanted).flatMap((target) => (had.has(target) ? [] : [change('grant', target, 'grant')]));
};

/** Paths that `manifest` manages: the ones that have to go or come back when it is left. */
export const managedPaths = (manifest: Manifest | undefined): readonly AbsPath[] =>
  (manifest?.items ?? []).flatMap((item) => (item.kind === 'file' || item.kind === 'derived' || item.kind === 'absent' ? [item.path] : []));

export const managedFiles = (manifest: Manifest): readonly AbsPath[] => manifest.items.flatMap((item) => (item.kind === 'file' ? [item.path] : []));

/** Names the package for each file that was changed while it was being configured. */
const withPackages = async (machine: Machine, changes: readonly Change[]): Promise<readonly Change[]> => {
  if (!changes.some(({ kind, drift }) => kind === 'file' && drift)) return changes;
  const log = await configured(machine);
  return Promise.all(
    changes.map(async (each) => {
      const at = each.kind === 'file' && each.drift ? (await machine.state(path(each.target)))?.modified : undefined;
      const by = at === undefined ? undefined : log.findLast(({ from, to }) => at >= from && at <= to);
      return by === undefined ? each : { ...each, package: `${by.package} ${by.version}` };
    }),
  );
};

export const compare = async (comparison: Comparison): Promise<readonly Change[]> => {
  const changes: Change[] = [];
  for (const item of comparison.wanted.items) changes.push(...(await compareItem(comparison, item)));
  const wanted = new Set<string>(managedPaths(comparison.wanted));
  for (const left of managedPaths(comparison.committed)) {
    if (!wanted.has(left)) changes.push(change('file', left, 'remove', { drift: await isEdited(comparison, left) }));
  }
  return withPackages(comparison.machine, changes);
};
