/** What there is to say of the certificate that is served, or would be. */
import type { X509Certificate } from 'node:crypto';
import { HauspostError } from '#base';
import { changeUnderWay, type Machine } from '#machine';
import type { Finding, RenderInput } from '#model';
import { certificateAt, distrustOf, isSigned, isSoonOver, outOfTime, refuseWrongFiles, successorFrom, type TlsFiles } from '#tls';
import { type Attempt, lastAttempt } from './attempts.ts';
import { roomFindings } from './candidates.ts';
import { isUnread } from './materials.ts';
import type { Context } from './operation.ts';
import { rolloverUnderWay } from './rollover-progress.ts';
import { signedRequest } from './server-certificate.ts';

const MADE_ANEW = "Run 'hauspost apply', which makes another.";
const ANOTHER = "Put another one there and run 'hauspost apply'.";

/** Clients refuse one out of its time, whether the certificate is to blame or the clock. */
const late = (leaf: X509Certificate, now: Date, remedy: string): readonly Finding[] => {
  const why = outOfTime(leaf, now);
  return why === undefined ? [] : [{ level: 'error', code: 'tls.out-of-time', message: `the certificate ${why}`, remedy }];
};

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

const endOf = ({ validToDate }: X509Certificate): string => dayOf(validToDate);

const soon = (leaf: X509Certificate, now: Date): readonly Finding[] => {
  if (!isSoonOver(leaf, now)) return [];
  const message = `the certificate runs out on ${endOf(leaf)}`;
  return [{ level: 'warning', code: 'tls.runs-out', message, remedy: `See why it was not renewed. ${ANOTHER}` }];
};

const named = (leaf: X509Certificate, { hostname }: RenderInput['settings'], remedy: string): readonly Finding[] => {
  if (leaf.checkHost(hostname) !== undefined) return [];
  const message = `the certificate is not valid for ${hostname}, and mail programs that are told to use that name refuse it`;
  return [{ level: 'warning', code: 'tls.other-name', message, remedy }];
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
  return [
    ...(out.length > 0 ? out : await trusted(machine, files)),
    ...soon(leaf, now),
    ...named(leaf, settings, `Name ${settings.hostname} when it is asked for. ${ANOTHER}`),
  ];
};

/** Whom mail programs were told to trust. */
const ofAuthorityOfOurs = async ({ machine }: Context, { wiring }: RenderInput): Promise<readonly Finding[]> => {
  const file = wiring.places['tls-ca'];
  const authority = await certificateAt(machine, file);
  const from = authority === undefined ? undefined : successorFrom(authority, machine.now());
  if (authority === undefined || from === undefined) return [];
  const message = `the server's own authority ends on ${endOf(authority)}: the first certificate that is made after ${dayOf(from)} is signed by another one, which mail programs do not trust until they are told to`;
  const remedy = `Choose the day: 'rm ${file}; hauspost apply' makes the other one, which they are to trust then. Or let a public authority sign: source = "acme" below [tls].`;
  return [{ level: 'warning', code: 'tls.authority-ends', message, remedy }];
};

/** Ours is made anew by the next change. */
const ofOwn = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const { machine } = context;
  const chain = input.wiring.places['tls-chain'];
  const leaf = await certificateAt(machine, chain);
  if (leaf !== undefined) return [...late(leaf, machine.now(), MADE_ANEW), ...(await ofAuthorityOfOurs(context, input))];
  if ((await machine.state(chain)) === undefined) return [];
  return [{ level: 'error', code: 'tls.own-chain', message: `${chain} holds no certificate that can be read`, remedy: MADE_ANEW }];
};

const ASKS = "Upkeep asks it by itself, 'hauspost cert renew' at once.";

/** In the words of the authority, where it has said something. */
const because = (attempt: Attempt | undefined): { readonly why: string; readonly remedy: string } =>
  attempt?.error == null
    ? { why: 'nobody has asked the authority for another one', remedy: ASKS }
    : { why: attempt.error.message, remedy: attempt.error.remedy };

const unsigned = (attempt: Attempt | undefined): Finding => {
  const { why, remedy } = because(attempt);
  const message = `the authority has signed no certificate yet, and the own authority's is served, which mail programs do not know: ${why}`;
  return { level: 'warning', code: 'tls.not-signed', message, remedy };
};

/** While a public authority is asked. */
const ofAuthority = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const { machine } = context;
  const leaf = await certificateAt(machine, input.wiring.places['tls-chain']);
  if (leaf === undefined) return ofOwn(context, input);
  const attempt = await lastAttempt(context, input);
  if (!(await isSigned(machine, signedRequest(input)))) return [unsigned(attempt), ...late(leaf, machine.now(), MADE_ANEW)];
  const { why, remedy } = because(attempt);
  const out = late(leaf, machine.now(), remedy).map((each) => ({ ...each, message: `${each.message}, and was not renewed: ${why}` }));
  const message = `the certificate runs out on ${endOf(leaf)}, and was not renewed: ${why}`;
  const over: readonly Finding[] = isSoonOver(leaf, machine.now()) ? [{ level: 'warning', code: 'tls.runs-out', message, remedy }] : [];
  return [...out, ...over, ...named(leaf, input.settings, ASKS), ...(await roomFindings(input.settings, leaf))];
};

/** A record that somebody has to publish. Once it is seen, time does the rest. */
const ofRollover = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const progress = await rolloverUnderWay(context, input);
  if (progress === undefined || progress.seen !== null) return [];
  const message = `the next key of the certificate waits: ${progress.waits}`;
  const remedy = "Publish it beside the present one ('hauspost dns records'); or 'hauspost cert rollover --cancel' keeps the present key.";
  return [{ level: 'warning', code: 'tls.rollover', message, remedy }];
};

/** Of a server in place: all else that is said of the certificate is about the file. In the middle of a change it is about to be read. */
export const unreadFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const chain = input.wiring.places['tls-chain'];
  const leaf = await certificateAt(context.machine, chain);
  if (leaf === undefined || !(await isUnread(context, input)) || (await changeUnderWay()) !== undefined) return [];
  const message = `the daemons have not read the certificate in ${chain}, which is valid until ${endOf(leaf)}, and serve the one before it`;
  const byItself = input.settings.tls.source === 'files' ? 'a day after it was put there' : 'within the hour';
  return [{ level: 'warning', code: 'tls.not-read', message, remedy: `'hauspost apply' has them read it at once, and upkeep ${byItself}.` }];
};

const ofSource = (context: Context, input: RenderInput): Promise<readonly Finding[]> => {
  const { source, key, chain } = input.settings.tls;
  if (source === 'acme') return ofAuthority(context, input);
  return key === undefined || chain === undefined ? ofOwn(context, input) : ofFiles(context, input, { key, chain });
};

export const certificateFindings = async (context: Context, input: RenderInput): Promise<readonly Finding[]> => [
  ...(await ofSource(context, input)),
  ...(input.settings.tls.source === 'files' ? [] : await ofRollover(context, input)),
];
