/**
 * Another key for the server, without a moment in which somebody who knows the old TLSA record, or the new one, is turned away (RFC 7671 section 8.1):
 * the next key is made; its record is published beside the present one; every name server shows it; all that somebody may still remember of before has run
 * out; a certificate for it is signed; key and chain change places; the old record goes. Each call does what can be done by then. That the next key lies
 * there is what says that a rollover is under way; the rest may be lost, and is then only waited for anew.
 */
import type { Desired } from '#apply';
import type { AbsPath } from '#base';
import type { Published } from '#dns';
import { contentAt } from '#machine';
import type { RenderInput } from '#model';
import { belongsTo, forgetOldPairs, makeKey, type Pair, pairAt, signAnew, swapPair } from '#tls';
import { lastAttempt, noted } from './attempts.ts';
import { signedByAuthority } from './authority.ts';
import { certificateNames } from './certificate-names.ts';
import { shownEverywhere } from './dns-view.ts';
import type { Context } from './operation.ts';
import { keepPublished } from './publish.ts';
import { aloneWithCertificates, amongChangesFor } from './renewal.ts';
import { forgetProgress, type Progress, remember, rolloverUnderWay } from './rollover-progress.ts';
import { overAt, waitsFor } from './rollover-wait.ts';
import { digestAt, nextKeyAt, serverKeys } from './server-keys.ts';
import { signedRequest } from './server-certificate.ts';
import { desiredForCertificates, serveCertificate } from './serving.ts';
import type { Task } from './task.ts';

export const tlsaOf = (input: RenderInput, digest: string): Published => ({
  name: `_25._tcp.${input.settings.hostname}`,
  type: 'TLSA',
  data: { usage: 3, selector: 1, matching: 1, digest },
});

export interface Step {
  readonly state: 'waits' | 'done';
  /** What was done, or what it waits for. */
  readonly said: string;
  readonly next?: Date;
}

const LOOKS_AGAIN_MS = 5 * 60_000;

const signedFor = async (context: Context, { input }: Desired, key: AbsPath): Promise<Buffer> => {
  if (input.settings.tls.source === 'own-ca') return signAnew(context.machine, { ...signedRequest(input), key });
  const { names } = await certificateNames(context, input);
  return noted(context, input, () => signedByAuthority(context, input, key, names));
};

/** Both at once, and back where a daemon does not run well with them. */
const swapped = (context: Context, command: string, desired: Desired, next: Pair): Promise<void> =>
  amongChangesFor(context, command, desired, async (now) => {
    const { machine } = context;
    const { input } = now;
    const { key, chain, kept } = signedRequest(input);
    const before = await pairAt(machine, { key, chain });
    await swapPair(machine, { key, chain }, next);
    try {
      await serveCertificate(context, now);
    } catch (error) {
      if (before !== undefined) await swapPair(machine, { key, chain }, before);
      await serveCertificate(context, now);
      throw error;
    }
    // What the authority signed for the key of before does not fit any more, and is not looked at.
    if (input.settings.tls.source === 'acme') await machine.write(kept, next.chain, { owner: 'root:root', mode: 0o600 });
  });

const end = async (context: Context, { input }: Desired): Promise<void> => {
  const { key, chain } = signedRequest(input);
  await context.machine.remove(nextKeyAt(input));
  await forgetProgress(context, input);
  await forgetOldPairs(context.machine, { key, chain });
};

const DONE = 'The next key is in use.';

/** Undefined: nothing. Nobody outside knows of the key of a server of profile `local`. */
const waiting = async (context: Context, input: RenderInput, progress: Progress, next: string): Promise<Progress | undefined> => {
  if (input.settings.profile === 'local') return undefined;
  await keepPublished(context);
  const keys = await serverKeys(context, input);
  const shown = await shownEverywhere(
    context,
    input,
    keys.map(({ digest }) => tlsaOf(input, digest)),
  );
  return waitsFor({ now: context.machine.now(), record: tlsaOf(input, next), shown, ttl: input.settings.dns.ttlSeconds }, progress);
};

/** Under `aloneWithCertificates`; a next key lies there. */
export const advance = async (context: Context, command: string, desired: Desired): Promise<Step> => {
  const { machine } = context;
  const { input } = desired;
  const [current, next] = [await digestAt(context, signedRequest(input).key), await digestAt(context, nextKeyAt(input))];
  const progress = await rolloverUnderWay(context, input);
  if (next === undefined || progress === undefined) {
    await end(context, desired);
    return { state: 'done', said: 'There was no next key that could be read; the present one stays.' };
  }
  if (next !== current) {
    const waits = await waiting(context, input, progress, next);
    if (waits !== undefined) {
      await remember(context, input, waits);
      return { state: 'waits', said: waits.waits, next: overAt(waits) ?? new Date(machine.now().getTime() + LOOKS_AGAIN_MS) };
    }
    const chain = await signedFor(context, desired, nextKeyAt(input));
    const key = (await contentAt(machine, nextKeyAt(input))) ?? Buffer.alloc(0);
    if (!belongsTo(chain, key)) return { state: 'waits', said: 'the certificate that was signed is not for the next key' };
    await swapped(context, command, desired, { key, chain });
  }
  await end(context, desired);
  await keepPublished(context);
  return { state: 'done', said: `${DONE} The TLSA record of the one before may go: 'hauspost dns records' no longer has it.` };
};

/** Where DNS cannot be asked nothing would come of it, and nothing is begun: rejects with `dns.no-resolver`. */
export const begin = async (context: Context, { input }: Desired): Promise<void> => {
  const keys = input.settings.profile === 'local' ? [] : await serverKeys(context, input);
  await shownEverywhere(
    context,
    input,
    keys.map(({ digest }) => tlsaOf(input, digest)),
  );
  await makeKey(context.machine, nextKeyAt(input), input.settings.tls.keyType);
  context.reporter.emit({ kind: 'info', text: "the next key is made; 'hauspost cert rollover --cancel' gives it up" });
};

/** Upkeep goes on with one that somebody began. */
export const rollOver: Task = async (context) => {
  const desired = await desiredForCertificates(context);
  if (desired === undefined || desired.input.settings.tls.source === 'files') return { done: [] };
  if ((await rolloverUnderWay(context, desired.input)) === undefined) return { done: [] };
  return aloneWithCertificates('hauspost upkeep', async () => {
    const notBefore = (await lastAttempt(context, desired.input))?.not_before;
    if (notBefore !== null && notBefore !== undefined && new Date(notBefore) > context.machine.now()) return { done: [], next: new Date(notBefore) };
    const { state, said, next } = await advance(context, 'hauspost upkeep', desired);
    return { done: state === 'done' ? [said] : [], ...(next === undefined ? {} : { next }) };
  });
};
