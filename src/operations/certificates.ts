/** What there is to say of the certificate that is served, or would be. */
import type { X509Certificate } from 'node:crypto';
import { HauspostError } from '#base';
import type { Machine } from '#machine';
import type { Finding, RenderInput } from '#model';
import { certificateAt, distrustOf, outOfTime, refuseWrongFiles, type TlsFiles } from '#tls';
import type { Context } from './operation.ts';

const DAY_MS = 86_400_000;
/** So long before its end somebody has to know; authorities' clients renew ten days earlier. */
const SOON_DAYS = 20;

const MADE_ANEW = "Run 'hauspost apply', which makes another.";
const ANOTHER = "Put another one there and run 'hauspost apply'.";

/** Clients refuse one out of its time, whether the certificate is to blame or the clock. */
const late = (leaf: X509Certificate, now: Date, remedy: string): readonly Finding[] => {
  const why = outOfTime(leaf, now);
  return why === undefined ? [] : [{ level: 'error', code: 'tls.out-of-time', message: `the certificate ${why}`, remedy }];
};

const soon = ({ validToDate }: X509Certificate, now: Date): readonly Finding[] => {
  const days = Math.floor((validToDate.getTime() - now.getTime()) / DAY_MS);
  if (days < 0 || days >= SOON_DAYS) return [];
  const message = `the certificate runs out on ${validToDate.toISOString().slice(0, 10)}`;
  return [{ level: 'warning', code: 'tls.runs-out', message, remedy: `See why it was not renewed. ${ANOTHER}` }];
};

const named = (leaf: X509Certificate, { hostname }: RenderInput['settings']): readonly Finding[] => {
  if (leaf.checkHost(hostname) !== undefined) return [];
  const message = `the certificate is not valid for ${hostname}, and mail programs that are told to use that name refuse it`;
  return [{ level: 'warning', code: 'tls.other-name', message, remedy: `Name ${hostname} when it is asked for. ${ANOTHER}` }];
};

const trusted = async (machine: Machine, { chain }: TlsFiles): Promise<readonly Finding[]> => {
  const why = await distrustOf(machine, chain);
  if (why === undefined) return [];
  const message = `the certificate leads to no authority that this machine trusts (${why}), and others will not trust it either`;
  const remedy = `In ${chain} the intermediate certificates follow the server's own. An authority of your own: put its certificate into /usr/local/share/ca-certificates and run 'update-ca-certificates'.`;
  return [{ level: 'warning', code: 'tls.untrusted', message, remedy }];
};

/** What is wrong with the operator's own files: daemons run on with what they have read, and do not start any more. */
const ofFiles = async ({ machine }: Context, { settings }: RenderInput, files: TlsFiles): Promise<readonly Finding[]> => {
  try {
    await refuseWrongFiles(machine, files);
  } catch (error) {
    if (!(error instanceof HauspostError && error.blame === 'operator')) throw error;
    return [{ level: 'error', code: error.code, message: error.message, remedy: error.remedy }];
  }
  const leaf = await certificateAt(machine, files.chain);
  if (leaf === undefined) return [];
  const now = machine.now();
  const out = late(leaf, now, `See whether the clock is right; if it is: ${ANOTHER}`);
  return [...(out.length > 0 ? out : await trusted(machine, files)), ...soon(leaf, now), ...named(leaf, settings)];
};

/** Ours is made anew by the next change. */
const ofOwn = async ({ machine }: Context, { wiring }: RenderInput): Promise<readonly Finding[]> => {
  const chain = wiring.places['tls-chain'];
  const leaf = await certificateAt(machine, chain);
  if (leaf !== undefined) return late(leaf, machine.now(), MADE_ANEW);
  if ((await machine.state(chain)) === undefined) return [];
  return [{ level: 'error', code: 'tls.own-chain', message: `${chain} holds no certificate that can be read`, remedy: MADE_ANEW }];
};

export const certificateFindings = (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const { key, chain } = input.settings.tls;
  return key === undefined || chain === undefined ? ofOwn(context, input) : ofFiles(context, input, { key, chain });
};
