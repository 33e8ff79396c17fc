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
import { belongsTo, forgetOldPairs, makeKey, type Pair, pairAt, swapPair } from '#tls';
import { noted } from './attempts.ts';
import { signedByAuthority } from './authority.ts';
import { certificateNames } from './certificate-names.ts';
import { shownEverywhere } from './dns-view.ts';
import type { Context } from './operation.ts';
import { keepPublished } from './publish.ts';
import { aloneWithCertificates, amongChangesFor, askedLater, awaitedName, settled } from './renewal.ts';
import { begunAt, forgetProgress, type Progress, remember, rolloverUnderWay } from './rollover-progress.ts';
import { overAt, waitsFor } from './rollover-wait.ts';
import { digestAt, nextKeyAt, serverKeys } from './server-keys.ts';
import { signedByOwnAuthority, signedRequest } from './server-certificate.ts';
import { desiredForCertificates, serveCertificateOr } from './serving.ts';
import type { Task } from './task.ts';
import { lastTlsaChange } from './tlsa-change.ts';

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

const looksAgain = (machine: Context['machine']): Date => new Date(machine.now().getTime() + 5 * 60_000);

const signedFor = (context: Context, { input }: Desired, key: AbsPath, names: readonly string[]): Promise<Buffer> =>
  input.settings.tls.source === 'own-ca' ? signedByOwnAuthority(context, input, key) : signedByAuthority(context, input, key, names);

/** Both at once, and back where a daemon does not run well with them. */
const swapped = (context: Context, command: string, desired: Desired, next: Pair): Promise<void> =>
  amongChangesFor(context, command, desired, async (now) => {
    const { machine } = context;
    const { input } = now;
    const { key, chain, kept } = signedRequest(input);
    const before = await pairAt(machine, { key, chain });
    await swapPair(machine, { key, chain }, next);
    await serveCertificateOr(context, now, async () => {
      if (before !== undefined) await swapPair(machine, { key, chain }, before);
    }).catch(async (error: unknown) => {
      await forgetOldPairs(machine, { key, chain });
      throw error;
    });
    // What the authority signed for the key of before does not fit any more, and is not looked at.
    if (input.settings.tls.source === 'acme') await machine.write(kept, next.chain, { owner: 'root:root', mode: 0o600 });
  });

/** Answers with what is in the way. What an authority signed is not lost where that fails, but it is left alone for a while then. */
const use = async (context: Context, command: string, desired: Desired): Promise<string | undefined> => {
  const { input } = desired;
  const file = nextKeyAt(input);
  const work = async (names: readonly string[]): Promise<string | undefined> => {
    const chain = await signedFor(context, desired, file, names);
    const key = (await contentAt(context.machine, file)) ?? Buffer.alloc(0);
    if (!belongsTo(chain, key)) return 'the certificate that was signed is not for the next key';
    await swapped(context, command, desired, { key, chain });
    return undefined;
  };
  if (input.settings.tls.source === 'own-ca') return work([]);
  const names = await certificateNames(context, input);
  const awaited = await awaitedName(context, input, names);
  return awaited === undefined ? noted(context, input, () => work(names.names)) : `${awaited.name}: ${awaited.why}`;
};

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
  const [now, change] = [context.machine.now(), await lastTlsaChange(context, input)];
  return waitsFor({ now, record: tlsaOf(input, next), shown, ttl: input.settings.dns.ttlSeconds, change }, progress);
};

/** The next key lies where daemons read it: a call was killed before it came to its end. */
export const isInPlace = async (context: Context, input: RenderInput): Promise<boolean> => {
  const next = await digestAt(context, nextKeyAt(input));
  return next !== undefined && next === (await digestAt(context, signedRequest(input).key));
};

/** Under `aloneWithCertificates`; a next key lies there. */
export const advance = async (context: Context, command: string, desired: Desired): Promise<Step> => {
  const { machine } = context;
  const { input } = desired;
  const next = await digestAt(context, nextKeyAt(input));
  const progress = await rolloverUnderWay(context, input);
  if (next === undefined || progress === undefined) {
    await end(context, desired);
    return { state: 'done', said: 'There was no next key that could be read; the present one stays.' };
  }
  if (!(await isInPlace(context, input))) {
    const waits = await waiting(context, input, progress, next);
    if (waits !== undefined) {
      await remember(context, input, waits);
      return { state: 'waits', said: waits.waits, next: overAt(waits) ?? looksAgain(machine) };
    }
    const obstacle = await use(context, command, desired);
    if (obstacle !== undefined) {
      await remember(context, input, { ...progress, waits: obstacle });
      return { state: 'waits', said: obstacle, next: looksAgain(machine) };
    }
  } else await settled(context, command, desired); // daemons may have the ones of before
  await end(context, desired);
  await keepPublished(context);
  return { state: 'done', said: `${DONE} The TLSA record of the one before may go: 'hauspost dns records' no longer has it.` };
};

/** Where DNS cannot be asked nothing would come of it, and nothing is begun: rejects with `dns.no-resolver`. */
export const begin = async (context: Context, { input }: Desired): Promise<void> => {
  const keys = input.settings.profile === 'local' ? [] : await serverKeys(context, input);
  const shown = await shownEverywhere(
    context,
    input,
    keys.map(({ digest }) => tlsaOf(input, digest)),
  );
  // In the place of what an earlier one may have left; and before anything is published, which may shorten the time to live.
  await remember(context, input, begunAt(context.machine.now(), Math.max(0, ...shown.map(({ ttl }) => ttl))));
  await makeKey(context.machine, nextKeyAt(input), input.settings.tls.keyType);
  context.reporter.emit({ kind: 'info', text: "the next key is made; 'hauspost cert rollover --cancel' gives it up" });
};

/** Upkeep goes on with one that somebody began. */
export const rollOver: Task = async (context) => {
  const desired = await desiredForCertificates(context);
  if (desired === undefined || desired.input.settings.tls.source === 'files') return { done: [] };
  if ((await rolloverUnderWay(context, desired.input)) === undefined) return { done: [] };
  return aloneWithCertificates('hauspost upkeep', async () => {
    const later = await askedLater(context, desired.input);
    if (later !== undefined) return { done: [], next: later };
    const { state, said, next } = await advance(context, 'hauspost upkeep', desired);
    return { done: state === 'done' ? [said] : [], ...(next === undefined ? {} : { next }) };
  });
};
