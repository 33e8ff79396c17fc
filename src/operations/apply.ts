/** `plan`, `apply`, `generations`, `rollback`. */
import { z } from 'zod';
import { isDeepStrictEqual } from 'node:util';
import {
  apply as applyAll,
  before,
  daemonsOf,
  type Desired,
  type Generation,
  isReadable,
  leave,
  type Meta,
  packagesWant,
  plan as planAll,
  planLeaving,
  type Plan,
} from '#apply';
import { operatorError } from '#base';
import { changedOptions, parseConfig } from '#config';
import { type Facts, probeFacts, refuseWhileUnderWay, withLock } from '#machine';
import { type RenderInput, SERVICE_NAMES } from '#model';
import { render } from '#services';
import { agreedTo, applyRequest, consentTo, standing, standingFields, surroundings } from './applying.ts';
import { desiredAgain, inPlace, inputOf, loadDesired, storeOf } from './desired.ts';
import { dkimFindings, showKeysMadeMeanwhile } from './dkim.ts';
import { refuseAnybodys } from './installation.ts';
import { noServer } from './no-server.ts';
import { type Context, operation } from './operation.ts';
import { serverFindings } from './findings.ts';
import { nameFindings } from './names.ts';
import { finding, warned } from './people.ts';
import { explained } from './putting-back.ts';
import { askSoon } from './server-certificate.ts';
import { desiredInPlace } from './serving.ts';

const change = z.object({
  kind: z.string(),
  target: z.string(),
  action: z.string(),
  needs: z.array(z.string()).readonly(),
  drift: z.boolean(),
  package: z
    .string()
    .optional()
    .describe('the package whose scripts changed it, where that was not somebody by hand, or whose program makes it and is newer'),
  diff: z.string(),
});
const nothing = z.object({});
const applied = z.object({
  applied: z.boolean(),
  generation: z.number(),
  changes: z.array(change).readonly(),
  probes: z.array(z.object({ service: z.string(), name: z.string(), ok: z.boolean() })).readonly(),
  findings: z.array(finding).readonly(),
});

const planned = async (context: Context): Promise<{ readonly desired: Desired; readonly plan: Plan }> => {
  const desired = await loadDesired(context);
  return { desired, plan: await planAll(surroundings(context, desired.input), desired) };
};

/** In the middle of a change nobody can say who made a difference. */
const undecided = (each: Plan['changes'][number]): Plan['changes'][number] => ({ ...each, drift: false });

export const plan = operation({
  name: 'plan',
  summary: 'Shows what apply would change, file by file; ends with 2 when there is something.',
  example: 'hauspost plan',
  positionals: [],
  input: nothing,
  output: z.object({
    changes: z.array(change).readonly(),
    generation: z.number().nullable(),
    findings: z.array(finding).readonly(),
    ...standingFields,
  }),
  needs: 'root',
  run: async (context) => {
    const {
      desired,
      plan: { changes, state },
    } = await planned(context);
    const wanted = await packagesWant(context.machine, storeOf(context), desired.manifest);
    // Who answers for names once it is applied nobody knows; who answers now is asked of what is in place.
    const present = (await inPlace(context))?.input;
    const names = present === undefined ? [] : await nameFindings(present);
    const findings = [...wanted, ...(await serverFindings(context, desired.input)), ...names];
    const stands = await standing(context, state);
    return { changes: stands.under_way === undefined ? changes : changes.map(undecided), generation: state.committed, findings, ...stands };
  },
  exitCode: ({ changes, interrupted }) => (changes.length > 0 || interrupted !== undefined ? 2 : 0),
});

export const apply = operation({
  name: 'apply',
  summary: 'Makes the machine what /etc/hauspost/hauspost.toml says, or leaves it as it was.',
  example: 'hauspost apply --yes',
  positionals: [],
  input: nothing,
  output: applied,
  needs: 'root',
  consents: async (context) => {
    await refuseAnybodys(context);
    await refuseWhileUnderWay();
    return consentTo((await planned(context)).plan);
  },
  run: (context) =>
    withLock('hauspost apply', async () => {
      await refuseAnybodys(context);
      const desired = await loadDesired(context);
      const done = await applyAll(applyRequest(context, desired));
      await showKeysMadeMeanwhile(context);
      await askSoon(context, desired.input);
      // Where nothing was done nobody waits for an answer that may not come.
      const names = done.applied ? await nameFindings(desired.input) : [];
      return { ...done, findings: [...done.findings, ...warned(context, [...(await serverFindings(context, desired.input)), ...names])] };
    }),
});

