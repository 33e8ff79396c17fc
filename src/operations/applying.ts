/** What `apply` and `up` share: the request that the apply room wants, with certificates and the database filled in. */
import { createHash } from 'node:crypto';
import type { ApplyRequest, Change, Desired, Plan } from '#apply';
import { operatorError, path } from '#base';
import { applyGrants, connect, migrate } from '#directory';
import { publishDkimKeys } from '#dkim';
import { ensureOwnCa } from '#tls';
import { loadDesired, secretsOf, surroundings } from './desired.ts';
import { refuseTakenPorts } from './foreign.ts';
import type { Consent, Context } from './operation.ts';

const NEVER_CONSENTED = 'apply.not-consented';

const digest = (changes: readonly Change[]): string =>
  createHash('sha256')
    .update(JSON.stringify(changes.map(({ kind, target, action, diff }) => [kind, target, action, diff])))
    .digest('hex')
    .slice(0, 16);

const line = (change: Change): string =>
  `  ${change.action} ${change.target}${change.drift ? ' (changed by somebody else since; a copy is kept)' : ''}`;

const describe = (changes: readonly Change[]): string => {
  const packages = changes.filter((change) => change.kind === 'package').map((change) => change.target);
  const rest = changes.filter((change) => change.kind !== 'package').map(line);
  return [...(packages.length > 0 ? [`  install ${packages.join(' ')}`] : []), ...rest].join('\n');
};

const HEAL = 'apply:heal';

/** The question about a plan; none when there is nothing to do, or only to start what was stopped. */
export const consentTo = ({ changes, state: { entering } }: Plan): readonly Consent[] => {
  if (entering !== null) {
    const text = `An earlier change (generation ${entering}) was interrupted. It is undone first; then all is made as the configuration file says.`;
    return [{ id: HEAL, text, question: 'Go on?' }];
  }
  if (changes.every(({ kind }) => kind === 'service')) return [];
  return [{ id: `apply:${digest(changes)}`, text: `These changes would be made:\n${describe(changes)}`, question: 'Make these changes?' }];
};

/** For results: which generation was being entered when a change was interrupted. */
export const interruption = ({ entering }: Plan['state']): { readonly interrupted?: number } => (entering === null ? {} : { interrupted: entering });

const check =
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

const certificates = async (context: Context, { input: { settings, wiring } }: Desired): Promise<void> => {
  if (settings.tls.source !== 'own-ca') return;
  const { places } = wiring;
  await ensureOwnCa(context.machine, {
    names: [settings.hostname, ...(settings.profile === 'local' ? ['localhost'] : [])],
    addresses: settings.profile === 'local' ? ['127.0.0.1', '::1'] : [],
    key: places['tls-key'],
    chain: places['tls-chain'],
    ca: places['tls-ca'],
    caKey: path(`${places.secrets}/own-ca.key`),
  });
};

const database = async ({ input, manifest }: Desired): Promise<void> => {
  await using directory = await connect({ socketPath: input.wiring.sockets.mariadb.path });
  await migrate(directory);
  await applyGrants(
    directory,
    manifest.items.filter((item) => item.kind === 'grant'),
  );
};

export const applyRequest = (context: Context, desired: Desired): ApplyRequest => ({
  ...surroundings(context, desired.input),
  reporter: context.reporter,
  version: context.version,
  signal: context.signal,
  desired,
  renderAgain: () => loadDesired(context),
  consent: async (plan) => {
    await check(context)(plan);
    await refuseTakenPorts(context.machine, desired.input);
  },
  materials: async (wanted) => {
    await certificates(context, wanted);
    await publishDkimKeys(context.machine, secretsOf(context), wanted.input.wiring.places.dkim);
  },
  database,
});
