/** Who signed a certificate, as CAA records call it (RFC 8659, section 4.2). A name that is not known for sure is not guessed: nobody else could issue any more. */
import type { Signer } from './facts.ts';

/** By the organization in the issuer's name. */
const ISSUERS: Readonly<Record<string, string>> = { "Let's Encrypt": 'letsencrypt.org' };

/** `issuer` as node:crypto has it: `C=US\nO=Let's Encrypt\nCN=E7`. */
export const signerOf = (issuer: string): Signer => {
  const name = /^O=(.*)$/m.exec(issuer)?.[1] ?? '';
  const issue = Object.hasOwn(ISSUERS, name) ? ISSUERS[name] : undefined;
  return issue === undefined ? { by: 'unknown' } : { by: 'authority', name, issue };
};

/** By the host of its directory (RFC 8555 section 7.1.1), before it has signed anything. That of Let's Encrypt's staging signs under the same name. */
export const signerAt = (directory: string): Signer => {
  const { hostname } = new URL(directory);
  const issuer = Object.entries(ISSUERS).find(([, issue]) => hostname === issue || hostname.endsWith(`.${issue}`));
  return issuer === undefined ? { by: 'unknown' } : { by: 'authority', name: issuer[0], issue: issuer[1] };
};
