/** How mail leaves the server. */
import type { AbsPath, Fqdn } from '#base';
import { absPath, domains, fqdn, userName, wholeNumber } from './kinds.ts';
import { type Conflict, fixed, none, option, section } from './option.ts';

const needs = (at: string, what: string, example: string): Conflict => ({
  at,
  code: 'config.missing',
  message: `outgoing.${what} is missing, which outgoing.${at} needs`,
  remedy: `Write ${what} = "${example}" below [outgoing], or remove ${at}.`,
});

export interface Relay {
  readonly host: Fqdn;
  readonly port: number;
  /** Null: it knows us by our address. */
  readonly login: { readonly user: string; readonly passwordFile: AbsPath } | null;
}

/** Somebody always answers there. */
const LARGE = ['gmail.com', 'outlook.com', 'yahoo.com'];

export const outgoing = section({
  name: 'outgoing',
  doc: 'How mail leaves the server.',
  options: {
    relayHost: option({
      key: 'relay_host',
      kind: fqdn,
      default: none,
      doc: 'All mail to others is handed to this server, which delivers it. Without it mail goes to each domain directly.',
      why: 'For machines whose provider closes port 25 outwards, or whose address has a bad name that they cannot mend.',
      example: 'smtp.example.com',
      since: '0.1',
    }),
    relayPort: option({
      key: 'relay_port',
      kind: wholeNumber(1, 65_535),
      default: fixed(587),
      doc: 'The port of relay_host: 587 or 25 with STARTTLS, 465 with TLS from the start.',
      why: 'Where a login is needed, 587 is what nearly all offer.',
      example: 465,
      since: '0.1',
    }),
    relayUser: option({
      key: 'relay_user',
      kind: userName,
      default: none,
      doc: 'The name to log in with at relay_host. With a login the connection is encrypted, and the certificate must be that of relay_host.',
      why: 'A relay that knows the machine by its address needs none.',
      example: 'mail@example.org',
      since: '0.1',
    }),
    relayPasswordFile: option({
      key: 'relay_password_file',
      kind: absPath,
      default: none,
      doc: 'A file with the password on its first line, that only root may read (chmod 600). It is read at apply; after a change of it: hauspost apply.',
      why: 'The configuration file may be read by anybody on the machine, and is shown to those who are asked for help.',
      example: '/etc/hauspost/relay-password',
      since: '0.1',
    }),
    recipientsPerHour: option({
      key: 'recipients_per_hour',
      kind: wholeNumber(0, 1_000_000),
      default: fixed(300),
      doc: 'How many recipients an account may send to within an hour; what its Sieve script answers and redirects counts as well. What is more is put off, a message that has more by itself is refused, and the postmaster is told, once a day. 0: no limit.',
      why: 'A stolen password sends thousands in minutes, and then nobody takes mail of this server any more. A letter to all members of a small club still passes; for a larger one it is to be raised.',
      example: 1000,
      since: '0.1',
    }),
    /** Asked for their MX by `doctor`. */
    triedDomains: option({
      key: 'tried_domains',
      kind: domains(10),
      default: fixed(LARGE),
      doc: "Domains at whose mail servers 'hauspost up' and 'hauspost doctor' knock, to see whether this machine is let out on port 25. Nothing is sent there. []: none. Not with relay_host.",
      why: 'Many providers close port 25 outwards until they are asked. Then mail waits for five days and comes back, and nothing here says why.',
      example: ['example.net'],
      since: '0.1',
    }),
  },
  rules: ({ wrote }) => {
    const [host, user, file] = (['relayHost', 'relayUser', 'relayPasswordFile'] as const).map(wrote);
    return [
      ...(user === true && file !== true ? [needs('relay_user', 'relay_password_file', '/etc/hauspost/relay-password')] : []),
      ...(file === true && user !== true ? [needs('relay_password_file', 'relay_user', 'mail@example.org')] : []),
      ...(host === true ? [] : user === true ? [needs('relay_user', 'relay_host', 'smtp.example.com')] : []),
    ];
  },
  settings: ({
    relayHost,
    relayPort,
    relayUser,
    relayPasswordFile,
    ...rest
  }): { readonly relay: Relay | null; readonly recipientsPerHour: number; readonly triedDomains: readonly string[] } => {
    if (relayHost === undefined) return { relay: null, ...rest };
    const login = relayUser === undefined || relayPasswordFile === undefined ? null : { user: relayUser, passwordFile: relayPasswordFile };
    return { relay: { host: relayHost, port: relayPort, login }, ...rest };
  },
});
