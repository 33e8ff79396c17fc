/** `plan`, `apply`, `generations`, `rollback` for a person. */
import { blameOf, nameOf } from '#apply';
import type { OutputOf } from '#operations';
import { shortened } from './diff.ts';
import { columns, interruptedText, underWayText } from './table.ts';

type Change = OutputOf<'plan'>['changes'][number];

const head = (change: Change): string => {
  const { action, needs } = change;
  const by = change.drift ? `  [${blameOf(change)} it was applied]` : change.package === undefined ? '' : `  [anew by ${change.package}]`;
  return `${action} ${nameOf(change)}${needs.length > 0 ? `  (${[...new Set(needs)].join(', ')})` : ''}${by}`;
};

const show = (change: Change): string =>
  change.diff === ''
    ? head(change)
    : `${head(change)}\n${shortened(change.diff.split('\n'))
        .map((line) => `    ${line}`)
        .join('\n')}`;

const count = (changes: readonly unknown[]): string => (changes.length === 1 ? '1 change' : `${changes.length} changes`);

export const plan = ({ changes, generation, interrupted, under_way: holder }: OutputOf<'plan'>): string => {
  const list = changes.map((change) => `${show(change)}\n`).join('');
  if (holder !== undefined) return `${list}${underWayText(holder)}\n`;
  if (interrupted !== undefined) return `${list}${interruptedText(interrupted)}\n`;
  if (changes.length === 0) return `Nothing to do; generation ${generation ?? 'none'} is in place.\n`;
  return `${list}\n${count(changes)}. 'hauspost apply' makes ${changes.length === 1 ? 'it' : 'them'}.\n`;
};

export const apply = ({ applied, generation, changes }: OutputOf<'apply'>): string => {
  if (!applied) return `Nothing to do; generation ${generation} is in place.\n`;
  return `Generation ${generation} is in place (${count(changes)}).\n`;
};

const about = ({ summary, options, readable }: OutputOf<'generations'>[number]): string =>
  `${summary}${options.length > 0 ? `: ${options.join(', ')}` : ''}${readable ? '' : ' (made by a newer version: this one cannot put it back)'}`;

export const generations = (list: OutputOf<'generations'>): string =>
  list.length === 0
    ? 'Nothing was applied yet.\n'
    : `${columns(list.map((each) => [each.committed ? '*' : ' ', String(each.number), each.created.slice(0, 19).replace('T', ' '), each.version, about(each)]))}\n`;

export const rollback = (done: OutputOf<'rollback'>): string =>
  done.generation === 0
    ? done.applied
      ? `What was there before the first apply is in place again (${count(done.changes)}). Packages, people and mail stay; './hauspost up' in the checkout begins anew.\n`
      : 'Nothing to do; nothing of Hauspost is in place.\n'
    : `${apply(done)}hauspost.toml is as it was; 'hauspost plan' shows what it would change.\n`;
