/**
 * DKIM keys (RFC 6376 3.6.1): RSA 2048, one a domain, kept as secrets `dkim/DOMAIN/SELECTOR`; apply puts them where Rspamd reads them.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type AbsPath, type Domain, path } from '#base';
import type { Secrets } from '#apply';
import type { Facts } from '#machine';

type DkimKey = Facts['dkimKeys'][number];

/** base64 of the SubjectPublicKeyInfo: the `p=` tag. */
const publicPart = (privatePem: string): string => createPublicKey(privatePem).export({ type: 'spki', format: 'der' }).toString('base64');

const makeKey = (): string => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

export const secretName = (domain: string, selector: string): string => `dkim/${domain}/${selector}`;

/** All keys of this machine. `directory` is where Rspamd will find them. */
export const listDkimKeys = async (secrets: Secrets, directory: AbsPath): Promise<readonly DkimKey[]> => {
  const keys: DkimKey[] = [];
  for (const domain of await secrets.list('dkim')) {
    for (const selector of await secrets.list(`dkim/${domain}`)) {
      const pem = (await secrets.get(secretName(domain, selector))) ?? '';
      keys.push({ domain, selector, publicKey: publicPart(pem), path: path(`${directory}/${domain}.${selector}.key`) });
    }
  }
  return keys;
};

/** Makes the domain's key unless it has one. */
export const ensureDkimKey = async (secrets: Secrets, domain: Domain, selector: string): Promise<void> => {
  if ((await secrets.list(`dkim/${domain}`)).length === 0) await secrets.ensure(secretName(domain, selector), makeKey);
};
