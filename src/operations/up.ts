/**
 * `up`: from a bare machine, or from a stopped one, to a running mail server through which mail was just sent and read.
 * Writes the operator's file once; from then on it is the operator's. Safe to repeat.
 */
import { z } from 'zod';
import { apply as applyAll, type Desired, plan as planAll } from '#apply';
import { type Domain, failure, type MailAddress, operatorError, parseDomain, parseFqdn, parseMailAddress, splitAddress } from '#base';
import { homeDomain, initialConfig, isWithin, ownDomain } from '#config';
import { accounts, connect, type Directory, domains, generatePassword, hashPassword } from '#directory';
import { ensureDkimKey, selectorOf } from '#dkim';
import { refuseWhileUnderWay, withLock } from '#machine';
import type { RenderInput } from '#model';
import { CONTROLLER_HASH, rspamdPasswordHash } from '#services';
import { applyRequest, consentTo, surroundings } from './applying.ts';
import { desiredOf, inPlace, loadDesired, loadInput, noSource, parsed, readConfigText, renderInput, storeOf } from './desired.ts';
import { serverFindings } from './findings.ts';
import { nameFindings } from './names.ts';
import { finding, warned } from './people.ts';
import { refuseForeignServer, refuseTakenPorts } from './foreign.ts';
import { type Consent, type Context, operation } from './operation.ts';
import { SECRETS, secretsOf } from './secrets.ts';
import { selfTest, stepResult } from './self-test.ts';
import { remain } from './foreground.ts';

const inputSchema = z.object({
  hostname: z.string().optional().describe("this server's name, e.g. mail.example.org; with --domain: the real thing"),
  domain: z.string().optional().describe('the first domain of the mail server, e.g. example.org'),
  replace: z.boolean().optional().describe("take over a machine on which somebody else's mail server is configured; 'rollback 0' puts that back"),
  foreground: z.boolean().optional().describe("stay until told to end: a container's main process"),
});
type Input = z.output<typeof inputSchema>;

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

/** `kept`: the file was there when what is in place was made from it. */
interface Source {
  readonly text: string;
  readonly from: 'file' | 'kept' | 'options';
}

/** The operator's file; the one that is in place where that is gone; or the one that would be written on a new machine. */
const sourceFor = async (context: Context, input: Input): Promise<Source> => {
  const text = await readConfigText(context);
  if (text !== undefined) return { text, from: 'file' };
  const kept = await inPlace(context);
  if (kept === undefined) return { text: firstConfig(input), from: 'options' };
  if (kept.source === undefined) throw noSource(context, kept);
  return { text: kept.source, from: 'kept' };
};

const refuseContradiction = (context: Context, { hostname, domain }: Input, { settings }: RenderInput, first: boolean): void => {
  const other = splitAddress(settings.postmaster).domain;
  const strange = (name: Domain): boolean => !first && name !== other && !isWithin(settings.hostname, name);
  const wrong = [
    ...(hostname !== undefined && parseFqdn(hostname) !== settings.hostname ? [`--hostname ${hostname} (this server is ${settings.hostname})`] : []),
    ...(domain !== undefined && strange(parseDomain(domain)) ? [`--domain ${domain} (its postmaster is at ${other})`] : []),
  ];
  if (wrong.length === 0) return;
  throw operatorError({
    code: 'up.contradiction',
    message: `this machine is a mail server already, and ${context.configFile} says otherwise: ${wrong.join(', ')}`,
    remedy:
      settings.profile === 'local'
        ? `For the real thing write profile = "public", hostname = "..." and postmaster = "..." below [server] there, run 'hauspost domain add' and 'hauspost account add' for the postmaster, and 'hauspost apply'.`
        : `Edit the file and run 'hauspost apply', or add domains with 'hauspost domain add'.`,
  });
};

/** The first domain that mail is taken for. A postmaster may be anywhere, and nobody wants to become the server of that domain by it. */
const firstDomain = ({ domain }: Input, { settings }: RenderInput): Domain | undefined => {
  if (domain !== undefined) return parseDomain(domain);
  return settings.profile === 'local' ? homeDomain(settings) : ownDomain(settings);
};

const noDomain = ({ settings: { hostname, postmaster } }: RenderInput): Error =>
  operatorError({
    code: 'up.domain',
    message: `the server is ${hostname} and its postmaster ${postmaster}: that does not say which domain it is for`,
    remedy: `Run 'hauspost up --hostname ${hostname} --domain ...' with the first domain that mail is taken for.`,
  });

interface Beginning {
  readonly source: Source;
  readonly rendered: RenderInput;
  /** Nothing was ever applied here. */
  readonly first: boolean;
  /** For an empty directory. */
  readonly domain: Domain | undefined;
}

/** Reads only. Throws where this machine cannot become what is wanted. */
const look = async (context: Context, input: Input): Promise<Beginning> => {
  const source = await sourceFor(context, input);
  const rendered = await renderInput(context, parsed(context, source.text));
  const { committed, entering } = await storeOf(context).state();
  if (source.from !== 'options') refuseContradiction(context, input, rendered, committed === null);
  const first = committed === null;
  const domain = firstDomain(input, rendered);
  if (first && domain === undefined) throw noDomain(rendered);
  // After an interruption what lies there is ours.
  if (committed === null && entering === null) {
    if (input.replace !== true) await refuseForeignServer(context.machine);
    await refuseTakenPorts(context.machine, rendered);
  }
  return { source, rendered, first, domain };
};

