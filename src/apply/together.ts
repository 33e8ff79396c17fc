/**
 * Many changes for a person who is to look at them before a yes: what is done alike in one folder stands together. What somebody else changed since
 * keeps a line of its own.
 */

/** A change, or what was printed of one. */
interface Shown {
  readonly kind: string;
  readonly action: string;
  readonly target: string;
  readonly needs: readonly string[];
  readonly drift: boolean;
  readonly package?: string | undefined;
  readonly diff: string;
}

/** Lines that are still looked at one by one. */
const FEW = 20;
/** Fewer in one folder gain nothing by it. */
const LEAST = 4;

/** `/etc/postfix` of all that is below it; of a right whose it is. */
const placeOf = ({ kind, target }: Shown): string | undefined => {
  if (kind === 'grant') return / on /.test(target) ? target.slice(0, target.indexOf(' on ')) : undefined;
  return /^(?:\/[^/]+\/[^/]+(?=\/)|\/[^/]+(?=\/))/.exec(target)?.[0];
};

/** A part of the list: changes that differ in their names alone. */
export interface Together<C extends Shown> {
  readonly changes: readonly C[];
  /** What they have in common, if they are several: the place. */
  readonly place?: string;
}

const alone = ({ kind, drift, package: by, diff }: Shown): boolean =>
  drift || by !== undefined || diff !== '' || !['file', 'dir', 'derived', 'grant'].includes(kind);

/** In the order of the list, a group where its first stands. `diffs`: whether they are shown, and keep their change alone. */
export const together = <C extends Shown>(changes: readonly C[], diffs: 'shown' | 'hidden'): readonly Together<C>[] => {
  if (changes.length <= FEW) return changes.map((change) => ({ changes: [change] }));
  const groups = Map.groupBy(changes, (change) => {
    const place = placeOf(change);
    if (place === undefined || alone(diffs === 'shown' ? change : { ...change, diff: '' })) return change;
    return [change.action, place, ...(diffs === 'shown' ? change.needs : [])].join('\n');
  });
  return [...groups.values()].flatMap((group): readonly Together<C>[] => {
    const [first] = group;
    const place = first === undefined ? undefined : placeOf(first);
    if (place === undefined || group.length < LEAST) return group.map((change) => ({ changes: [change] }));
    return [{ changes: group, place }];
  });
};

const within = ({ kind, target }: Shown, place: string): string =>
  kind === 'grant' ? target.slice(`${place} on `.length) : target.slice(place.length + 1);

/** A folder that comes with a file in it needs no mention. */
const isImplied = ({ kind, target }: Shown, group: readonly Shown[]): boolean =>
  kind === 'dir' && group.some((other) => other.target.startsWith(`${target}/`));

/** Of those that are named where the rest is only counted. */
const NAMED = 3;

/**
 * `create in /etc/postfix`, and the names there. `briefly`: of what is new, and so takes nothing's place, only the first ones and how many more; of what
 * is changed or removed all of them nevertheless.
 */
export const groupText = (group: readonly Shown[], place: string, length: 'whole' | 'briefly'): { readonly head: string; readonly names: string } => {
  const [first] = group;
  const head = first?.kind === 'grant' ? `${first.action} ${place}` : `${first?.action ?? ''} in ${place}`;
  const names = group.filter((change) => !isImplied(change, group)).map((change) => within(change, place));
  const isNew = first?.action === 'create' || first?.action === 'grant';
  if (length === 'whole' || !isNew || names.length <= NAMED + 1) return { head, names: names.join(', ') };
  return { head, names: `${names.slice(0, NAMED).join(', ')} and ${names.length - NAMED} more` };
};
