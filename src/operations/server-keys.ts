/** The server's public keys, as TLSA records name them: the one that is served, and the one that a rollover has made for later. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { type AbsPath, path } from '#base';
import type { ServerKey } from '#dns';
import { contentAt } from '#machine';
import type { RenderInput } from '#model';
import { certificateAt } from '#tls';
import type { Context } from './operation.ts';

/** RFC 6698: SHA-256 of the SubjectPublicKeyInfo (`1 1`), in hexadecimal digits. */
export const digestOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

/** Where the key waits for its record to be seen; only while a rollover is under way. */
export const nextKeyAt = ({ wiring: { places } }: Pick<RenderInput, 'wiring'>): AbsPath => path(`${places.state}/tls/next-key.pem`);

/** Of a private key, PEM; undefined where there is none that can be read. */
export const digestAt = async ({ machine }: Context, file: AbsPath): Promise<string | undefined> => {
  const pem = await contentAt(machine, file);
  if (pem === undefined) return undefined;
  try {
    return digestOf(createPublicKey(pem));
  } catch {
    return undefined; // no key, or one that is not whole
  }
};

/** Those that have to be published now: a key that is to come stands beside the present one until it is used. */
export const serverKeys = async (context: Context, input: RenderInput): Promise<readonly ServerKey[]> => {
  const leaf = await certificateAt(context.machine, input.wiring.places['tls-chain']);
  const next = input.settings.tls.source === 'files' ? undefined : await digestAt(context, nextKeyAt(input));
  const current = leaf === undefined ? undefined : digestOf(leaf.publicKey);
  return [
    ...(current === undefined ? [] : [{ digest: current, state: 'current' as const }]),
    ...(next === undefined || next === current ? [] : [{ digest: next, state: 'next' as const }]),
  ];
};
