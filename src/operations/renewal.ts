/**
 * The certificate before it runs out: `cert renew` and upkeep's task. The authority is asked without the lock of changes, which may take minutes; what it signed is
 * put by first, and then put in place and read by the daemons under the lock. Whatever fails, what was served before is served.
 */
import type { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Desired } from '#apply';
import { asHauspostError, environmentError } from '#base';
import { contentAt, followed, withLock } from '#machine';
import type { RenderInput } from '#model';
import { certificateAt, isSigned, isSoonOver, leftAloneUntil, putChain, refusedNames, renewalOf } from '#tls';
import { lastAttempt, noted } from './attempts.ts';
import { signedByAuthority } from './authority.ts';
import { awaitedOf, certificateNames, type LeftOut, type Names } from './certificate-names.ts';
import { storeOf } from './desired.ts';
import { certificateLacks, materialsFor, refuseWrongTls } from './materials.ts';
import type { Context } from './operation.ts';
import { signedByOwnAuthority, signedRequest } from './server-certificate.ts';
import { desiredForCertificates, serveCertificate, serveCertificateOr } from './serving.ts';
import type { Kept, Task } from './task.ts';

/** Who has waited for a change need not find it at its end: daemons that were made to read a certificate now would read half of what it has left. */
const refuseBetween = async (context: Context): Promise<void> => {
  const { entering } = await storeOf(context).state();
  if (entering === null) return;
  throw environmentError({
    code: 'cert.change-interrupted',
    message: `a change (to generation ${entering}) was interrupted, and the machine is between two configurations; no daemon was made to read anything`,
    remedy: "'hauspost apply' puts it in order.",
  });
};

/** Somebody's change is waited for; `work` gets what is in place after it. */
const amongChanges = <T>(context: Context, command: string, work: (now: Desired | undefined) => Promise<T>): Promise<T> =>
  withLock(
    command,
    async () => {
      await refuseBetween(context);
      return work(await desiredForCertificates(context));
    },
    { wait: { tell: (holder) => context.reporter.emit({ kind: 'info', text: `waits for ${holder}` }), signal: context.signal } },
  );

const servedAlike = (one: Desired, other: Desired): boolean =>
  one.input.settings.tls.source === other.input.settings.tls.source && isDeepStrictEqual(signedRequest(one.input), signedRequest(other.input));

/** The same for who made something for `desired`: where a change that was waited for is about another name, or another kind of key, it is no longer wanted. */
export const amongChangesFor = <T>(context: Context, command: string, desired: Desired, work: (now: Desired) => Promise<T>): Promise<T> =>
  amongChanges(context, command, (now) => {
    if (now !== undefined && servedAlike(now, desired)) return work(now);
    throw environmentError({
      code: 'cert.changed-meanwhile',
      message: 'the configuration was changed meanwhile, and what was made for the one of before is not wanted any more; nothing was put in place',
      remedy: 'Run it again; upkeep does so by itself.',
    });
  });

/** One at a time asks an authority, or changes keys. */
export const aloneWithCertificates = <T>(command: string, work: () => Promise<T>): Promise<T> => withLock(command, work, { name: 'certificates' });

export interface Why {
  /** Although nothing is due. */
  readonly force: boolean;
  /** Somebody waits for it: it is tried also where it failed a moment ago. */
  readonly byHand: boolean;
}

const untilDay = async ({ machine }: Context, { input }: Desired): Promise<string> => {
  const leaf = await certificateAt(machine, input.wiring.places['tls-chain']);
  return leaf === undefined ? 'unknown' : leaf.validToDate.toISOString().slice(0, 10);
};

interface Settled {
  readonly read: boolean;
  /** What is in place: a change may have been waited for. */
  readonly desired: Desired;
}

/** What was put in place, by whomever, is read, unless no daemon could use it; what our own authority has to make anew is made. */
export const settled = async (context: Context, command: string, desired: Desired): Promise<Settled> => {
  if ((await certificateLacks(context, desired.input)).length === 0) return { read: false, desired };
  return amongChanges(context, command, async (now = desired) => {
    await refuseWrongTls(context, now.input);
    const wakes = await materialsFor(context).again(now);
    if (wakes.length > 0) await serveCertificate(context, now);
    return { read: wakes.length > 0, desired: now };
  });
};

/** Undefined: somebody may be asked by now, or nobody is. */
export const askedLater = async (context: Context, input: RenderInput): Promise<Date | undefined> => {
  const notBefore = input.settings.tls.source === 'acme' ? (await lastAttempt(context, input))?.not_before : null;
  return notBefore === null || notBefore === undefined ? undefined : leftAloneUntil(new Date(notBefore), context.machine.now());
};

const ofAnother = async ({ machine }: Context, input: RenderInput): Promise<X509Certificate | undefined> =>
  (await isSigned(machine, signedRequest(input))) ? certificateAt(machine, input.wiring.places['tls-chain']) : undefined;

/** A name of the present certificate of which nobody can say now whether it leads here: to serve one without it has time, as long as there is some. */
export const awaitedName = async (context: Context, input: RenderInput, names: Names): Promise<LeftOut | undefined> =>
  awaitedOf(await ofAnother(context, input), names, context.machine.now());

/** Why the authority is to be asked; undefined: it need not be. */
export const reasonToAsk = async (context: Context, { input }: Desired, { names }: Names): Promise<string | undefined> => {
  const { machine } = context;
  const leaf = await ofAnother(context, input);
  if (leaf === undefined) return 'the authority has signed nothing yet';
  const missing = names.filter((name) => leaf.checkHost(name) === undefined);
  if (missing.length > 0) return `it is not valid for ${missing.join(', ')} yet`;
  return renewalOf(leaf) <= machine.now() ? 'two thirds of its time are over' : undefined;
};

