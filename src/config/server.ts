/** What this server is, and who answers for it. */
import { parseFqdn, parseMailAddress } from '#base';
import { choice, fqdn, responsible } from './kinds.ts';
import { auto, type Conflict, fixed, option, required, section } from './option.ts';

const needed = (at: string, example: string): Conflict => ({
  at,
  code: 'config.missing',
  message: `server.${at} is missing, but the profile is "public"`,
  remedy: `Write ${at} = "${example}" below [server].`,
});

export const server = section({
  name: 'server',
  doc: 'What this server is, and who answers for it.',
  options: {
    /** `local`: mail ports on loopback only, own CA, the host's resolver left alone. `public`: the real thing. */
    profile: option({
      key: 'profile',
      kind: choice('local', 'public'),
      default: required,
      doc: 'What the server is for. "local": to try it out and to develop against; reachable from this machine only. "public": a mail server on the internet. It decides the value of every option that says "auto".',
      why: 'A server that opens itself to the internet, or closes itself to it, does so because somebody wrote it.',
      example: 'local',
      since: '0.1',
    }),
    hostname: option({
      key: 'hostname',
      kind: fqdn,
      default: auto('in profile "local" mail.hauspost.test; in profile "public" it must be written'),
      doc: 'The full name of this server: in its greeting, in HELO, in its certificate. Its A and AAAA records must lead here, and the PTR record of the address must lead back.',
      why: 'Other servers turn mail away whose sender cannot name itself.',
      example: 'mail.example.org',
      since: '0.1',
    }),
    /** Who gets what the server has to say. */
    postmaster: option({
      key: 'postmaster',
      kind: responsible,
      default: auto('in profile "local" demo@hauspost.test; in profile "public" it must be written'),
      doc: 'Who gets mail for postmaster, abuse and hostmaster of every domain, and what the server itself has to say. May be an account on this server or anywhere else.',
      why: 'Every domain must have a postmaster who reads (RFC 5321 section 4.5.1).',
      example: 'admin@example.org',
      since: '0.1',
    }),
    language: option({
      key: 'language',
      kind: choice('en', 'de'),
      default: fixed('en'),
      doc: 'The language of what the server itself writes to people: notices about mail that came back, and why a mailbox takes no more. "de" is German.',
      why: 'What other servers get to read is English in any case.',
      example: 'de',
      since: '0.1',
    }),
  },
  rules: ({ wrote, profile }) => {
    if (profile !== 'public') return [];
    return [
      ...(wrote('hostname') ? [] : [needed('hostname', 'mail.example.org')]),
      ...(wrote('postmaster') ? [] : [needed('postmaster', 'admin@example.org')]),
    ];
  },
  settings: (wants) => ({
    ...wants,
    hostname: wants.hostname ?? parseFqdn('mail.hauspost.test'),
    postmaster: wants.postmaster ?? parseMailAddress('demo@hauspost.test'),
  }),
});
