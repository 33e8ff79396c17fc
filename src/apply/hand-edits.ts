/** What somebody changed by hand is kept, also where the operator agreed to overwrite it, and where a change goes back over it. */
import { type AbsPath, path, type Reporter } from '#base';
import type { Machine } from '#machine';
import type { Change } from './changes.ts';
import { managedFiles } from './compare.ts';
import type { Generation, Store } from './store.ts';

/** Those that the plan found changed since they were applied. */
export const overwritten = (changes: readonly Change[]): readonly AbsPath[] =>
  changes.filter(({ kind, drift }) => kind === 'file' && drift).map(({ target }) => path(target));

/** Neither a file, as all that we write, nor what was there before the first apply. */
const isStrange = async (machine: Machine, store: Store, target: AbsPath): Promise<boolean> => {
  const [now, before] = [await machine.state(target), await machine.state(store.originals.copyOf(target))];
  return now !== undefined && now.kind !== 'file' && now.kind !== before?.kind;
};

/** Files that hold neither what one of `written` put there nor what was there before the first apply. */
export const handEdits = async (machine: Machine, store: Store, written: readonly Generation[]): Promise<readonly AbsPath[]> => {
  const edited: AbsPath[] = [];
  for (const target of new Set(written.flatMap(({ manifest }) => managedFiles(manifest)))) {
    if (await isStrange(machine, store, target)) edited.push(target);
    const now = (await machine.state(target))?.kind === 'file' ? await machine.read(target) : undefined;
    if (now === undefined) continue;
    const copies = [...written.map(({ tree }) => path(`${tree}${target}`)), store.originals.copyOf(target)];
    const same = await Promise.all(copies.map(async (copy) => (await machine.read(copy))?.equals(now) === true));
    if (!same.includes(true)) edited.push(target);
  }
  return edited;
};

export const keep = async ({ reporter }: { readonly reporter: Reporter }, store: Store, targets: readonly AbsPath[]): Promise<void> => {
  const folder = await store.keepOverwritten(targets);
  if (folder !== undefined) reporter.emit({ kind: 'info', text: `what somebody had changed by hand is kept in ${folder}` });
};
