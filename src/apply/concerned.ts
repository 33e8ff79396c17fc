/**
 * Daemons that get to read something else than what is in place. The others have looked at theirs before it was committed, and would say the same again:
 * unless they are another version, or we are.
 */
import { path } from '#base';
import type { Machine } from '#machine';
import type { Item, Manifest, Service } from '#model';
import type { Change } from './changes.ts';
import { grantName } from './compare.ts';
import type { Desired } from './plan.ts';
import type { Generation } from './store.ts';

const targetOf = (item: Item): string => ('path' in item ? item.path : grantName(item));

const keyed = ({ items }: Manifest): ReadonlyMap<string, string> => new Map(items.map((item) => [targetOf(item), JSON.stringify(item)]));

const wokenBy = (item: Item): readonly string[] => ('wakes' in item ? (item.wakes ?? []).map(({ service }) => service) : []);

/** Also a secret that is another one, of which the manifest has the name alone. */
const isWrittenAnew = async (machine: Machine, { tree }: Generation, item: Item): Promise<boolean> => {
  if (item.kind !== 'file') return false;
  const [wanted, lies] = await Promise.all([machine.read(path(`${tree}${item.path}`)), machine.read(item.path)]);
  return wanted === undefined || lies?.equals(wanted) !== true;
};

const isOfSameVersions = (desired: Desired, staged: Generation, committed: Generation): boolean =>
  staged.meta.version === committed.meta.version && JSON.stringify(committed.input?.facts.versions) === JSON.stringify(desired.input.facts.versions);

/** `changes`: what the plan has found. */
export const concerned = async (
  machine: Machine,
  desired: Desired,
  staged: Generation,
  committed: Generation | undefined,
  changes: readonly Change[],
): Promise<readonly Service[]> => {
  if (committed === undefined || !isOfSameVersions(desired, staged, committed)) return desired.services;
  const [before, then] = [keyed(committed.manifest), keyed(staged.manifest)];
  const changed = new Set(changes.map(({ target }) => target));
  const gone = committed.manifest.items.filter((item) => !then.has(targetOf(item)));
  const woken = new Set([...gone.flatMap(wokenBy), ...changes.flatMap(({ needs }) => needs.map((need) => need.split(' ').at(-1)))]);
  const isOther = async (item: Item): Promise<boolean> => {
    const target = targetOf(item);
    return changed.has(target) || before.get(target) !== then.get(target) || isWrittenAnew(machine, staged, item);
  };
  const reads = async (service: Service): Promise<boolean> =>
    woken.has(service.name) || (await Promise.all(service.items(desired.input).map(isOther))).includes(true);
  const found = await Promise.all(desired.services.map(reads));
  return desired.services.filter((_, index) => found[index] === true);
};
