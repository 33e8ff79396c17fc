/**
 * `up`: from a bare machine, or from a stopped one, to a running mail server through which mail was just sent and read.
 * Writes the operator's file once; from then on it is the operator's. Safe to repeat.
 */
import { z } from 'zod';
import { apply as applyAll, type Desired, plan as planAll } from '#apply';
import { type Domain, failure, HauspostError, type MailAddress, operatorError, parseDomain, parseFqdn, parseMailAddress, splitAddress } from '#base';
import { homeDomain, initialConfig, isWithin, ownDomain } from '#config';
import { accounts, connect, type Directory, domains, generatePassword, hashPassword, postmaster } from '#directory';
import { ensureDkimKeys } from '#dkim';
import { shellLine } from '#formats';
import { refuseWhileUnderWay, withLock } from '#machine';
import type { RenderInput } from '#model';
import { CONTROLLER_HASH, rspamdPasswordHash } from '#services';
import { applyRequest, consentTo, surroundings } from './applying.ts';
import { desiredOf, inPlace, loadDesired, loadInput, noSource, parsed, readConfigText, renderInput, storeOf } from './desired.ts';
import { serverFindings } from './findings.ts';
import { makeDkimKeys, showKeysMadeMeanwhile } from './dkim.ts';
import { nameFindings, toldOnce } from './names.ts';
import { finding, warned } from './people.ts';
import { DATABASE_FILES } from './foreign-data.ts';
import { refuseForeignServer, refuseTakenPorts } from './foreign.ts';
import { refuseAnybodys } from './installation.ts';
import { type Consent, type Context, operation } from './operation.ts';
import { addAccount, succeeding } from './removals.ts';
import { keyringOf, SECRETS, secretsOf } from './secrets.ts';
import { askSoon } from './server-certificate.ts';
import { selfTest, stepResult } from './self-test.ts';
import { remain } from './foreground.ts';
import { isLasting, waitForDns, worldFindings } from './world.ts';

