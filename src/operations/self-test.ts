/** `selftest`: makes accounts for itself, runs real mail through the server, and removes all it made. */
import { Resolver } from 'node:dns/promises';
import { getCACertificates } from 'node:tls';
import { z } from 'zod';
import { type Domain, operatorError, parseLocalPart, parseMailAddress, path, splitAddress, type MailAddress } from '#base';
import { homeDomain } from '#config';
import { accounts, aliases, bans, connect, type Directory, domains, generatePassword, hashPassword, postmaster } from '#directory';
import { listDkimKeys } from '#dkim';
import { dkimRecordText } from '#formats';
import { contentAt, withLock } from '#machine';
import type { RenderInput } from '#model';
import type { Login, StepResult, Target } from '#selftest';
import { judged } from './judged.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned } from './people.ts';
import { takeOut } from './queue.ts';
import { keyringOf } from './secrets.ts';
import { placeOf } from './self-test-place.ts';

interface Cast {
  readonly user: Login;
  readonly sender: Login;
  readonly alias: MailAddress;
}

const PREFIX = 'hauspost-selftest-';

/** The postmaster's, if it is one of ours; else the first of ours. */
const domainFor = async (directory: Directory, { settings }: RenderInput): Promise<Domain> => {
  const { domain } = splitAddress(settings.postmaster);
  if (await domains.exists(directory, domain)) return domain;
  for await (const entry of domains.list(directory)) return entry.domain;
  throw operatorError({
    code: 'selftest.no-domain',
    message: 'the server has no domain yet, so there is nobody to send mail to',
    remedy: "'hauspost domain add example.org' adds one.",
  });
};

const castOf = (context: Context, domain: Domain): Cast => {
  const token = context.machine.random(4).toString('hex');
  const login = (role: string): Login => ({
    address: parseMailAddress(`${parseLocalPart(`${PREFIX}${token}-${role}`)}@${domain}`),
    password: generatePassword(),
  });
  return { user: login('user'), sender: login('sender'), alias: parseMailAddress(`${PREFIX}${token}-alias@${domain}`) };
};

const enrol = async (directory: Directory, { user, sender, alias }: Cast): Promise<void> => {
  await accounts.add(directory, { address: user.address, passwordHash: await hashPassword(user.password) });
  await accounts.add(directory, { address: sender.address, passwordHash: await hashPassword(sender.password), sendOnly: true });
  await aliases.add(directory, { source: alias, destinations: [user.address] });
};

/** Removes all of this self-test, and of one that was killed: the lock says that no other runs. */
const dismiss = async (context: Context, input: RenderInput, directory: Directory): Promise<void> => {
  for (const source of await aliases.named(directory, PREFIX)) await aliases.remove(directory, source);
  for (const address of await accounts.named(directory, PREFIX)) {
    await accounts.remove(directory, address);
    const { local, domain } = splitAddress(address);
    await context.machine.run(['doveadm', 'kick', '--', address]); // a Dovecot that does not answer has failed a step already
    for (const folder of ['mailboxes', 'sieve']) await context.machine.remove(path(`${input.wiring.places.mail}/${folder}/${domain}/${local}`));
  }
  await takeOut(context.machine, (recipient) => recipient.startsWith(PREFIX));
  await bans.forget(directory, PREFIX);
};

/** In profile local our resolver answers for the home domain; for others, and in the public one, DNS may not show the key yet, so our own files answer. */
const resolveTxt = async (context: Context, { settings, wiring }: RenderInput, domain: Domain): Promise<Target['resolveTxt']> => {
  if (settings.profile === 'local' && domain === homeDomain(settings)) {
    const resolver = new Resolver();
    resolver.setServers([`${wiring.resolver.address}:${wiring.resolver.port}`]);
    return (name) => resolver.resolveTxt(name);
  }
  const keys = await listDkimKeys(keyringOf(context));
  const records = new Map(keys.map((key) => [`${key.selector}._domainkey.${key.domain}`, dkimRecordText(key.publicKey)]));
  return (name) => Promise.resolve([[records.get(name) ?? '']]);
};

/** Ours is trusted as clients are to trust it. Of the operator's own files it only matters here that they are what is served; who trusts them, `certificateFindings` tells. */
const trustOf = async ({ machine }: Context, { settings, wiring: { places } }: RenderInput): Promise<Target['trust']> => {
  if (settings.tls.source === 'own-ca') return { ca: (await machine.read(places['tls-ca']))?.toString() };
  const ca = (await contentAt(machine, places['tls-chain']))?.toString();
  return {
    ca: [...getCACertificates('default'), ...(ca === undefined ? [] : [ca])],
    allowPartialTrustChain: true,
    checkServerIdentity: () => undefined,
  };
};

const answering = async (directory: Directory, { settings }: RenderInput, domain: Domain): Promise<Target['postmaster']> => ({
  address: settings.postmaster,
  elsewhere: splitAddress(settings.postmaster).domain !== domain,
  unread: (await postmaster.findings(directory, settings))[0]?.message,
});

const targetOf = async (context: Context, input: RenderInput, directory: Directory, domain: Domain, cast: Cast): Promise<Target> => {
  const { machine } = context;
  const { settings, wiring } = input;
  const { host, stranger } = placeOf(input);
  return {
    host,
    servername: settings.hostname,
    trust: await trustOf(context, input),
    stranger: stranger ?? { helo: settings.hostname, domain },
    domain,
    postmaster: await answering(directory, input, domain),
    ...cast,
    lmtpSocket: wiring.sockets.lmtp.path,
    resolveTxt: await resolveTxt(context, input, domain),
    now: () => machine.now(),
    waitFor: (condition, ms) => machine.waitFor(condition, ms),
    token: () => machine.random(8).toString('hex'),
  };
};

/** The steps' results. Accounts and mail of the test are gone afterwards, also when a step failed. */
export const selfTest = (context: Context, input: RenderInput): Promise<readonly StepResult[]> =>
  withLock('hauspost selftest', () => alone(context, input), {
    name: 'selftest.lock',
    wait: { signal: context.signal, tell: (holder) => context.reporter.emit({ kind: 'info', text: `waits for another self-test: ${holder}` }) },
  });

const alone = async (context: Context, input: RenderInput): Promise<readonly StepResult[]> => {
  await using directory = await connect({ socketPath: input.wiring.sockets.mariadb.path });
  const domain = await domainFor(directory, input);
  const cast = castOf(context, domain);
  // The mail libraries take half as long to load as all the rest, and no other command needs them.
  const { runSteps } = await import('#selftest');
  try {
    await dismiss(context, input, directory);
    await enrol(directory, cast);
    return await runSteps(await targetOf(context, input, directory, domain, cast), context.reporter, context.signal);
  } finally {
    await dismiss(context, input, directory);
  }
};

export const stepResult = z.object({ name: z.string(), ok: z.boolean(), ms: z.number(), detail: z.string() });

export const selftest = operation({
  name: 'selftest',
  summary: 'Sends real mail through the running server and reads it; cleans up after itself.',
  example: 'hauspost selftest',
  positionals: [],
  input: z.object({}),
  output: z.object({ ok: z.boolean(), steps: z.array(stepResult).readonly(), findings: z.array(finding).readonly() }),
  needs: 'server',
  run: async (context) => {
    const { desired, findings } = await judged(context);
    warned(context, findings);
    const steps = await selfTest(context, desired.input);
    return { ok: steps.every((step) => step.ok), steps, findings };
  },
  exitCode: ({ ok }) => (ok ? 0 : 1),
});
