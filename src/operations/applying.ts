/** What `plan`, `apply`, `up` and `status` share: what the apply room wants to know around it, the question, the request. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  type ApplyRequest,
  blameOf,
  type Change,
  type Desired,
  groupText,
  isUnasked,
  nameOf,
  type Plan,
  type Surroundings,
  together,
  type Together,
} from '#apply';
import { hanging, operatorError } from '#base';
import { changeUnderWay, initOf } from '#machine';
import type { Finding, RenderInput } from '#model';
import { databaseFor } from './database.ts';
import { inputOf, loadDesired, storeOf } from './desired.ts';
import { refuseTakenPorts } from './foreign.ts';
import { materialsFor } from './materials.ts';
import type { Consent, Context } from './operation.ts';
import { originsOf } from './origins.ts';
import { secretsOf } from './secrets.ts';

const NEVER_CONSENTED = 'apply.not-consented';

const digest = (changes: readonly Change[]): string =>
  createHash('sha256')
    .update(JSON.stringify(changes.map(({ kind, target, action, diff }) => [kind, target, action, diff])))
    .digest('hex')
    .slice(0, 16);

const line = (change: Change): string => {
  const { kind, action, drift } = change;
  const by = `${blameOf(change)}${kind === 'file' && action !== 'create' ? '; a copy is kept' : ''}`;
  return `  ${action} ${nameOf(change)}${drift ? ` (${by})` : ''}`;
};

const COPIES = 'Copies are kept below /var/lib/hauspost/overwritten.';
/** Of lines that go on. */
const FURTHER = '      ';

const lines = ({ changes, place }: Together<Change>): readonly string[] => {
  if (place === undefined) return changes.map(line);
  const { head, names } = groupText(changes, place, 'briefly');
  return [hanging(`  ${head}: ${names}`, FURTHER)];
};

const describe = (changes: readonly Change[]): string => {
  const packages = Map.groupBy(
    changes.filter((change) => change.kind === 'package'),
    (change) => change.action,
  );
  const rest = together(
    changes.filter((change) => change.kind !== 'package'),
    'hidden',
  ).flatMap(lines);
  const copies = changes.some((change) => change.drift && change.kind === 'file' && change.action !== 'create') ? [COPIES] : [];
  const named = [...packages].map(([action, each]) => hanging(`  ${action} ${each.map(({ target }) => target).join(' ')}`, FURTHER));
  return [...named, ...rest, ...copies].join('\n');
};

const HEAL = 'apply:heal';

/** The question about a plan; none when there is nothing to do, or only to start what was stopped or to renew a certificate. */
export const consentTo = ({ changes, state: { entering } }: Plan): readonly Consent[] => {
  if (entering !== null) {
    const text = `An earlier change (generation ${entering}) was interrupted. It is undone first; then this command goes on.`;
    return [{ id: HEAL, text, question: 'Go on?' }];
  }
  if (changes.every(isUnasked)) return [];
  return [{ id: `apply:${digest(changes)}`, text: `These changes would be made:\n${describe(changes)}`, question: 'Make these changes?' }];
};

/** Of results that say how the machine is. */
export const standingFields = {
  under_way: z.string().optional().describe('the change that is being made at this moment: its command and process'),
  interrupted: z.number().optional().describe('the generation that a change was interrupted in; apply undoes it'),
};

interface Standing {
  readonly under_way?: string;
  readonly interrupted?: number;
}

/** Between two configurations, either since somebody is at work, or since somebody was and ended in the middle. */
export const standing = async (context: Context, { entering }: Plan['state']): Promise<Standing> => {
  const holder = await changeUnderWay();
  if (holder !== undefined) return { under_way: holder };
  // Who was at work may have ended since `entering` was read.
  if (entering === null || (await storeOf(context).state()).entering !== entering) return {};
  return { interrupted: entering };
};

/** For what shows no `standing`: as long as it is so upkeep does nothing, and mail flows on, so that nobody would look. */
export const interruptionFindings = async (context: Context): Promise<readonly Finding[]> => {
  const { interrupted } = await standing(context, await storeOf(context).state());
  if (interrupted === undefined) return [];
  const message = `a change (to generation ${interrupted}) was interrupted, and the machine is between two configurations; meanwhile upkeep renews no certificate, and changes no key and no record in DNS`;
  return [{ level: 'error', code: 'change.interrupted', message, remedy: "'hauspost apply' puts it in order." }];
};

/** Throws where the plan is another than the one that was shown. */
export const agreedTo =
  (context: Context) =>
  async (plan: Plan): Promise<void> => {
    const [consent] = consentTo(plan);
    const { consented } = context;
    if (consent === undefined || consented === 'everything' || consented.has(consent.id) || consented.has(HEAL)) return;
    throw operatorError({
      code: NEVER_CONSENTED,
      message: 'the changes are no longer those that were shown',
      remedy: 'Run the command again and look at them.',
    });
  };

export const surroundings = (context: Context, input: RenderInput): Surroundings => ({
  machine: context.machine,
  init: initOf(context.machine, input.facts),
  secrets: secretsOf(context),
  materials: materialsFor(context),
  database: databaseFor(context),
});

export const applyRequest = (context: Context, desired: Desired): ApplyRequest => ({
  ...surroundings(context, desired.input),
  reporter: context.reporter,
  version: context.version,
  signal: context.signal,
  desired,
  renderAgain: () => loadDesired(context),
  inputOf: (generation) => inputOf(context, generation),
  originsOf: originsOf(context.configFile, context),
  consent: async (plan) => {
    await agreedTo(context)(plan);
    await refuseTakenPorts(context.machine, desired.input);
  },
});