const inputSchema = z.object({
  hostname: z.string().optional().describe("this server's name, e.g. mail.example.org; with --domain: the real thing"),
  domain: z.string().optional().describe('the first domain of the mail server, e.g. example.org'),
  replace: z.boolean().optional().describe("take over a machine on which somebody else's mail server is configured; 'rollback 0' puts that back"),
  wait_for_dns: z.boolean().optional().describe('at the end, wait until every name server shows the DNS records of this server'),
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

const PUBLIC = `For the real thing write profile = "public", hostname = "..." and postmaster = "..." below [server] there, run 'hauspost domain add' and 'hauspost account add' for the postmaster, and 'hauspost apply'.`;

const refuseContradiction = (context: Context, { hostname, domain }: Input, { settings }: RenderInput, first: boolean): void => {
  const other = splitAddress(settings.postmaster).domain;
  const strange = (name: Domain): boolean => !first && name !== other && !isWithin(settings.hostname, name);
  const wrong = [
    ...(hostname !== undefined && parseFqdn(hostname) !== settings.hostname ? [`--hostname ${hostname} (this server is ${settings.hostname})`] : []),
    ...(domain !== undefined && strange(parseDomain(domain)) ? [`--domain ${domain} (its postmaster is at ${other})`] : []),
  ];
  if (wrong.length === 0) return;
  const [what, remedy] = first
    ? [
        'nothing of Hauspost is in place here',
        `Edit it; or, to begin anew, move it away: mv ${context.configFile} ${context.configFile}.old. Domains, people and mail stay.`,
      ]
    : [
        'this machine is a mail server already',
        settings.profile === 'local' ? PUBLIC : `Edit the file and run 'hauspost apply', or add domains with 'hauspost domain add'.`,
      ];
  throw operatorError({ code: 'up.contradiction', message: `${what}, and ${context.configFile} says otherwise: ${wrong.join(', ')}`, remedy });
};

/** The first domain that mail is taken for. A postmaster may be anywhere, and nobody wants to become the server of that domain by it. */
const firstDomain = ({ domain }: Input, { settings }: RenderInput): Domain | undefined => {
  if (domain !== undefined) return parseDomain(domain);
  return settings.profile === 'local' ? homeDomain(settings) : ownDomain(settings);
};

/** Its first account; null where the postmaster is elsewhere. */
const accountIn = (domain: Domain, { settings: { postmaster: responsible, profile } }: RenderInput): MailAddress | null => {
  if (splitAddress(responsible).domain === domain) return responsible;
  return profile === 'public' ? null : parseMailAddress(`demo@${domain}`);
};

const noDomain = ({ program }: Context, { settings: { hostname, postmaster } }: RenderInput): Error =>
  operatorError({
    code: 'up.domain',
    message: `the server is ${hostname} and its postmaster ${postmaster}: that does not say which domain it is for`,
    remedy: `Run '${shellLine([program])} up --hostname ${hostname} --domain ...' with the first domain that mail is taken for.`,
  });

const isEmpty = async (directory: Directory): Promise<boolean> => {
  for await (const _ of domains.list(directory)) return false;
  return true;
};

/** Of a database that is older than what is in place: brought back from a copy, or left by `rollback 0`. Nobody can look into one that is stopped. */
const mayHaveDomains = async ({ machine }: Context, { wiring }: RenderInput): Promise<boolean> => {
  try {
    await using directory = await connect({ socketPath: wiring.sockets.mariadb.path });
    return !(await isEmpty(directory));
  } catch (error) {
    const code = error instanceof HauspostError ? error.code : '';
    if (code === 'directory.unreachable') return (await machine.state(DATABASE_FILES)) !== undefined;
    if (code === 'directory.absent' || code === 'directory.denied') return false;
    throw error;
  }
};

/** What would be waited for never comes, or nobody is there who waits. */
const refuseWaiting = ({ wait_for_dns: waits, foreground }: Input, { settings: { profile } }: RenderInput): void => {
  if (waits !== true || (profile === 'public' && foreground !== true)) return;
  const why = profile === 'local' ? 'nothing of a local server is in the DNS of the world' : '--foreground stays in any case';
  throw operatorError({ code: 'up.wait', message: `--wait-for-dns has nothing to wait for: ${why}`, remedy: 'Leave it out.' });
};

interface Beginning {
  readonly source: Source;
  readonly rendered: RenderInput;
  /** Nothing was ever applied here. */
  readonly first: boolean;
  readonly domain: Domain | undefined;
  /** By `--domain`. */
  readonly named: boolean;
}

/** As they were typed, but for `--replace`. */
const wordsOf = ({ hostname, domain, wait_for_dns: waits, foreground }: Input): readonly string[] => [
  ...(hostname === undefined ? [] : ['--hostname', hostname]),
  ...(domain === undefined ? [] : ['--domain', domain]),
  ...(waits === true ? ['--wait-for-dns'] : []),
  ...(foreground === true ? ['--foreground'] : []),
];

/** Reads only. Throws where this machine cannot become what is wanted. */
const look = async (context: Context, input: Input): Promise<Beginning> => {
  await refuseAnybodys(context);
  const source = await sourceFor(context, input);
  const rendered = await renderInput(context, parsed(context, source.text));
  refuseWaiting(input, rendered);
  const { committed, entering } = await storeOf(context).state();
  if (source.from !== 'options') refuseContradiction(context, input, rendered, committed === null);
  const first = committed === null;
  const domain = firstDomain(input, rendered);
  if (first && domain === undefined && !(await mayHaveDomains(context, rendered))) throw noDomain(context, rendered);
  // After an interruption what lies there is ours.
  if (committed === null && entering === null) {
    await refuseForeignServer(context, {
      replace: input.replace === true,
      words: wordsOf(input),
      unsaid: source.from === 'options' && input.hostname === undefined,
    });
    await refuseTakenPorts(context.machine, rendered);
  }
  return { source, rendered, first, domain, named: input.domain !== undefined };
};

/** What would be done is more than a start where the file asks for something else, after a rollback say. */
const again = async (context: Context, source: Source, asked: readonly Consent[]): Promise<readonly Consent[]> => {
  const kept = await inPlace(context);
  if (kept === undefined || kept.source === source.text) return asked;
  const { number } = kept.meta;
  const other = `${context.configFile} asks for another configuration than generation ${number}, which is in place; 'hauspost rollback ${number}' starts that one as it is.`;
  return asked.map((each) => ({ ...each, text: `${each.text}\n${other}` }));
};

/** What `firstPeople` will do. The database may not run yet, so nobody can look whom it holds. */
const peopleToCome = ({ domain, named, rendered }: Beginning): readonly string[] => {
  if (domain === undefined) return [];
  const account = accountIn(domain, rendered);
  if (!named) return [`  add the domain ${domain}${account === null ? '' : ` and the account ${account}`} to it, unless it has domains already`];
  return [
    `  add the domain ${domain} to it, unless it is there`,
    ...(account === null ? [] : [`  add the account ${account}, unless it is there or somebody reads its mail`]),
  ];
};

/** What a first time makes beside files and packages, as lines of its changes. */
const firstThings = ({ configFile }: Context, beginning: Beginning): readonly string[] => [
  ...(beginning.source.from === 'file' ? [] : [`  create ${configFile}, which is yours from then on`]),
  '  create the database vmail, unless it is there',
  ...peopleToCome(beginning),
];

const consents = async (context: Context, input: Input): Promise<readonly Consent[]> => {
  if (input.foreground !== true) await refuseWhileUnderWay();
  const beginning = await look(context, input);
  const { source, rendered, first } = beginning;
  const planned = await planAll(surroundings(context, rendered), desiredOf(context, rendered, source.text));
  if (!first) return again(context, source, consentTo(planned));
  const [shown] = consentTo(planned);
  const { retentionDays } = rendered.settings.logs;
  // Of all that a first time does, what reaches beyond the mail server.
  const journal = `The journal of this machine, also what is in it already, is kept for ${retentionDays} days from then on ([logs] retention).`;
  const kept = "What is configured here now is kept as generation 0; 'hauspost rollback 0' puts it back.";
  const text = [
    shown?.text ?? '',
    ...firstThings(context, beginning),
    ...(input.replace === true ? [kept] : []),
    ...(rendered.facts.init === 'systemd' ? [journal] : []),
  ].join('\n');
  return [{ id: FIRST, text, question: `Make this machine the mail server ${rendered.settings.hostname}?` }];
};

const ensureSecrets = async (context: Context, domain: Domain | undefined): Promise<void> => {
  const secrets = secretsOf(context);
  const password = await secrets.ensure(CONTROLLER_PASSWORD, generatePassword);
  await secrets.ensure(CONTROLLER_HASH.secret, () => rspamdPasswordHash(password, context.machine.random(20)));
  if (domain !== undefined) await ensureDkimKeys(keyringOf(context), domain);
};

/** Writes the file unless it is there, and makes the secrets; then everything else reads them from disk, as every later command will. */
const begin = async (context: Context, { source: { text, from }, first, domain }: Beginning): Promise<Desired> => {
  if (from !== 'file') await context.machine.write(context.configFile, text, { owner: 'root:root', mode: 0o644 });
  if (from === 'kept')
    context.reporter.emit({ kind: 'info', text: `${context.configFile} was gone; the one that the configuration in place was made from is back` });
  await ensureSecrets(context, first ? domain : undefined);
  return loadDesired(context);
};

/** Whose account is to be made; null where it is there, where the postmaster is elsewhere, or where somebody reads his mail. */
const firstAccount = async (directory: Directory, domain: Domain, input: RenderInput): Promise<MailAddress | null> => {
  const address = accountIn(domain, input);
  if (address === null) return null;
  const { postmaster: responsible } = input.settings;
  // One that receives nothing was made so by somebody, and then that is said (postmaster.findings).
  const there =
    (await accounts.find(directory, address)) !== undefined || (address === responsible && (await postmaster.isRead(directory, input.settings)));
  return there ? null : address;
};

interface Made {
  readonly address: MailAddress;
  readonly password: string;
}

/**
 * The first domain, and its first account unless its postmaster is elsewhere; on an empty directory, or where the domain was named: of a directory that is
 * older than the configuration, as after `rollback 0` or `--replace`, the rest stays as it is.
 */
const firstPeople = async (
  context: Context,
  directory: Directory,
  { domain, named }: Beginning & { domain: Domain },
  input: RenderInput,
): Promise<Made | null> => {
  if (!named && !(await isEmpty(directory))) return null;
  if (!(await domains.exists(directory, domain))) {
    await succeeding(context, directory, { domain }, () => domains.add(directory, domain));
    await makeDkimKeys(context, [domain]);
  }
  const address = await firstAccount(directory, domain, input);
  if (address === null) return null;
  const password = generatePassword();
  const passwordHash = await hashPassword(password);
  warned(context, (await addAccount(context, directory, { address, passwordHash })).warnings);
  return { address, password };
};

const showPasswords = async (context: Context, made: Made | null, { settings }: RenderInput): Promise<void> => {
  if (made === null) return;
  context.reporter.emit({ kind: 'password', whose: made.address, password: made.password });
  if (!settings.webUi.enabled) return;
  const password = (await secretsOf(context).get(CONTROLLER_PASSWORD)) ?? '';
  context.reporter.emit({ kind: 'password', whose: 'the Rspamd web interface', password, kept: `${SECRETS}/${CONTROLLER_PASSWORD}` });
};

/** Passwords come last, where nothing scrolls them away; also where the self-test could not be made. */
const looks = async (context: Context, input: RenderInput, made: Made | null) => {
  try {
    const found = await Promise.all([serverFindings(context, input), nameFindings(input), worldFindings(context, input)]);
    const findings = warned(context, toldOnce(found.flat()));
    return { findings, steps: await selfTest(context, input) };
  } finally {
    await showPasswords(context, made, input);
  }
};

const run = async (context: Context, input: Input) => {
  const looked = await look(context, input);
  const desired = await begin(context, looked);
  const { settings, wiring } = desired.input;
  const request = applyRequest(context, desired);
  const agreed = looked.first && context.consented !== 'everything' && context.consented.has(FIRST);
  const { applied, generation } = await applyAll({ ...request, consent: agreed ? () => Promise.resolve() : request.consent });
  await showKeysMadeMeanwhile(context);
  await askSoon(context, desired.input);
  await using directory = await connect({ socketPath: wiring.sockets.mariadb.path });
  const { domain } = looked;
  const made = domain === undefined ? null : await firstPeople(context, directory, { ...looked, domain }, desired.input);
  const { findings, steps } = await looks(context, desired.input, made);
  return {
    applied,
    generation,
    findings,
    profile: settings.profile,
    hostname: settings.hostname,
    account: made?.address ?? null,
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
    if (!result.selftest.ok) {
      const failed = result.selftest.steps.filter((step) => !step.ok).map((step) => `${step.name} (${step.detail})`);
      const [code, message] = ['up.selftest-failed', `the server runs, but its self-test failed: ${failed.join('; ')}`];
      const remedy = "See 'hauspost status' and the daemons' logs.";
      if (input.foreground !== true) throw failure({ code, message, remedy, detail: { result } });
      context.reporter.emit({ kind: 'warning', code, text: message, remedy });
    }
    if (input.foreground === true) await remain(context, await loadInput(context));
    if (input.wait_for_dns !== true) return result;
    await waitForDns(context, await loadInput(context));
    return { ...result, findings: result.findings.filter(isLasting) };
  },
});
