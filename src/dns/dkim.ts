/** Public keys of DKIM (RFC 6376, section 3.6.1; Ed25519: RFC 8463, section 4). */
import { createPublicKey } from 'node:crypto';
import { bug } from '#base';
import type { DkimKey, MailDomain } from './facts.ts';
import type { Wanted } from './record.ts';

/** The last 32 octets of a SubjectPublicKeyInfo are the key itself (RFC 8410 section 4). */
const ED25519_OCTETS = 32;

/** `k=` and `p=`. Of RSA the whole SubjectPublicKeyInfo, of Ed25519 the bare key. */
const tags = (publicKey: string): string => {
  const der = Buffer.from(publicKey, 'base64');
  const type = createPublicKey({ key: der, format: 'der', type: 'spki' }).asymmetricKeyType;
  if (type === 'rsa') return `k=rsa; p=${publicKey}`;
  if (type === 'ed25519') return `k=ed25519; p=${der.subarray(-ED25519_OCTETS).toString('base64')}`;
  throw bug(`DKIM has no keys of type ${type}`);
};

const record = (domain: string, { selector, publicKey }: DkimKey): Wanted => ({
  name: `${selector}._domainkey.${domain}`,
  type: 'TXT',
  data: { text: `v=DKIM1; ${tags(publicKey)}` },
  why: 'DKIM: the key by which others verify the signature of what this domain sends',
});

export const dkimRecords = ({ domain, dkim }: MailDomain): readonly Wanted[] => dkim.map((key) => record(domain, key));
