/**
 * A certificate that was put in place is read by the daemons that run, and by nothing else: what else `plan` would show stays as it is. Whoever
 * calls this has the lock of changes.
 */
import { activate, type Desired, supervised } from '#apply';
import { asHauspostError, failure } from '#base';
import { parseConfig, resolveBeside } from '#config';
import { initOf } from '#machine';
import type { Service } from '#model';
import { desiredAgain, inPlace, readConfigText } from './desired.ts';
import { materialsFor, READERS } from './materials.ts';
import type { Context } from './operation.ts';

/** The generation in place, with its own settings; undefined before the first apply, and where nobody can say what it was made from. */
export const desiredInPlace = async (context: Context): Promise<Desired | undefined> => {
  const generation = await inPlace(context);
  if (generation?.input === undefined) return undefined;
  return desiredAgain(context, generation, generation.input);
};

/**
 * The same; but options that no daemon's file holds, such as which authority is asked and how, count as the operator's file has them now: no apply would
 * have anything to do for them. Where the file is wrong, or names another source, which is to be applied first, what is in place counts.
 */
export const desiredForCertificates = async (context: Context): Promise<Desired | undefined> => {
  const desired = await desiredInPlace(context);
  const text = await readConfigText(context);
  const read = text === undefined ? undefined : parseConfig(text, context.configFile);
  if (desired === undefined || read?.ok !== true) return desired;
  const { input } = desired;
  const beside = resolveBeside(read.value, input.facts);
  return beside.tls.source === input.settings.tls.source ? { ...desired, input: { ...input, settings: { ...input.settings, ...beside } } } : desired;
};

const running = async ({ machine }: Context, { services, input }: Desired): Promise<readonly Service[]> => {
  const readers = services.filter(({ name }) => READERS.some(({ service }) => service === name));
  const states = await initOf(machine, input.facts).states(readers.map((service) => supervised(service, input)));
  return readers.filter((_, index) => states[index]?.state === 'running');
};

const AFTER_FAILURE = {
  ours: 'The certificate before this one is put back.',
  operators: "Put another one in its place and run 'hauspost apply'; who starts anew meanwhile reads this one.",
};

/** Those that are stopped read it when they start. Throws `activate.not-well` where one does not run well with it. */
export const serveCertificate = async (context: Context, desired: Desired): Promise<void> => {
  const { machine, reporter } = context;
  const { input } = desired;
  const takeDown = await materialsFor(context).noted(desired);
  const services = await running(context, desired);
  const { catchUp } = await activate(
    {
      machine,
      reporter,
      services,
      input,
      init: initOf(machine, input.facts),
      after: {},
      remedy: AFTER_FAILURE[input.settings.tls.source === 'files' ? 'operators' : 'ours'],
      originsOf: () => undefined,
      proceed: () => undefined,
    },
    READERS,
  );
  await takeDown();
  await catchUp();
};

/** The same; where a daemon does not run well with it, `back` puts the one before in its place, and that is served. */
export const serveCertificateOr = async (context: Context, desired: Desired, back: () => Promise<void>): Promise<void> => {
  try {
    await serveCertificate(context, desired);
  } catch (error) {
    await back();
    await serveCertificate(context, desired).catch((again: unknown) => {
      const [first, then] = [asHauspostError(error), asHauspostError(again)];
      throw failure({
        code: 'cert.not-back',
        message: `${first.message}\nWith the certificate before it, which is put back, it fails as well: ${then.message}`,
        remedy: "Mend what is named above; then run 'hauspost apply'.",
        cause: first,
      });
    });
    throw error;
  }
};
