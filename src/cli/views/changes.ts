/** `plan`, `apply`, `generations`, `rollback` for a person. */
import { blameOf, groupText, nameOf, together, type Together } from '#apply';
import { hanging } from '#base';
import type { OutputOf } from '#operations';
import { shortened } from './diff.ts';
import { attention, columns, interruptedText, underWayText } from './table.ts';

type Change = OutputOf<'plan'>['changes'][number];

const asked = (needs: readonly string[]): string => (needs.length > 0 ? `  (${[...new Set(needs)].join(', ')})` : '');

const head = (change: Change): string => {
  const { action, needs } = change;
  const by = change.drift ? `  [${blameOf(change)} it was applied]` : change.package === undefined ? '' : `  [anew by ${change.package}]`;
  return `${action} ${nameOf(change)}${asked(needs)}${by}`;
};

const show = (change: Change): string =>
  change.diff === ''
    ? head(change)
    : `${head(change)}\n${shortened(change.diff.split('\n'))
        .map((line) => `${INDENT}${line}`)
        .join('\n')}`;

const INDENT = '    ';

const paragraph = ({ changes, place }: Together<Change>): readonly string[] => {
  if (place === undefined) return changes.map(show);
  const { head: what, names } = groupText(changes, place, 'whole');
  return [`${what}${asked(changes[0]?.needs ?? [])}\n${INDENT}${hanging(names, INDENT)}`];
};

const count = (changes: readonly unknown[]): string => (changes.length === 1 ? '1 change' : `${changes.length} changes`);

const sum = ({ changes, generation, interrupted, under_way: holder }: OutputOf<'plan'>): string => {
  if (holder !== undefined) return underWayText(holder);
  if (interrupted !== undefined) return interruptedText(interrupted);
  if (changes.length === 0) return `Nothing to do; generation ${generation ?? 'none'} is in place.`;
  return `${count(changes)}. 'hauspost apply' makes ${changes.length === 1 ? 'it' : 'them'}.`;
};

/** What is to be seen first stands last: the list may be longer than the screen. */
export const plan = (output: OutputOf<'plan'>): string => {
  const list = together(output.changes, 'shown').flatMap(paragraph);
  return [...list, ...(list.length > 0 ? [''] : []), sum(output), ...attention(output.findings), ''].join('\n');
};

export const apply = ({ applied, generation, changes }: OutputOf<'apply'>): string => {
  if (!applied) return `Nothing to do; generation ${generation} is in place.\n`;
  return `Generation ${generation} is in place (${count(changes)}).\n`;
};

type Listed = OutputOf<'generations'>[number];

const about = ({ summary, options, compared_with: other, readable }: Listed): string => {
  const against = other === null ? '' : `against ${other}: `;
  const written = options.length === 0 ? '' : `; in hauspost.toml: ${options.join(', ')}`;
  return `${against}${summary}${written}${readable ? '' : ' (made by a newer version: this one cannot put it back)'}`;
};

const ROLLBACK =
  "* is in place. 'hauspost rollback N' makes the machine what it was with N in place: with what N changed, without what came after it.";

const NONE_IN_PLACE =
  "None of them is in place. In the checkout './hauspost rollback N' makes the machine what it was with N in place, './hauspost up' what hauspost.toml says.";

export const generations = (list: readonly Listed[]): string => {
  const rows = list.map((each) => [
    each.committed ? '*' : ' ',
    String(each.number),
    each.created.slice(0, 19).replace('T', ' '),
    each.version,
    about(each),
  ]);
  const legend = list.some(({ committed }) => committed) ? ROLLBACK : NONE_IN_PLACE;
  return `${columns([['', 'N', 'MADE (UTC)', 'HAUSPOST', 'WHAT IT CHANGED'], ...rows])}\n\n${hanging(legend, '')}\n`;
};

export const rollback = (done: OutputOf<'rollback'>): string =>
  done.generation === 0
    ? done.applied
      ? `What was there before the first apply is in place again (${count(done.changes)}). Packages, people and mail stay; './hauspost up' in the checkout begins anew.\n`
      : 'Nothing to do; nothing of Hauspost is in place.\n'
    : `${apply(done)}hauspost.toml is as it was; 'hauspost plan' shows what it would change.\n`;
