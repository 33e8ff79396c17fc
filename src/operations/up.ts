/**
 * `up`: from a bare machine, or from a stopped one, to a running mail server through which mail was just sent and read.
 * Writes the operator's file once; from then on it is the operator's. Safe to repeat.
 */
import { z } from 'zod';
import { apply as applyAll, type Desired, plan as planAll } from '#apply';
import { type Domain, failure, type MailAddress, operatorError, parseDomain, parseFqdn, parseMailAddress, splitAddress } from '#base';
import { type Config, configError, initialConfig, parseConfig } from '#config';
import { accounts, connect, type Directory, domains, generatePassword, hashPassword } from '#directory';
import { ensureDkimKey, selectorOf } from '#dkim';
import { withLock } from '#machine';
import type { RenderInput } from '#model';
import { CONTROLLER_HASH, rspamdPasswordHash } from '#services';
import { applyRequest, consentTo } from './applying.ts';
import { desiredOf, loadDesired, loadInput, readConfigText, renderInput, secretsOf, storeOf, surroundings } from './desired.ts';
import { refuseForeignServer, refuseTakenPorts } from './foreign.ts';
import { type Consent, type Context, operation } from './operation.ts';
import { selfTest, stepResult } from './self-test.ts';
import { remain } from './foreground.ts';

const inputSchema = z.object({
  hostname: z.string().optional().describe("this server's name, e.g. mail.example.org; with --domain: the real thing"),
  domain: z.string().optional().describe('the first domain of the mail server, e.g. example.org'),
  foreground: z.boolean().optional().describe("stay until told to end: a container's main process"),
});
type Input = z.output<typeof inputSchema>;

const LOCAL_DOMAIN = parseDomain('hauspost.test');
const CONTROLLER_PASSWORD = 'rspamd.controller.password';
const FIRST = 'up:first';

/** The text of the file that would be written, from the options. */
const firstConfig = ({ hostname, domain }: Input): string => {
  if (hostname === undefined && domain === undefined) return initialConfig({ profile: 'local' });
  if (hostname === undefined || domain === undefined) {
    const missing = hostname === undefined ? '--hostname' : '--domain';
    throw operatorError({
      code: 'up.half',
      message: `${missing} is missing`,
      remedy: 'Give both --hostname and --domain, or neither to try it out locally.',
    });
  }
  return initialConfig({ profile: 'public', hostname: parseFqdn(hostname), postmaster: parseMailAddress(`postmaster@${parseDomain(domain)}`) });
};

/** The operator's file, or the one that would be written. Options that contradict an existing file are refused. */
const configFor = async (context: Context, input: Input): Promise<{ readonly text: string; readonly config: Config; readonly exists: boolean }> => {
  const existing = await readConfigText(context);
  const text = existing ?? firstConfig(input);
  const parsed = parseConfig(text, context.configFile);
  if (!parsed.ok) throw configError(parsed.errors);
  return { text, config: parsed.value, exists: existing !== undefined };
};

const refuseContradiction = (context: Context, { hostname, domain }: Input, { settings }: RenderInput): void => {
  const other = splitAddress(settings.postmaster).domain;
  const wrong = [
    ...(hostname !== undefined && parseFqdn(hostname) !== settings.hostname ? [`--hostname ${hostname} (the file says ${settings.hostname})`] : []),
    ...(domain !== undefined && parseDomain(domain) !== other ? [`--domain ${domain} (the file's postmaster is at ${other})`] : []),
  ];
  if (wrong.length === 0) return;
  throw operatorError({
    code: 'up.contradiction',
    message: `${context.configFile} exists and says otherwise: ${wrong.join(', ')}`,
    remedy:
      settings.profile === 'local'
        ? `For the real thing write profile = "public", hostname = "..." and postmaster = "..." below [server] there, run 'hauspost domain add' and 'hauspost account add' for the postmaster, and 'hauspost apply'.`
        : `Edit the file and run 'hauspost apply', or add domains with 'hauspost domain add'.`,
  });
};

interface Beginning {
  /** The operator's file, or what will be written to it. */
  readonly text: string;
  readonly exists: boolean;
  readonly rendered: RenderInput;
  /** Nothing was ever applied here. */
  readonly first: boolean;
}

/** Reads only. Throws where this machine cannot become what is wanted. */
const look = async (context: Context, input: Input): Promise<Beginning> => {
  const { text, config, exists } = await configFor(context, input);
  const rendered = await renderInput(context, config);
  if (exists) refuseContradiction(context, input, rendered);
  const { committed, entering } = await storeOf(context).state();
  // After an interruption what lies there is ours.
  if (committed === null && entering === null) {
    await refuseForeignServer(context.machine);
    await refuseTakenPorts(context.machine, rendered);
  }
  return { text, exists, rendered, first: committed === null };
};

