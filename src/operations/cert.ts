/** `cert status`, `cert renew`: the certificate that is served, who signs it, and what becomes of it. */
import { z } from 'zod';
import type { Desired } from '#apply';
import { operatorError } from '#base';
import type { RenderInput } from '#model';
import { certificateAt, forgetOldPairs, isSigned, namesIn, renewalOf } from '#tls';
import { lastAttempt } from './attempts.ts';
import { certificateNames, type LeftOut } from './certificate-names.ts';
import { certificateFindings } from './certificates.ts';
import { isServed } from './materials.ts';
import { type Context, operation } from './operation.ts';
import { finding, warned } from './people.ts';
import { aloneWithCertificates, askedLater, awaitedName, reasonToAsk, renew as renewNow } from './renewal.ts';
import { advance, begin, isInPlace } from './rollover.ts';
import { forgetProgress, rolloverUnderWay } from './rollover-progress.ts';
import { digestAt, digestOf, nextKeyAt } from './server-keys.ts';
import { signedRequest } from './server-certificate.ts';
import { desiredForCertificates } from './serving.ts';

const notApplied = (): Error =>
  operatorError({ code: 'cert.not-applied', message: 'no configuration is in place yet', remedy: "Run 'hauspost up', or 'hauspost apply'." });

export const inPlaceForCertificates = async (context: Context): Promise<Desired> => {
  const desired = await desiredForCertificates(context);
  if (desired === undefined) throw notApplied();
  return desired;
};

const KEY_TYPES: Readonly<Record<string, string>> = { ec: 'ecdsa', rsa: 'rsa' };

const certificate = z
  .object({
    names: z.array(z.string()).readonly(),
    issuer: z.string(),
    own_ca: z.boolean().describe("signed by the server's own authority"),
    expires: z.string(),
    key_type: z.string(),
    tlsa: z.string().describe('the data of its TLSA record (RFC 6698)'),
    served: z.boolean().describe('the daemons have read it'),
  })
  .nullable()
  .describe('null: there is none that can be read');

const described = async (context: Context, input: RenderInput): Promise<z.output<typeof certificate>> => {
  const leaf = await certificateAt(context.machine, input.wiring.places['tls-chain']);
  if (leaf === undefined) return null;
  return {
    names: namesIn(leaf),
    issuer: leaf.issuer.replaceAll('\n', ', '),
    own_ca: !(await isSigned(context.machine, signedRequest(input))),
    expires: leaf.validToDate.toISOString(),
    key_type: KEY_TYPES[leaf.publicKey.asymmetricKeyType ?? ''] ?? 'other',
    tlsa: `3 1 1 ${digestOf(leaf.publicKey)}`,
    served: await isServed(context, input),
  };
};

/** What upkeep will do about it, in a sentence. */
const nextOf = async (context: Context, desired: Desired): Promise<{ readonly next: string; readonly leftOut: readonly LeftOut[] }> => {
  const { input } = desired;
  const leaf = await certificateAt(context.machine, input.wiring.places['tls-chain']);
  const { source } = input.settings.tls;
  if (source === 'files')
    return { next: "whoever renews the files runs 'hauspost apply' then; otherwise the daemons read them a day later", leftOut: [] };
  if (source === 'own-ca') return { next: 'the own authority signs another one when less than 30 days are left', leftOut: [] };
  const names = await certificateNames(context, input);
  const reason = await reasonToAsk(context, desired, names);
  const [later, awaited] = [await askedLater(context, input), await awaitedName(context, input, names)];
  if (reason !== undefined && awaited !== undefined)
    return {
      next: `the authority is asked once ${awaited.name} is seen everywhere again, or before the time is over, since ${reason}`,
      leftOut: names.leftOut,
    };
  const when = reason === undefined ? `on ${leaf === undefined ? '' : renewalOf(leaf).toISOString().slice(0, 10)}` : 'within the hour';
  const at = reason === undefined || later === undefined ? when : `on ${later.toISOString().slice(0, 16).replace('T', ' ')} (UTC)`;
  return { next: `the authority is asked ${at}${reason === undefined ? '' : `, since ${reason}`}`, leftOut: names.leftOut };
};

const rolloverOf = async (context: Context, input: RenderInput): Promise<{ begun: string; tlsa: string; waits: string } | null> => {
  const progress = await rolloverUnderWay(context, input);
  const digest = await digestAt(context, nextKeyAt(input));
  return progress === undefined || digest === undefined ? null : { begun: progress.begun, tlsa: `3 1 1 ${digest}`, waits: progress.waits };
};