/** What would be done is more than a start where the file asks for something else, after a rollback say. */
const again = async (context: Context, source: Source, asked: readonly Consent[]): Promise<readonly Consent[]> => {
  const kept = await inPlace(context);
  if (kept === undefined || kept.source === source.text) return asked;
  const { number } = kept.meta;
  const other = `${context.configFile} asks for another configuration than generation ${number}, which is in place; 'hauspost rollback ${number}' starts that one as it is.`;
  return asked.map((each) => ({ ...each, text: `${each.text}\n${other}` }));
};

const consents = async (context: Context, input: Input): Promise<readonly Consent[]> => {
  if (input.foreground !== true) await refuseWhileUnderWay();
  const { source, rendered, first } = await look(context, input);
  const planned = await planAll(surroundings(context, rendered), desiredOf(context, rendered, source.text));
  if (!first) return again(context, source, consentTo(planned));
  const [shown] = consentTo(planned);
  const { retentionDays } = rendered.settings.logs;
  // Of all that a first time does, what reaches beyond the mail server.
  const journal = `The journal of this machine, also what is in it already, is kept for ${retentionDays} days from then on ([logs] retention).`;
  const kept = "What is configured here now is kept as generation 0; 'hauspost rollback 0' puts it back.";
  const text = [shown?.text ?? '', ...(input.replace === true ? [kept] : []), ...(rendered.facts.init === 'systemd' ? [journal] : [])].join('\n');
  return [{ id: FIRST, text, question: `Make this machine the mail server ${rendered.settings.hostname}?` }];
};

const ensureSecrets = async (context: Context, domain: Domain | undefined): Promise<void> => {
  const secrets = secretsOf(context);
  const password = await secrets.ensure(CONTROLLER_PASSWORD, generatePassword);
  await secrets.ensure(CONTROLLER_HASH.secret, () => rspamdPasswordHash(password, context.machine.random(20)));
  if (domain !== undefined) await ensureDkimKey(secrets, domain, selectorOf(context.machine.now()));
};

/** Writes the file unless it is there, and makes the secrets; then everything else reads them from disk, as every later command will. */
const begin = async (context: Context, { source: { text, from }, first, domain }: Beginning): Promise<Desired> => {
  if (from !== 'file') await context.machine.write(context.configFile, text, { owner: 'root:root', mode: 0o644 });
  if (from === 'kept')
    context.reporter.emit({ kind: 'info', text: `${context.configFile} was gone; the one that the configuration in place was made from is back` });
  await ensureSecrets(context, first ? domain : undefined);
  return loadDesired(context);
};

/** The first domain, and its first account unless its postmaster is elsewhere; only on an empty directory. */
const firstPeople = async (context: Context, directory: Directory, domain: Domain, { settings }: RenderInput): Promise<MailAddress | null> => {
  for await (const _ of domains.list(directory)) return null;
  await domains.add(directory, domain);
  const own = splitAddress(settings.postmaster).domain === domain;
  if (!own && settings.profile === 'public') return null;
  const address = own ? settings.postmaster : parseMailAddress(`demo@${domain}`);
  const password = generatePassword();
  await accounts.add(directory, { address, passwordHash: await hashPassword(password) });
  context.reporter.emit({ kind: 'password', whose: address, password });
  return address;
};

const showControllerPassword = async (context: Context): Promise<void> => {
  const password = (await secretsOf(context).get(CONTROLLER_PASSWORD)) ?? '';
  context.reporter.emit({ kind: 'password', whose: 'the Rspamd web interface', password, kept: `${SECRETS}/${CONTROLLER_PASSWORD}` });
};

const run = async (context: Context, input: Input) => {
  const looked = await look(context, input);
  const desired = await begin(context, looked);
  const { settings, wiring } = desired.input;
  const request = applyRequest(context, desired);
  const agreed = looked.first && context.consented !== 'everything' && context.consented.has(FIRST);
  const { applied, generation } = await applyAll({ ...request, consent: agreed ? () => Promise.resolve() : request.consent });
  await using directory = await connect({ socketPath: wiring.sockets.mariadb.path });
  const account = looked.domain === undefined ? null : await firstPeople(context, directory, looked.domain, desired.input);
  if (account !== null && settings.webUi.enabled) await showControllerPassword(context);
  const findings = warned(context, [...(await serverFindings(context, desired.input)), ...(await nameFindings(desired.input))]);
  const steps = await selfTest(context, desired.input);
  return {
    applied,
    generation,
    findings,
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
    findings: z.array(finding).readonly(),
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
    const tell = (holder: string): void => context.reporter.emit({ kind: 'info', text: `waits for another change: ${holder}` });
    // A container's main process that ended here would take the container with it.
    const options = input.foreground === true ? { wait: { tell, signal: context.signal } } : {};
    const result = await withLock('hauspost up', () => run(context, input), options);
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
