/** How long a DKIM key is used. */
import { period, seconds } from './kinds.ts';
import { auto, fixed, option, section } from './option.ts';

export const dkim = section({
  name: 'dkim',
  doc: 'The keys with which mail is signed (docs/dkim.md).',
  options: {
    /** Undefined: left to us. Null: never. */
    rotateSeconds: option({
      key: 'rotate',
      kind: period('1d', '3650d'),
      default: auto('"180d" where dns.update_server has the zone of the domain, otherwise "never"'),
      doc: 'How old a key may become before another one is made that follows it. "never": only \'hauspost dkim rotate\' makes one.',
      why: 'A key that somebody copied is of no use to them any more. Where records are published by hand, a key that comes by itself would wait for somebody who does not know of it.',
      example: '90d',
      since: '0.2',
    }),
    retireAfterSeconds: option({
      key: 'retire_after',
      kind: seconds('1s', '365d'),
      default: fixed('7d'),
      doc: 'How long the record of a key that signs no longer stays published.',
      why: 'Mail that it signed is still under way: it may wait in queues for five days (outgoing mail here as well), and is verified when it arrives.',
      example: '14d',
      since: '0.2',
    }),
  },
  rules: () => [],
  settings: (wants) => wants,
});
