/** What records are made from. Put together by the operation from settings, facts of the machine, the database and the certificate; nothing here is asked of DNS. */
import type { Domain, Fqdn } from '#base';
import type { Settings } from '#config';
import type { Addresses } from '#model';

/** What mail programs may be told of, by its name as a service (RFC 6186, RFC 8314). */
export type ClientService = 'imaps' | 'imap' | 'submissions' | 'submission';

export interface DkimKey {
  readonly selector: string;
  /** base64 of the SubjectPublicKeyInfo. */
  readonly publicKey: string;
  readonly state: 'pending' | 'active' | 'retiring';
}

export interface MailDomain {
  readonly domain: Domain;
  /** Every key that somebody may still have to verify with, or soon has to. */
  readonly dkim: readonly DkimKey[];
}

/** Of a key that is served on port 25, or will be: SHA-256 of its SubjectPublicKeyInfo in hexadecimal digits. */
export interface ServerKey {
  readonly digest: string;
  readonly state: 'current' | 'next';
}

/** Who signed the certificate. `issue`: what a CAA record calls it, if that is known. */
export type Signer = { readonly by: 'own-ca' | 'unknown' } | { readonly by: 'authority'; readonly name: string; readonly issue: string };

export interface DnsFacts {
  readonly hostname: Fqdn;
  /** The domain that the server is at home in, as far as its own name tells. */
  readonly home: Domain;
  /** By which the world reaches the server. */
  readonly reached: Addresses;
  /** From which it sends, beyond these. */
  readonly sending: Addresses;
  /** The server that all mail to others is handed to. */
  readonly relay: Fqdn | null;
  /** Ports that are listened on. */
  readonly ports: Readonly<Partial<Record<ClientService, number>>>;
  readonly keys: readonly ServerKey[];
  /** The daemons have read the certificate that lies there. */
  readonly certificateRead: boolean;
  readonly signer: Signer;
  /** Names that the certificate is valid for, or will be once they lead here, of those that mail programs try (`clientNames`). */
  readonly certified: readonly string[];
  readonly domains: readonly MailDomain[];
  /** Seconds that others may remember a record. */
  readonly ttl: number;
  /** What receivers shall do with mail that neither SPF nor DKIM vouches for. */
  readonly dmarc: Settings['dns']['dmarc'];
}
