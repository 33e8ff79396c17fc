/** What upkeep does for DKIM keys: makes those that are due by their age, and goes on with those that wait for DNS or for the end of their week. */
import { HauspostError } from '#base';
import { listDkimKeys } from '#dkim';
import type { RenderInput } from '#model';
import { inPlace, loadInput } from './desired.ts';
import { copyFindings } from './another-machine.ts';
import { servedDomains } from './dkim-domains.ts';
import { type Rotated, rotateKeys } from './dkim-rotate.ts';
import { dueDomains } from './dkim-schedule.ts';
import { withDkimLock } from './dkim-turn.ts';
import { wishes } from './dkim-wishes.ts';
import type { Context } from './operation.ts';
import { keyringOf } from './secrets.ts';
import type { Task } from './task.ts';

/** What the file says of keys counts without an apply; where it cannot be used, what is in place does. */
const inputNow = async (context: Context): Promise<RenderInput | undefined> => {
  try {
    return await loadInput(context);
  } catch (error) {
    if (error instanceof HauspostError && error.blame === 'operator') return (await inPlace(context))?.input;
    throw error;
  }
};

const SAYS = { active: 'signs from now on', retiring: 'signs no longer', retired: 'is gone' };

const sentences = ({ domain, made, steps }: Rotated): readonly string[] => [
  ...made.map((selector) => `DKIM key ${selector} of ${domain} was made; its record is to be published.`),
  ...steps.map(({ selector, state }) => `DKIM key ${selector} of ${domain} ${SAYS[state]}.`),
];

export const keepDkim: Task = async (context) => {
  const input = await inputNow(context);
  // That it is a copy upkeep tells when it comes to what is published.
  if (input === undefined || (await copyFindings(context, input)).length > 0) return { done: [] };
  const served = (await servedDomains()).all;
  const { domains: rotated } = await withDkimLock(context, 'hauspost upkeep', async () =>
    rotateKeys(context, input, served, await dueDomains(context, input, served)),
  );
  const { dns, dkim } = input.settings;
  const sight = { now: context.machine.now(), pushed: dns.update !== null, retireAfterSeconds: dkim.retireAfterSeconds };
  const [next] = wishes(rotated, await listDkimKeys(keyringOf(context)), sight);
  return { done: rotated.flatMap(sentences), ...(next === undefined ? {} : { next }) };
};