/** What was there before the first apply, as one of them. */
const zeroth = async (context: Context): Promise<readonly Meta[]> => {
  const zero = await storeOf(context).originals.begun();
  if (zero === undefined) return [];
  const { begun: created, again = false } = zero;
  const summary = `what was there before the first apply${again ? " since 'rollback 0'" : ''}`;
  return [{ number: 0, format: 0, created, summary, version: '-', codename: '', applied: created }];
};

/** Those that were in place once, oldest first. */
const appliedOnes = async (context: Context): Promise<readonly Meta[]> => {
  const all = await storeOf(context).metas();
  return [...(await zeroth(context)), ...all.filter((meta) => meta.applied !== null)];
};

export const generations = operation({
  name: 'generations',
  summary: 'Lists the configurations that were applied, newest last.',
  example: 'hauspost generations',
  positionals: [],
  input: nothing,
  output: z
    .array(
      z.object({
        number: z.number(),
        created: z.string(),
        summary: z.string(),
        version: z.string().describe('of Hauspost, which made it'),
        committed: z.boolean(),
        compared_with: z
          .number()
          .nullable()
          .describe('the one that was in place when it was made: summary and options say what is otherwise than there; null: none was'),
        options: z.array(z.string()).readonly().describe('of hauspost.toml, written otherwise than for the one that it is compared with'),
        readable: z.boolean().describe('false: a newer version made it, and this one cannot put it back'),
      }),
    )
    .readonly(),
  needs: 'root',
  run: async (context) => {
    const { committed } = await storeOf(context).state();
    const all = await appliedOnes(context);
    if (all.length === 0) throw noServer(context);
    const sources = new Map(await Promise.all(all.map(async ({ number }) => [number, await storeOf(context).source(number)] as const)));
    return all.map((meta) => {
      const { number, created, summary, version, after } = meta;
      const other = after === null ? null : (before(all, meta)?.number ?? null);
      const [was, is] = [other === null ? undefined : sources.get(other), sources.get(number)];
      const options = was === undefined || is === undefined ? [] : changedOptions(was, is);
      return { number, created, summary, version, committed: number === committed, compared_with: other, options, readable: isReadable(meta) };
    });
  },
});

const BEFORE_FIRST =
  "'hauspost rollback 0' puts back what was there before the first 'up': then this machine is no mail server of Hauspost any more. Packages, people and mail stay.";

/** The one that is asked for; without a number the one before that in place. */
const earlier = async (context: Context, asked: string | undefined): Promise<Meta> => {
  const known = await appliedOnes(context);
  const { committed } = await storeOf(context).state();
  const present = known.find(({ number }) => number === committed);
  const found = asked === undefined ? present && before(known, present) : known.find(({ number }) => String(number) === asked);
  if (found !== undefined) return found;
  if (known.length === 0) throw noServer(context);
  const code = 'rollback.generation';
  const there = `There are: ${known.map(({ number }) => number).join(', ')}. See 'hauspost generations'.`;
  if (asked !== undefined) throw operatorError({ code, message: `there is no generation ${JSON.stringify(asked)}`, remedy: there });
  if (present === undefined) throw operatorError({ code, message: 'none is in place, so that there is none before it', remedy: there });
  throw operatorError({ code, message: `generation ${present.number}, which is in place, is the first of Hauspost's`, remedy: BEFORE_FIRST });
};

/** Daemons whose files would be others for the versions that are installed now. */
const crossed = (context: Context, input: RenderInput, { versions }: Facts): readonly (keyof Facts['versions'])[] => {
  const before = render(input, context).manifest;
  const names = Object.keys(versions) as readonly (keyof Facts['versions'])[];
  return names.filter((name) => {
    const facts = { ...input.facts, versions: { ...input.facts.versions, [name]: versions[name] } };
    return versions[name] !== input.facts.versions[name] && !isDeepStrictEqual(render({ ...input, facts }, context).manifest, before);
  });
};

