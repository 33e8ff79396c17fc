/** What upkeep does for DKIM keys: makes those that are due by their age, and goes on with those that wait for DNS or for the end of their week. */
import { HauspostError } from '#base';
import { type DkimKey, goes, listDkimKeys } from '#dkim';
import type { RenderInput } from '#model';
import { inPlace, loadInput } from './desired.ts';
import { servedDomains } from './dkim-domains.ts';
import { type Rotated, rotateKeys } from './dkim-rotate.ts';
import { dueDomains } from './dkim-schedule.ts';
import { withDkimLock } from './dkim-turn.ts';
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

/** What was pushed is at all servers soon; what somebody publishes by hand is looked for every hour. */
const SOON_MS = 300_000;

/** When to look again. */
const wishes = (rotated: readonly Rotated[], keys: readonly DkimKey[], { settings }: RenderInput, now: Date): readonly Date[] => [
  ...rotated.flatMap(({ waiting }) => waiting.flatMap(({ until }) => (until === null ? [] : [new Date(until)]))),
  ...(settings.dns.update !== null && rotated.some(({ waiting }) => waiting.length > 0) ? [new Date(now.getTime() + SOON_MS)] : []),
  ...keys.flatMap((key) => (key.state === 'retiring' ? [goes(key, settings.dkim.retireAfterSeconds)] : [])).filter((at) => at !== null),
];

export const keepDkim: Task = async (context) => {
  const input = await inputNow(context);
  if (input === undefined) return { done: [] };
  const served = (await servedDomains()).all;
  const { domains: rotated } = await withDkimLock(context, 'hauspost upkeep', async () =>
    rotateKeys(context, input, served, await dueDomains(context, input.settings, served)),
  );
  const [next] = wishes(rotated, await listDkimKeys(keyringOf(context)), input, context.machine.now()).toSorted((a, b) => a.getTime() - b.getTime());
  return { done: rotated.flatMap(sentences), ...(next === undefined ? {} : { next }) };
};
