/** Where the certificate comes from that clients and other servers see. */
import { choice, httpsUrl, mailAddress, plainPath } from './kinds.ts';
import { type Conflict, fixed, none, option, section } from './option.ts';

/** That of Let's Encrypt (https://letsencrypt.org/docs/). */
const DIRECTORY = 'https://acme-v02.api.letsencrypt.org/directory';

type Source = 'own-ca' | 'files' | 'acme';

const together = (at: 'key' | 'chain', example: string): Conflict => ({
  at,
  code: 'config.missing',
  message: `tls.${at} is missing, but tls.source is "files"`,
  remedy: `Write ${at} = "${example}" below [tls], or source = "own-ca".`,
});

const unused = (at: string, wanted: Source, source: Source): Conflict => ({
  at,
  code: 'config.exclusive',
  message: `tls.${at} is not used while tls.source is "${source}"`,
  remedy: `Write source = "${wanted}" below [tls], or remove ${at}.`,
});

const OUT_OF_REACH: Conflict = {
  at: 'source',
  code: 'config.exclusive',
  message: 'tls.source is "acme", but the profile is "local": no public authority reaches a server that is there for its own machine alone',
  remedy: 'Write source = "own-ca" below [tls], or profile = "public" below [server].',
};

/** What stands in the example file means nothing; whoever writes another value wants something of it. */
const DEFAULTS: ReadonlySet<unknown> = new Set([DIRECTORY, 'http', 'ecdsa']);

/** Options that only one source uses. */
const OF: Readonly<Record<'key' | 'chain' | 'directory' | 'email' | 'challenge', Source>> = {
  key: 'files',
  chain: 'files',
  directory: 'acme',
  email: 'acme',
  challenge: 'acme',
};

export const tls = section({
  name: 'tls',
  doc: 'Where the certificate comes from that mail programs, browsers and other servers see.',
  options: {
    /** `own-ca`: Hauspost's own authority signs. `files`: the operator's key and chain. `acme`: a public authority signs our key. */
    source: option({
      key: 'source',
      kind: choice('own-ca', 'files', 'acme'),
      default: fixed('own-ca'),
      doc: '"own-ca": Hauspost makes an authority of its own and signs with it; mail programs must be told to trust it. "files": the key and the chain that you name. "acme": a public authority signs (RFC 8555), Let\'s Encrypt unless directory names another, and is asked again in time; with this you agree to its terms of service; not in profile "local". Until it has signed the first time, the own authority\'s certificate is served.',
      why: 'It works at once and without anybody else. Other mail servers do not look at who signed; mail programs do.',
      example: 'acme',
      since: '0.1',
    }),
    /** Set for `files` only. */
    key: option({
      key: 'key',
      kind: plainPath,
      default: none,
      doc: 'The private key, PEM, without a passphrase, readable for root alone. Only with source = "files".',
      why: 'Daemons start without anybody who could type a passphrase; who reads it can be this server.',
      example: '/etc/ssl/private/mail.example.org.key',
      since: '0.1',
    }),
    /** Set for `files` only. */
    chain: option({
      key: 'chain',
      kind: plainPath,
      default: none,
      doc: 'The certificate and after it the intermediate ones, PEM. Only with source = "files". After a renewal "hauspost apply" lets all daemons read it, without a question and without ending a session.',
      why: 'Without the intermediate certificates a mail program cannot tell who signed.',
      example: '/etc/ssl/mail.example.org.pem',
      since: '0.1',
    }),
    directory: option({
      key: 'directory',
      kind: httpsUrl,
      default: fixed(DIRECTORY),
      doc: 'Where the authority tells how it is asked (the directory of RFC 8555, section 7.1.1). Only with source = "acme".',
      why: "Let's Encrypt asks for neither money nor an account made by hand. Its staging directory is for trying, without its limits; nobody trusts what it signs.",
      example: 'https://acme-staging-v02.api.letsencrypt.org/directory',
      since: '0.2',
    }),
    email: option({
      key: 'email',
      kind: mailAddress,
      default: none,
      doc: 'To whom the authority writes about the account there. Only with source = "acme".',
      why: 'Without it there is an account without an address, which is enough. What goes wrong is told by "hauspost status".',
      example: 'hostmaster@example.org',
      since: '0.2',
    }),
    challenge: option({
      key: 'challenge',
      kind: choice('http', 'dns'),
      default: fixed('http'),
      doc: 'How the authority sees that the names are ours: "http", it fetches a file on port 80 of each; "dns", it looks for a record in the zone of each, which this server puts there by [dns] update_server. Only with source = "acme".',
      why: 'Port 80 is open anyway. Where it cannot be reached from outside, "dns" needs nothing but the name servers.',
      example: 'dns',
      since: '0.2',
    }),
    keyType: option({
      key: 'key_type',
      kind: choice('ecdsa', 'rsa'),
      default: fixed('ecdsa'),
      doc: 'Of the next key that is made: "ecdsa" (P-256) or "rsa" (2048). The present one stays until "hauspost cert rollover". Not with source = "files".',
      why: 'ECDSA is quicker, and all know it; RSA is for mail programs of before 2015.',
      example: 'rsa',
      since: '0.2',
    }),
  },
  rules: ({ wants, wrote, profile }) => {
    const { source } = wants;
    if (source === undefined) return [];
    const meant = (at: keyof typeof wants): boolean => wrote(at) && !DEFAULTS.has(wants[at]);
    const strange = Object.entries(OF).flatMap(([at, of]) => (of !== source && meant(at as keyof typeof OF) ? [unused(at, of, source)] : []));
    if (source === 'acme' && profile === 'local') return [...strange, OUT_OF_REACH];
    if (source !== 'files') return strange;
    return [
      ...strange,
      ...(meant('keyType') ? [unused('key_type', 'acme', source)] : []),
      ...(wrote('key') ? [] : [together('key', '/etc/ssl/private/mail.example.org.key')]),
      ...(wrote('chain') ? [] : [together('chain', '/etc/ssl/mail.example.org.pem')]),
    ];
  },
  settings: (wants) => wants,
});