const consents = async (context: Context, input: Input): Promise<readonly Consent[]> => {
  const { rendered, first } = await look(context, input);
  const planned = await planAll(surroundings(context, rendered), desiredOf(context, rendered));
  if (!first) return consentTo(planned);
  const [shown] = consentTo(planned);
  return [{ id: FIRST, text: shown?.text ?? '', question: `Make this machine the mail server ${rendered.settings.hostname}?` }];
};

const ensureSecrets = async (context: Context, domain: Domain): Promise<void> => {
  const secrets = secretsOf(context);
  const password = await secrets.ensure(CONTROLLER_PASSWORD, generatePassword);
  await secrets.ensure(CONTROLLER_HASH.secret, () => rspamdPasswordHash(password, context.machine.random(20)));
  await ensureDkimKey(secrets, domain, selectorOf(context.machine.now()));
};

/** Writes the file unless it is there, and makes the secrets; then everything else reads them from disk, as every later command will. */
const begin = async (context: Context, { text, exists, rendered }: Beginning): Promise<Desired> => {
  if (!exists) await context.machine.write(context.configFile, text, { owner: 'root:root', mode: 0o644 });
  await ensureSecrets(context, splitAddress(rendered.settings.postmaster).domain);
  return loadDesired(context);
};

/** The first domain and its first account; both only on an empty directory. */
const firstPeople = async (context: Context, directory: Directory, { settings }: RenderInput): Promise<MailAddress | null> => {
  const { domain } = splitAddress(settings.postmaster);
  if (await domains.exists(directory, domain)) return null;
  const address = domain === LOCAL_DOMAIN ? parseMailAddress(`demo@${LOCAL_DOMAIN}`) : settings.postmaster;
  const password = generatePassword();
  await domains.add(directory, domain);
  await accounts.add(directory, { address, passwordHash: await hashPassword(password) });
  context.reporter.emit({ kind: 'password', whose: address, password });
  return address;
};

const showControllerPassword = async (context: Context): Promise<void> => {
  const password = (await secretsOf(context).get(CONTROLLER_PASSWORD)) ?? '';
  context.reporter.emit({ kind: 'password', whose: 'the Rspamd web interface', password });
};

const run = async (context: Context, input: Input) => {
  const looked = await look(context, input);
  const desired = await begin(context, looked);
  const { settings, wiring } = desired.input;
  const request = applyRequest(context, desired);
  const agreed = looked.first && context.consented !== 'everything' && context.consented.has(FIRST);
  const { applied, generation } = await applyAll({ ...request, consent: agreed ? () => Promise.resolve() : request.consent });
  await using directory = await connect({ socketPath: wiring.sockets.mariadb.path });
  const account = await firstPeople(context, directory, desired.input);
  if (account !== null && settings.webUi.enabled) await showControllerPassword(context);
  const steps = await selfTest(context, desired.input);
  return {
    applied,
    generation,
    profile: settings.profile,
    hostname: settings.hostname,
    account,
    ca: settings.tls.source === 'own-ca' ? wiring.places['tls-ca'] : null,
    // The name of a local server is known to its own resolver only.
    web_ui: settings.webUi.enabled ? `https://${settings.profile === 'local' ? 'localhost' : settings.hostname}/rspamd/` : null,
    selftest: { ok: steps.every((step) => step.ok), steps },
  };
};

export const up = operation({
  name: 'up',
  summary: 'Makes this machine a mail server, or starts the one that it is; ends with a self-test.',
  example: 'hauspost up --hostname mail.example.org --domain example.org',
  positionals: [],
  input: inputSchema,
  output: z.object({
    applied: z.boolean(),
    generation: z.number(),
    profile: z.enum(['local', 'public']),
    hostname: z.string(),
    account: z.string().nullable(),
    ca: z.string().nullable(),
    web_ui: z.string().nullable(),
    selftest: z.object({ ok: z.boolean(), steps: z.array(stepResult).readonly() }),
  }),
  needs: 'root',
  consents,
  run: async (context, input) => {
    const result = await withLock('hauspost up', () => run(context, input));
    if (!result.selftest.ok && input.foreground !== true) {
      const failed = result.selftest.steps.filter((step) => !step.ok).map((step) => `${step.name} (${step.detail})`);
      throw failure({
        code: 'up.selftest-failed',
        message: `the server runs, but its self-test failed: ${failed.join('; ')}`,
        remedy: "See 'hauspost status' and the daemons' logs.",
        detail: { result },
      });
    }
    if (input.foreground === true) await remain(context, await loadInput(context));
    return result;
  },
});
