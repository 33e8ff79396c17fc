/** What the records in DNS say, and who publishes them. No daemon reads any of it. */
import type { AbsPath } from '#base';
import { absPath, choice, seconds, serverAddress, type ServerAddress } from './kinds.ts';
import { type Conflict, fixed, none, option, section } from './option.ts';

const EXAMPLES = { update_server: '192.0.2.53', update_key_file: '/etc/hauspost/dns-key' } as const;

const missing = (lacking: keyof typeof EXAMPLES, at: keyof typeof EXAMPLES): Conflict => ({
  at,
  code: 'config.missing',
  message: `dns.${lacking} is missing, which dns.${at} needs`,
  remedy: `Write ${lacking} = "${EXAMPLES[lacking]}" below [dns], or remove ${at}.`,
});

/** Who takes changes of zones (RFC 2136), and the file with the key that they are signed with (RFC 8945). */
export interface DnsUpdate {
  readonly server: ServerAddress;
  readonly keyFile: AbsPath;
}

export const dns = section({
  name: 'dns',
  doc: "The records that 'hauspost dns' prints, checks and publishes. They count at once, without 'hauspost apply'.",
  options: {
    ttlSeconds: option({
      key: 'ttl',
      kind: seconds('60s', '7d'),
      default: fixed('1h'),
      doc: 'How long others may remember a record (its time to live).',
      why: 'Long enough to spare questions, short enough that a change is seen everywhere within the hour. A day before a move, a few minutes are better.',
      example: '5m',
      since: '0.2',
    }),
    dmarc: option({
      key: 'dmarc',
      kind: choice('none', 'quarantine', 'reject'),
      default: fixed('none'),
      doc: 'What receivers shall do with mail in the name of a domain of yours that neither SPF nor DKIM vouches for (DMARC): "none", put it into the spam folder ("quarantine"), or refuse it ("reject").',
      why: 'Whether a shop or a newsletter sends in your name shows only in the reports that come to postmaster. Once these show your own mail alone: "quarantine", then "reject".',
      example: 'reject',
      since: '0.2',
    }),
    updateServer: option({
      key: 'update_server',
      kind: serverAddress(53),
      default: none,
      doc: "The name server to which 'hauspost dns push' sends changes (RFC 2136): the primary of your zones, by its address.",
      why: 'Without it the records are published by hand. An address and no name: a change of DNS must not depend on DNS.',
      example: EXAMPLES.update_server,
      since: '0.2',
    }),
    updateKeyFile: option({
      key: 'update_key_file',
      kind: absPath,
      default: none,
      doc: 'The key that changes are signed with (TSIG), as tsig-keygen(8) of BIND writes it, in a file that only root may read (chmod 600). It is read at each use.',
      why: 'Who has it can change your zones. The configuration file may be read by anybody on the machine, and is shown to those who are asked for help.',
      example: EXAMPLES.update_key_file,
      since: '0.2',
    }),
  },
  rules: ({ wrote }) => {
    const [server, file] = [wrote('updateServer'), wrote('updateKeyFile')];
    if (server === file) return [];
    return [server ? missing('update_key_file', 'update_server') : missing('update_server', 'update_key_file')];
  },
  settings: ({ ttlSeconds, dmarc, updateServer: server, updateKeyFile: keyFile }) => {
    const update: DnsUpdate | null = server === undefined || keyFile === undefined ? null : { server, keyFile };
    return { ttlSeconds, dmarc, update };
  },
});
