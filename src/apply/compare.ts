/** A manifest against the machine: one change for each item that differs. Reads only. */
import { type AbsPath, path, redacted, secretsOf, type Text } from '#base';
import { configured, type Machine } from '#machine';
import type { Item, Manifest } from '#model';
import { type Change, needs, plainChange as change, unified } from './changes.ts';
import { derivedKey, type DerivedKeys, type Moved } from './derived.ts';
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

/** Undefined while a secret that it names has not been made. */
const content = async (secrets: Secrets, text: Text): Promise<string | undefined> => {
  for (const name of secretsOf(text)) if ((await secrets.get(name)) === undefined) return undefined;
  return secrets.reveal(text);
};

const itemAt = (manifest: Manifest | undefined, target: string): FileItem | undefined =>
  manifest?.items.find((item): item is FileItem => item.kind === 'file' && item.path === target);

const placementDiff = (item: FileItem, state: { owner: string; mode: number }): string =>
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

const compareDir = async ({ machine, wanted, committed }: Comparison, item: Item & { kind: 'dir' }): Promise<readonly Change[]> => {
  const state = await machine.state(item.path);
  if (state === undefined) return [change('dir', item.path, 'create')];
  const own = state.kind === 'dir' && state.owner === item.owner && state.mode === item.mode ? [] : [change('dir', item.path, 'change')];
  if (!item.exclusive) return own;
  const inside = new Set(
    wanted.items.flatMap((other) =>
      'path' in other && other.path.startsWith(`${item.path}/`) ? [other.path.slice(item.path.length + 1).split('/')[0]] : [],
    ),
  );
  // What was ours until now goes as such, below.
  const ours = new Set<string>(managedPaths(committed));
  const strangers = (await machine.list(item.path)).filter((name) => !inside.has(name) && !ours.has(`${item.path}/${name}`));
  return [...own, ...strangers.map((name) => change('file', `${item.path}/${name}`, 'remove', { drift: true }))];
};

const compareItem = async (comparison: Comparison, item: Item): Promise<readonly Change[]> => {
  const { machine, derived, moved } = comparison;
  switch (item.kind) {
    case 'file':
      return compareFile(comparison, item);
    case 'dir':
      return compareDir(comparison, item);
    case 'absent':
      return (await machine.state(item.path)) === undefined ? [] : [change('file', item.path, 'remove', { needs: needs(item.wakes) })];
    case 'derived': {
      const there = (await machine.state(item.path)) !== undefined;
      if (!there || derived[item.path] !== derivedKey(item, comparison.wanted))
        return [change('derived', item.path, there ? 'change' : 'create', { needs: needs(item.wakes) })];
      const by = moved.get(item.package);
      return by === undefined ? [] : [change('derived', item.path, 'change', { needs: needs(item.wakes), package: `${item.package} ${by.version}` })];
    }
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
  for (const left of managedPaths(comparison.committed)) if (!wanted.has(left)) changes.push(change('file', path(left), 'remove'));
  return withPackages(comparison.machine, changes);
};
