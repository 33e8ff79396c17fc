/**
 * A public key of DKIM as it stands in DNS (RFC 6376, section 3.6.1; Ed25519: RFC 8463, section 4). Of RSA `p=` is the whole SubjectPublicKeyInfo, of
 * Ed25519 the bare key. Inside the program a public key always is the SubjectPublicKeyInfo (DER) in base64.
 */
import { createPublicKey } from 'node:crypto';
import { bug } from '#base';

export type DkimAlgorithm = 'rsa' | 'ed25519';

/** SubjectPublicKeyInfo of an Ed25519 key up to the 32 octets of the key itself (RFC 8410, section 4). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const ED25519_OCTETS = 32;

/** Undefined where the octets are no public key, or one that DKIM does not know. */
const algorithmOf = (der: Buffer): DkimAlgorithm | undefined => {
  try {
    const { asymmetricKeyType: type } = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return type === 'rsa' || type === 'ed25519' ? type : undefined;
  } catch {
    return undefined; // what OpenSSL cannot read
  }
};

export const dkimAlgorithm = (publicKey: string): DkimAlgorithm => {
  const algorithm = algorithmOf(Buffer.from(publicKey, 'base64'));
  if (algorithm === undefined) throw bug('DKIM has no keys of this type');
  return algorithm;
};

/** The text of the TXT record. */
export const dkimRecordText = (publicKey: string): string => {
  const algorithm = dkimAlgorithm(publicKey);
  const p = algorithm === 'rsa' ? publicKey : Buffer.from(publicKey, 'base64').subarray(-ED25519_OCTETS).toString('base64');
  return `v=DKIM1; k=${algorithm}; p=${p}`;
};

/** `name=value` with blanks around each; a name that stands twice makes the list invalid (section 3.2). */
const tagsOf = (text: string): ReadonlyMap<string, string> | undefined => {
  const tags = new Map<string, string>();
  for (const part of text.split(';')) {
    if (part.trim() === '') continue;
    const [, name = '', value = ''] = /^\s*([A-Za-z][A-Za-z0-9_]*)\s*=([\s\S]*)$/.exec(part) ?? [];
    if (name === '' || tags.has(name)) return undefined;
    tags.set(name, value.trim());
  }
  return tags;
};

/** The public key of a TXT record; undefined where it is no record of DKIM, where the key is revoked (`p=` is empty) or of an unknown kind. */
export const parseDkimRecord = (text: string): string | undefined => {
  const tags = tagsOf(text);
  if (tags === undefined || (tags.get('v') ?? 'DKIM1') !== 'DKIM1') return undefined;
  const octets = Buffer.from((tags.get('p') ?? '').replace(/\s/g, ''), 'base64');
  const kind = tags.get('k') ?? 'rsa';
  const der = kind === 'ed25519' && octets.length === ED25519_OCTETS ? Buffer.concat([ED25519_PREFIX, octets]) : octets;
  return algorithmOf(der) === kind ? der.toString('base64') : undefined;
};
