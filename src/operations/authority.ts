/** Asks the authority that the configuration in place names; answers with a chain that may be served, or throws why there is none, in the authority's words. */
import { type AbsPath, environmentError, path, step } from '#base';
import { contentAt } from '#machine';
import type { RenderInput } from '#model';
import { ACME_ROOT } from '#services';
import { type AcmeRequest, askAuthority, belongsTo, clockRefusal, leafIn, outOfTime, refusalOf, renewalOf, timeAt, verdictOn } from '#tls';
import { insteadOf } from './challenges-not-put.ts';
import { takeLeftOversAway } from './challenges-put.ts';
import { serverOf } from './dns-challenge.ts';
import type { Context } from './operation.ts';

const challengeOf = ({ settings: { tls }, wiring: { places } }: RenderInput): AcmeRequest['challenge'] => {
  if (tls.challenge === 'http') return { by: 'http', root: ACME_ROOT };
  const hook = (what: string): string => `${places.command} cert challenge ${what} -- "$CERTBOT_DOMAIN" "$CERTBOT_VALIDATION"`;
  return { by: 'dns', put: hook('put'), takeAway: hook('take-away') };
};

export const requestOf = (input: RenderInput, key: AbsPath, names: readonly string[]): AcmeRequest => ({
  directory: input.settings.tls.directory,
  email: input.settings.tls.email,
  challenge: challengeOf(input),
  names,
  key,
  folder: path(`${input.wiring.places.state}/acme`),
});

const unfit = (why: string): Error =>
  environmentError({
    code: 'acme.unfit',
    message: `what the authority signed cannot be served: ${why}`,
    remedy: "See whether the clock is right ('date'); what is served now stays. It is asked again by itself.",
  });

/** Undefined: for the key, for each of the names, within its time by our clock. */
const whyUnfit = (now: Date, chain: Buffer, key: Buffer | undefined, names: readonly string[]): string | undefined => {
  const leaf = leafIn(chain);
  if (leaf === undefined) return 'it is no certificate that can be read';
  if (!belongsTo(chain, key)) return 'it was made for another key';
  const missing = names.filter((name) => leaf.checkHost(name) === undefined);
  if (missing.length > 0) return `it is not valid for ${missing.join(', ')}`;
  const late = outOfTime(leaf, now);
  return late === undefined ? undefined : `it ${late}`;
};

/** Whose the last attempt is. */
const askedAt = ({ folder }: AcmeRequest): AbsPath => path(`${folder}/asked`);

/** What came of an earlier attempt and was never put in place, since a daemon did not run well with it, say, or somebody was killed: nobody asks for the same again. */
const signedBefore = async ({ machine }: Context, input: RenderInput, request: AcmeRequest): Promise<Buffer | undefined> => {
  const chain = await machine.read(path(`${request.folder}/attempt/chain.pem`));
  const leaf = chain === undefined ? undefined : leafIn(chain);
  if (chain === undefined || leaf === undefined || renewalOf(leaf) <= machine.now()) return undefined;
  if ((await machine.read(askedAt(request)))?.toString() !== request.directory) return undefined;
  if ((await contentAt(machine, input.wiring.places['tls-chain']))?.equals(chain) === true) return undefined;
  return whyUnfit(machine.now(), chain, await machine.read(request.key), request.names) === undefined ? chain : undefined;
};

const asked = async (context: Context, input: RenderInput, request: AcmeRequest): Promise<Buffer> => {
  const { machine } = context;
  const { hostname, tls } = input.settings;
  const told = (verdict?: number) => ({ directory: tls.directory, hostname, challenge: tls.challenge, now: machine.now(), verdict });
  // Nobody here could say how long it is valid, what it signs; and it signs for the same names a few times a week.
  const clock = clockRefusal(told(), { date: await timeAt(machine, tls.directory) });
  if (clock !== undefined) throw clock;
  await machine.remove(path(`${request.folder}/attempt`));
  await machine.write(askedAt(request), request.directory, { owner: 'root:root', mode: 0o600 });
  const { chain, said } = await askAuthority(machine, request);
  if (chain === undefined) {
    const refusal = refusalOf(told(said.answered ? undefined : await verdictOn(machine, tls.directory)), said);
    throw await insteadOf(context, input, refusal);
  }
  const why = whyUnfit(machine.now(), chain, await machine.read(request.key), request.names);
  if (why !== undefined) throw unfit(why);
  return chain;
};

export const signedByAuthority = async (context: Context, input: RenderInput, key: AbsPath, names: readonly string[]): Promise<Buffer> => {
  const request = requestOf(input, key, names);
  await takeLeftOversAway(context, input, () => serverOf(context, input));
  const what = `ask ${new URL(request.directory).host} for a certificate`;
  return (await signedBefore(context, input, request)) ?? step(context.reporter, what, () => asked(context, input, request));
};
