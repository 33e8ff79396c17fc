/** Asks the authority that the configuration in place names; answers with a chain that may be served, or throws why there is none, in the authority's words. */
import { type AbsPath, environmentError, path, step } from '#base';
import type { RenderInput } from '#model';
import { ACME_ROOT } from '#services';
import { type AcmeRequest, askAuthority, belongsTo, clockRefusal, leafIn, outOfTime, refusalOf, verdictOn } from '#tls';
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

/** For the key, for each of the names, within its time by our clock. */
const refuseUnfit = ({ machine }: Context, chain: Buffer, key: Buffer | undefined, names: readonly string[]): void => {
  const leaf = leafIn(chain);
  if (leaf === undefined) throw unfit('it is no certificate that can be read');
  if (!belongsTo(chain, key)) throw unfit('it was made for another key');
  const missing = names.filter((name) => leaf.checkHost(name) === undefined);
  if (missing.length > 0) throw unfit(`it is not valid for ${missing.join(', ')}`);
  const late = outOfTime(leaf, machine.now());
  if (late !== undefined) throw unfit(`it ${late}`);
};

export const signedByAuthority = async (context: Context, input: RenderInput, key: AbsPath, names: readonly string[]): Promise<Buffer> => {
  const { machine, reporter } = context;
  const { hostname, tls } = input.settings;
  const request = requestOf(input, key, names);
  await takeLeftOversAway(context, input, () => serverOf(context, input));
  return step(reporter, `ask ${new URL(tls.directory).host} for a certificate`, async () => {
    const { chain, said } = await askAuthority(machine, request);
    const verdict = said.answered ? undefined : await verdictOn(machine, tls.directory);
    const asked = { directory: tls.directory, hostname, challenge: tls.challenge, now: machine.now(), verdict };
    if (chain === undefined) throw refusalOf(asked, said);
    const clock = clockRefusal(asked, said);
    if (clock !== undefined) throw clock;
    refuseUnfit(context, chain, await machine.read(key), names);
    return chain;
  });
};
