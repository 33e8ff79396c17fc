/** From the operator's file to what is wanted: config, facts, settings, wiring, manifest. */
import { isDeepStrictEqual } from 'node:util';
import { operatorError, path } from '#base';
import { type Desired, openSecrets, openStore, type Secrets, type Store, type Surroundings } from '#apply';
import { type Config, configError, parseConfig, resolve } from '#config';
import { listDkimKeys } from '#dkim';
import { askResolvers, type Facts, initOf, probeFacts } from '#machine';
import { type RenderInput, wire } from '#model';
import { render, SERVICES } from '#services';
import type { Context } from './operation.ts';

/** Fixed, since they hold what exists before any configuration is read. */
const STATE = path('/var/lib/hauspost');
const SECRETS = path(`${STATE}/secrets`);
export const DKIM = path('/var/lib/rspamd/dkim');

export const secretsOf = (context: Context): Secrets => openSecrets(context.machine, SECRETS);

export const readConfigText = async (context: Context): Promise<string | undefined> => (await context.machine.read(context.configFile))?.toString();

export const loadConfig = async (context: Context): Promise<Config> => {
  const text = await readConfigText(context);
  if (text === undefined) {
    throw operatorError({ code: 'config.missing', message: `${context.configFile} does not exist`, remedy: "Run 'hauspost up', which writes it." });
  }
  const parsed = parseConfig(text, context.configFile);
  if (!parsed.ok) throw configError(parsed.errors);
  return parsed.value;
};

export const storeOf = ({ machine }: Context): Store => openStore(machine, { state: STATE, generations: path(`${STATE}/generations`) });

/** What the configuration in place was rendered from. */
export const inputInPlace = async (context: Context): Promise<RenderInput | undefined> => {
  const { committed } = await storeOf(context).state();
  return committed === null ? undefined : (await storeOf(context).load(committed)).input;
};

export const settingsInPlace = async (context: Context): Promise<RenderInput['settings'] | undefined> => (await inputInPlace(context))?.settings;

/** Whether the settings depend on what the host's resolvers can do. */
const resolversCount = (config: Config, facts: Facts): boolean => {
  const [without, having] = [false, true].map((resolversCarryDnssec) => resolve(config, { ...facts, resolversCarryDnssec }));
  return !isDeepStrictEqual(without, having);
};

export const renderInput = async (context: Context, config: Config): Promise<RenderInput> => {
  const probed = {
    ...(await probeFacts(context.machine, context.reporter, (await inputInPlace(context))?.facts)),
    dkimKeys: await listDkimKeys(secretsOf(context), DKIM),
  };
  const facts = resolversCount(config, probed) ? await askResolvers(probed) : probed;
  const settings = resolve(config, facts);
  return { settings, facts, wiring: wire(settings, facts) };
};

export const desiredOf = (context: Context, input: RenderInput): Desired => ({ input, services: SERVICES, ...render(input, context.program) });

export const loadInput = async (context: Context): Promise<RenderInput> => renderInput(context, await loadConfig(context));

export const loadDesired = async (context: Context): Promise<Desired> => desiredOf(context, await loadInput(context));

export const surroundings = (context: Context, input: RenderInput): Surroundings => ({
  machine: context.machine,
  init: initOf(context.machine, input.facts),
  secrets: secretsOf(context),
});