/** Why this machine, or this version of Hauspost, is none for the generation; undefined where it is. */
const obstacle = (
  context: Context,
  { meta, manifest, source = '' }: Generation,
  input: RenderInput | undefined,
  facts: Facts,
): string | undefined => {
  if (input === undefined || meta.codename !== facts.codename)
    return `made for Debian ${meta.codename}, and this machine is ${facts.codename}: its daemons would not understand it`;
  const others = crossed(context, input, facts);
  const were = others.map((name) => `${name} ${input.facts.versions[name]}`).join(', ');
  if (others.length > 0) return `made for ${were}, and installed is ${others.map((name) => `${name} ${facts.versions[name]}`).join(', ')}`;
  const strange = [...daemonsOf(manifest)].filter((name) => !(SERVICE_NAMES as readonly string[]).includes(name));
  if (strange.length > 0) return `made by Hauspost ${meta.version} with ${strange.join(', ')}, of which this version knows nothing`;
  if (meta.version !== context.version && !parseConfig(source, context.configFile).ok)
    return `made by Hauspost ${meta.version} from a hauspost.toml that this version does not take`;
  return undefined;
};

/** As it lies on disk; what it is compared with is the machine. */
const loadEarlier = async (context: Context, asked: string | undefined): Promise<{ readonly number: number; readonly desired: Desired }> => {
  const { number } = await earlier(context, asked);
  const generation = await storeOf(context).load(number);
  const input = await inputOf(context, generation);
  const facts = await probeFacts(context.machine, context, (await inPlace(context))?.input?.facts);
  const why = obstacle(context, generation, input, facts);
  if (input !== undefined && why === undefined) return { number, desired: desiredAgain(context, generation, input) };
  throw operatorError({
    code: 'rollback.dialect',
    message: `generation ${number} was ${why}`,
    remedy: `Change hauspost.toml instead; what it was made from lies in /var/lib/hauspost/generations/${number}/hauspost.toml.`,
  });
};

const ZERO = '0';

/** What goes: the generation in place, or what a first `up` was putting there when it was interrupted. Undefined where nothing of ours is. */
const toLeave = async (context: Context): Promise<Desired | undefined> => {
  const placed = await desiredInPlace(context);
  const { entering } = await storeOf(context).state();
  if (placed !== undefined || entering === null || entering === 0) return placed;
  const generation = await storeOf(context).load(entering);
  const input = await inputOf(context, generation);
  return input === undefined ? undefined : desiredAgain(context, generation, input);
};

const leaving = async (context: Context): Promise<z.output<typeof applied>> => {
  const desired = await toLeave(context);
  if (desired === undefined) return { applied: false, generation: 0, changes: [], probes: [], findings: [] };
  return leave({ ...applyRequest(context, desired), consent: agreedTo(context) });
};

const STAYS = "Packages, people and mail stay, and what waits in the queue; './hauspost up' in the checkout makes it a mail server again.";

export const rollback = operation({
  name: 'rollback',
  summary: 'Puts an earlier configuration back, as it was; hauspost.toml is not touched, and plan then shows the difference.',
  example: 'hauspost rollback 3',
  positionals: [{ key: 'generation' }],
  input: z.object({
    generation: z
      .string()
      .optional()
      .describe(
        'its number, as generations lists it; if left out, the one that was in place when the present one was made; 0: what was there before the first apply',
      ),
  }),
  output: applied,
  needs: 'root',
  consents: async (context, { generation }) => {
    await refuseWhileUnderWay();
    if (generation === ZERO) {
      const desired = await toLeave(context);
      if (desired === undefined) return [];
      return consentTo(await planLeaving({ machine: context.machine, desired })).map((each) => ({ ...each, text: `${each.text}\n${STAYS}` }));
    }
    const found = await loadEarlier(context, generation);
    return explained(context, found, consentTo(await planAll(surroundings(context, found.desired.input), found.desired)));
  },
  run: (context, { generation }) =>
    withLock('hauspost rollback', async () => {
      if (generation === ZERO) return leaving(context);
      const { number, desired } = await loadEarlier(context, generation);
      // What it was made from is no longer the operator's file, so there is no option to change.
      const kept = { kept: number, renderAgain: () => Promise.resolve(desired), originsOf: () => undefined };
      const done = await applyAll({ ...applyRequest(context, desired), ...kept });
      await showKeysMadeMeanwhile(context);
      const { input } = desired;
      const names = done.applied ? await nameFindings(input) : [];
      const found = [...(await serverFindings(context, input)), ...names, ...(await dkimFindings(context, input))];
      return { ...done, findings: [...done.findings, ...warned(context, found)] };
    }),
});
