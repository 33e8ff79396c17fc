/** From the operator's file to what is wanted: config, facts, settings, wiring, manifest. */
import { isDeepStrictEqual } from 'node:util';
import { operatorError, path } from '#base';
import { completed, type Desired, type Generation, openStore, servicesOf, type Store } from '#apply';
import { type Config, configError, parseConfig, resolve } from '#config';
import { listDkimKeys } from '#dkim';
import { askResolvers, type Facts, probeFacts } from '#machine';
import { type RenderInput, wire } from '#model';
import { render, SERVICES } from '#services';
import { noServer } from './no-server.ts';
import type { Context } from './operation.ts';
import { keyringOf } from './secrets.ts';
import { textsOf } from './texts.ts';

/** Fixed, since they hold what exists before any configuration is read. */
const STATE = path('/var/lib/hauspost');

export const readConfigText = async (context: Context): Promise<string | undefined> => (await context.machine.read(context.configFile))?.toString();

export const storeOf = ({ machine }: Context): Store => openStore(machine, { state: STATE, generations: path(`${STATE}/generations`) });

/** What a generation was rendered from; where another version did that, with what it did not know of, as its own file comes to on this machine. */
export const inputOf = async (context: Context, { meta, input, source }: Generation): Promise<RenderInput | undefined> => {
  if (input === undefined || source === undefined || meta.version === context.version) return input;
  const read = parseConfig(source, context.configFile);
  if (!read.ok) return input;
  const facts = await probeFacts(context.machine, context, input.facts);
  const settings = resolve(read.value, { ...facts, ...input.facts });
  return completed(input, { settings, facts, wiring: wire(settings, facts), texts: {} });
};

/** The generation in place; undefined before the first apply. */
export const inPlace = async (context: Context): Promise<Generation | undefined> => {
  const { committed } = await storeOf(context).state();
  if (committed === null) return undefined;
  const generation = await storeOf(context).load(committed);
  return { ...generation, input: await inputOf(context, generation) };
};

export const settingsInPlace = async (context: Context): Promise<RenderInput['settings'] | undefined> => (await inPlace(context))?.input?.settings;

export const parsed = (context: Context, text: string): Config => {
  const read = parseConfig(text, context.configFile);
  if (!read.ok) throw configError(read.errors);
  return read.value;
};

/** Where there is none. `up` puts back the one that was applied, if there is one. */
export const noSource = ({ configFile }: Context, kept: Generation): Error => {
  const remedy =
    kept.source === undefined
      ? "Write it again; see 'hauspost config example'."
      : `Run 'hauspost up', which puts back the one that generation ${kept.meta.number}, now in place, was made from.`;
  return operatorError({ code: 'config.missing', message: `${configFile} does not exist`, remedy });
};

const loadSource = async (context: Context): Promise<string> => {
  const text = await readConfigText(context);
  if (text !== undefined) return text;
  const kept = await inPlace(context);
  throw kept === undefined ? noServer(context) : noSource(context, kept);
};

/** Whether the settings depend on what the host's resolvers can do. */
const resolversCount = (config: Config, facts: Facts): boolean => {
  const [without, having] = [false, true].map((resolversCarryDnssec) => resolve(config, { ...facts, resolversCarryDnssec }));
  return !isDeepStrictEqual(without, having);
};

/** What the machine is now; of what its resolvers can do, what they answered when they were asked last. */
export const presentFacts = async (context: Context): Promise<Facts> => ({
  ...(await probeFacts(context.machine, context, (await inPlace(context))?.input?.facts)),
  dkimKeys: await listDkimKeys(keyringOf(context)),
});

export const renderInput = async (context: Context, config: Config): Promise<RenderInput> => {
  const probed = await presentFacts(context);
  const facts = resolversCount(config, probed) ? await askResolvers(probed) : probed;
  const settings = resolve(config, facts);
  return { settings, facts, wiring: wire(settings, facts), texts: await textsOf(context, settings) };
};

export const desiredOf = (context: Context, input: RenderInput, source: string): Desired => ({
  source,
  input,
  services: SERVICES,
  ...render(input, context),
});

/** A generation as it lies on disk; `input` is its own, completed. */
export const desiredAgain = (context: Context, { manifest, source = '' }: Generation, input: RenderInput): Desired => {
  const known = servicesOf(SERVICES, manifest);
  return { source, input, ...known, ...render(input, context, known.services), manifest };
};

export const loadDesired = async (context: Context): Promise<Desired> => {
  const source = await loadSource(context);
  return desiredOf(context, await renderInput(context, parsed(context, source)), source);
};

export const loadInput = async (context: Context): Promise<RenderInput> => renderInput(context, parsed(context, await loadSource(context)));