export const status = operation({
  name: 'cert status',
  summary: 'Shows the certificate that is served, who signed it, what it is valid for, and what comes next.',
  example: 'hauspost cert status',
  positionals: [],
  input: z.object({}),
  output: z.object({
    source: z.enum(['own-ca', 'files', 'acme']),
    authority: z.string().nullable().describe('where it is asked; null where none is'),
    certificate,
    left_out: z
      .array(z.object({ name: z.string(), why: z.string() }))
      .readonly()
      .describe('names that mail programs guess and that the authority is not asked for now'),
    last_attempt: z
      .object({ at: z.string(), error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }).nullable() })
      .nullable()
      .describe('the last time that the authority was asked'),
    rollover: z
      .object({ begun: z.string(), tlsa: z.string(), waits: z.string() })
      .nullable()
      .describe('the key that is to come, the data of its TLSA record, and what is waited for; null: none is to come'),
    next: z.string().describe('what is done by itself, and when'),
    findings: z.array(finding).readonly(),
  }),
  needs: 'server',
  run: async (context) => {
    const desired = await inPlaceForCertificates(context);
    const { input } = desired;
    const { source, directory } = input.settings.tls;
    const attempt = source === 'acme' ? await lastAttempt(context, input) : undefined;
    const { next, leftOut } = await nextOf(context, desired);
    return {
      source,
      authority: source === 'acme' ? directory : null,
      certificate: await described(context, input),
      left_out: leftOut,
      last_attempt: attempt === undefined ? null : { at: attempt.at, error: attempt.error },
      rollover: await rolloverOf(context, input),
      next,
      findings: await certificateFindings(context, input),
    };
  },
});

const byFiles = (what: string, remedy: string): Error =>
  operatorError({ code: 'cert.files', message: `tls.source is "files": ${what} is not Hauspost's`, remedy });

export const renew = operation({
  name: 'cert renew',
  summary: 'Has the certificate signed anew if it is time for that, for the same key; the daemons read it, and nobody is cut off.',
  example: 'hauspost cert renew --force',
  positionals: [],
  input: z.object({ force: z.boolean().optional().describe('also where nothing is due') }),
  output: z.object({
    renewed: z.boolean(),
    done: z.array(z.string()).readonly(),
    certificate,
    left_out: z.array(z.object({ name: z.string(), why: z.string() })).readonly(),
    findings: z.array(finding).readonly(),
  }),
  needs: 'server',
  run: (context, { force = false }) =>
    aloneWithCertificates('hauspost cert renew', async () => {
      const desired = await inPlaceForCertificates(context);
      const { input } = desired;
      const { source, chain } = input.settings.tls;
      if (source === 'files')
        throw byFiles('the certificate', `Renew ${chain} by whatever made it, then run 'hauspost apply', which has the daemons read it.`);
      const { done } = await renewNow(context, 'hauspost cert renew', desired, { force, byHand: true });
      const leftOut = source === 'acme' ? (await certificateNames(context, input)).leftOut : [];
      return {
        renewed: done.length > 0,
        done,
        certificate: await described(context, input),
        left_out: leftOut,
        findings: warned(context, await certificateFindings(context, input)),
      };
    }),
});

/** RFC 7671 section 8.1. */
const BY_HAND = (key: string): string =>
  `Make the next key beside ${key}; publish its TLSA record as well ('openssl pkey -in KEY -pubout -outform DER | sha256sum'); when every name server has shown it for as long as the records live, put key and chain in place together and run 'hauspost apply'; then remove the old record.`;

const givenUp = async (context: Context, input: RenderInput): Promise<string> => {
  const was = await rolloverUnderWay(context, input);
  await context.machine.remove(nextKeyAt(input));
  await forgetProgress(context, input);
  await forgetOldPairs(context.machine, signedRequest(input));
  return was === undefined ? 'No key was to come.' : 'The next key is gone, the present one stays. The TLSA record of the next one may go.';
};

export const rollover = operation({
  name: 'cert rollover',
  summary:
    'Changes the key of the server: makes the next one, waits until its TLSA record is seen everywhere, then uses it; called again, or by upkeep, it goes on.',
  example: 'hauspost cert rollover',
  positionals: [],
  input: z.object({ cancel: z.boolean().optional().describe('keep the present key after all') }),
  output: z.object({
    state: z.enum(['waits', 'done', 'none']).describe('none: the present key stays'),
    tlsa: z.string().nullable().describe('the data of the TLSA record of the key that is to come'),
    said: z.string(),
  }),
  needs: 'server',
  run: (context, { cancel = false }) =>
    aloneWithCertificates('hauspost cert rollover', async () => {
      const desired = await inPlaceForCertificates(context);
      const { input } = desired;
      const { source, key } = input.settings.tls;
      if (source === 'files') throw byFiles('the key', BY_HAND(key ?? 'the key'));
      // One that has changed places already is brought to its end.
      if (cancel && !(await isInPlace(context, input))) return { state: 'none' as const, tlsa: null, said: await givenUp(context, input) };
      if ((await rolloverUnderWay(context, input)) === undefined) await begin(context, desired);
      const { state, said } = await advance(context, 'hauspost cert rollover', desired);
      const digest = await digestAt(context, nextKeyAt(input));
      return { state, tlsa: digest === undefined ? null : `3 1 1 ${digest}`, said };
    }),
});