const putInPlace = (context: Context, command: string, desired: Desired, chain: Buffer): Promise<void> =>
  amongChangesFor(context, command, desired, async (now) => {
    const { machine } = context;
    const { chain: target, kept } = signedRequest(now.input);
    const [before, keptBefore] = [await contentAt(machine, target), await machine.read(kept)];
    const keep = (what: Buffer): Promise<void> => machine.write(kept, what, { owner: 'root:root', mode: 0o600 });
    if (now.input.settings.tls.source === 'acme') await keep(chain);
    await putChain(machine, target, chain);
    await serveCertificateOr(context, now, async () => {
      if (before !== undefined) await putChain(machine, target, before);
      await (keptBefore === undefined ? machine.remove(kept) : keep(keptBefore));
    });
  });

/** What is valid for all of `rest` is not asked for again each time: an authority counts. One that is served is not dropped before it must be: it may be signed for later. */
const mayWait = (present: X509Certificate | undefined, refused: readonly string[], rest: readonly string[], now: Date): boolean => {
  if (present === undefined || present.validToDate <= now || isSoonOver(present, now)) return false;
  const has = (name: string): boolean => present.checkHost(name) !== undefined;
  return refused.some(has) || (renewalOf(present) > now && rest.every(has));
};

/** One name that an authority does not sign for, such as a customer's whose CAA names another, must not keep all the others from being signed. */
const signedForMost = async (context: Context, { input }: Desired, { names, leftOut }: Names, force: boolean): Promise<Names & { chain: Buffer }> => {
  const ask = (some: readonly string[]): Promise<Buffer> => signedByAuthority(context, input, signedRequest(input).key, some);
  try {
    return { chain: await ask(names), names, leftOut };
  } catch (error) {
    const refused = refusedNames(error, names);
    const rest = names.filter((name) => !refused.includes(name));
    const waits = !force && mayWait(await ofAnother(context, input), refused, rest, context.machine.now());
    if (refused.length === 0 || refused.includes(input.settings.hostname) || waits) throw error;
    const { code, message, remedy } = asHauspostError(error);
    context.reporter.emit({ kind: 'warning', code, text: message, remedy });
    return { chain: await ask(rest), names: rest, leftOut: [...leftOut, ...refused.map((name) => ({ name, why: message }))] };
  }
};

const askedAnew = async (context: Context, command: string, desired: Desired, asked: Names, why: string, force: boolean): Promise<Kept> => {
  const { input } = desired;
  let leftOut = asked.leftOut;
  await noted(context, input, async () => {
    const signed = await signedForMost(context, desired, asked, force);
    leftOut = signed.leftOut;
    await putInPlace(context, command, desired, signed.chain);
  });
  const without = leftOut.length === 0 ? '' : `, without ${leftOut.map(({ name }) => name).join(', ')}`;
  return { done: [`The certificate was renewed, since ${why}${without}; it is valid until ${await untilDay(context, desired)}.`] };
};

const READ = 'The certificate that lies there was read.';

const ofAuthority = async (context: Context, command: string, { read, desired }: Settled, { force, byHand }: Why): Promise<Kept> => {
  const names = await certificateNames(context, desired.input);
  const why = (await reasonToAsk(context, desired, names)) ?? (force ? 'that was asked for' : undefined);
  const done = read ? [READ] : [];
  if (why === undefined || (!force && (await awaitedName(context, desired.input, names)) !== undefined)) return { done };
  const later = await askedLater(context, desired.input);
  if (later !== undefined && !byHand) return { done, next: later };
  return askedAnew(context, command, desired, names, why, force);
};

const ofOwn = async (context: Context, command: string, { read, desired }: Settled, { force }: Why): Promise<Kept> => {
  if (force && !read)
    await putInPlace(context, command, desired, await signedByOwnAuthority(context, desired.input, signedRequest(desired.input).key));
  if (!force && !read) return { done: [] };
  return { done: [`The certificate was renewed; it is valid until ${await untilDay(context, desired)}.`] };
};

/** Under `aloneWithCertificates`. */
export const renew = async (context: Context, command: string, desired: Desired, why: Why): Promise<Kept> => {
  const present = await settled(context, command, desired);
  const { source } = present.desired.input.settings.tls;
  if (source === 'files') return { done: present.read ? [READ] : [] };
  return source === 'acme' ? ofAuthority(context, command, present, why) : ofOwn(context, command, present, why);
};

/**
 * Who puts files there has them read by 'hauspost apply', and may have the record of another key published before; but where that was refused, since something else
 * is pending, say, nobody comes back.
 */
const FILES_WAIT_MS = 86_400_000;

const isLeftToOperator = async ({ machine }: Context, { settings, wiring }: RenderInput): Promise<boolean> => {
  if (settings.tls.source !== 'files') return false;
  const put = (await machine.state(await followed(machine, wiring.places['tls-chain'])))?.modified;
  return put !== undefined && machine.now().getTime() - put.getTime() < FILES_WAIT_MS;
};

export const renewCertificate: Task = async (context) => {
  const desired = await desiredForCertificates(context);
  if (desired === undefined || (await isLeftToOperator(context, desired.input))) return { done: [] };
  return aloneWithCertificates('hauspost upkeep', () => renew(context, 'hauspost upkeep', desired, { force: false, byHand: false }));
};
