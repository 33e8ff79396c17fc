/** Private keys of DKIM: RSA 2048 and Ed25519 (RFC 8301, RFC 8463), as PEM (PKCS #8) among the secrets, and as Rspamd reads them. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type DkimAlgorithm, dkimAlgorithm } from '#formats';

const pem = { type: 'pkcs8', format: 'pem' } as const;

export const makeKey = (algorithm: DkimAlgorithm): string =>
  (algorithm === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')).privateKey.export(pem).toString();

/** base64 of the SubjectPublicKeyInfo. */
export const publicPart = (privatePem: string): string => createPublicKey(privatePem).export({ type: 'spki', format: 'der' }).toString('base64');

/** Rspamd 3.4 and 3.12.1 read RSA as PEM. Of Ed25519 they take nothing but the seed, 32 octets, in base64 (docs/rspamd.md). */
export const asRspamdReads = (privatePem: string): string => {
  if (dkimAlgorithm(publicPart(privatePem)) === 'rsa') return privatePem;
  const { d = '' } = createPrivateKey(privatePem).export({ format: 'jwk' });
  return Buffer.from(d, 'base64url').toString('base64');
};
