/** Where the certificate comes from that clients and other servers see. */
import { choice, plainPath } from './kinds.ts';
import { type Conflict, fixed, none, option, section } from './option.ts';

const together = (at: 'key' | 'chain', example: string): Conflict => ({
  at,
  code: 'config.missing',
  message: `tls.${at} is missing, but tls.source is "files"`,
  remedy: `Write ${at} = "${example}" below [tls], or source = "own-ca".`,
});

const unused = (at: 'key' | 'chain'): Conflict => ({
  at,
  code: 'config.exclusive',
  message: `tls.${at} is not used while tls.source is "own-ca"`,
  remedy: `Write source = "files" below [tls], or remove ${at}.`,
});

export const tls = section({
  name: 'tls',
  doc: 'Where the certificate comes from that mail programs, browsers and other servers see.',
  options: {
    /** `own-ca`: Hauspost's own authority signs. `files`: the operator's key and chain. */
    source: option({
      key: 'source',
      kind: choice('own-ca', 'files'),
      default: fixed('own-ca'),
      doc: '"own-ca": Hauspost makes an authority of its own and signs with it; mail programs must be told to trust it. "files": the key and the chain that you name.',
      why: 'It works at once and without anybody else. Other mail servers do not look at who signed; mail programs do.',
      example: 'files',
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
  },
  rules: ({ wants: { source }, wrote }) => {
    if (source === 'own-ca') return [...(wrote('key') ? [unused('key')] : []), ...(wrote('chain') ? [unused('chain')] : [])];
    if (source !== 'files') return [];
    return [
      ...(wrote('key') ? [] : [together('key', '/etc/ssl/private/mail.example.org.key')]),
      ...(wrote('chain') ? [] : [together('chain', '/etc/ssl/mail.example.org.pem')]),
    ];
  },
  settings: (wants) => wants,
});
