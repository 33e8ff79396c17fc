/** How many wrong passwords are borne (M27). */
import { hours, networks, wholeNumber } from './kinds.ts';
import { fixed, option, section } from './option.ts';

export const logins = section({
  name: 'logins',
  doc: 'How many wrong passwords are borne, by IMAP, ManageSieve and submission together. The same wrong one of a client counts once, however often it comes: a forgotten phone locks nobody out.',
  options: {
    failuresPerClient: option({
      key: 'failures_per_client',
      kind: wholeNumber(0, 10_000),
      default: fixed(10),
      doc: 'After so many wrong passwords within period no login from that address is tried, right ones neither, but of accounts that were logged in to from there within 30 days: for those their own wrong passwords count. Of IPv6 a /64 counts as one address. 0: no limit.',
      why: 'A family behind one address hardly mistypes ten different passwords in an hour; who guesses gets no further, and an office works on when a few programs of it have old passwords.',
      example: 20,
      since: '0.1',
    }),
    failuresPerAccount: option({
      key: 'failures_per_account',
      kind: wholeNumber(0, 10_000),
      default: fixed(30),
      doc: 'After so many wrong passwords for an account within period, from wherever, only addresses may still try that were logged in to it within 30 days. 0: no limit.',
      why: 'Guesses come from thousands of addresses, a few from each. The owner at home notices nothing.',
      example: 100,
      since: '0.1',
    }),
    periodHours: option({
      key: 'period',
      kind: hours('1h', '7d'),
      default: fixed('1h'),
      doc: 'How long a wrong password counts.',
      why: 'Longer ones stop hardly more attackers, and people who erred wait longer.',
      example: '1d',
      since: '0.1',
    }),
    neverLimited: option({
      key: 'never_limited',
      kind: networks(100),
      default: fixed(['127.0.0.0/8', '::1']),
      doc: 'Addresses and networks to which failures_per_client does not apply.',
      why: 'Programs on this machine log in for many people.',
      example: ['127.0.0.0/8', '::1', '192.0.2.80'],
      since: '0.1',
    }),
  },
  rules: () => [],
  settings: (wants) => wants,
});
