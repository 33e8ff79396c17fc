/** Which machines may deliver mail for us on port 25: postscreen(8) looks at them before anything else does. */
import { blocklists, networks, wholeNumber } from './kinds.ts';
import { auto, fixed, option, section } from './option.ts';

/**
 * Lists that exist and let a small server ask for nothing. The filters count listings only: 127.255.255.x are errors, which would count as
 * such. Spamhaus: 2 to 11; Mailspike: 10 to 12 are its worst; DNSWL's last octet is how much it trusts.
 */
const BLOCKLISTS = [
  'zen.spamhaus.org=127.0.0.[2..11]*3',
  'bl.mailspike.net=127.0.0.[10..12]*2',
  'bl.spamcop.net=127.0.0.2*2',
  'list.dnswl.org=127.0.[0..255].[1..3]*-3',
];

export const incoming = section({
  name: 'incoming',
  doc: 'Which machines may deliver mail here on port 25. People who log in are not concerned.',
  options: {
    allow: option({
      key: 'allow',
      kind: networks(1000),
      default: fixed([]),
      doc: 'Addresses and networks that are not looked at: no blocklist, no waiting for the greeting, any HELO, with or without a name. What they send is filtered like all mail.',
      why: 'For a server of your own or a partner that is listed or misconfigured and whose mail you want all the same.',
      example: ['192.0.2.77', '2001:db8:77::/48'],
      since: '0.1',
    }),
    deny: option({
      key: 'deny',
      kind: networks(1000),
      default: fixed([]),
      doc: 'Addresses and networks whose mail is refused. What allow names is not.',
      why: 'For one that sends nothing but spam and is on no list.',
      example: ['198.51.100.0/24'],
      since: '0.1',
    }),
    withoutPtr: option({
      key: 'without_ptr',
      kind: networks(1000),
      default: fixed([]),
      doc: 'Addresses and networks that need no name (PTR record). All else is asked of them as well.',
      why: 'Who has no name is told to come later, since almost all of those are hijacked machines; some devices and small servers are not.',
      example: ['203.0.113.5'],
      since: '0.1',
    }),
    /** As postscreen_dnsbl_sites (postconf(5)). */
    dnsbl: option({
      key: 'dnsbl',
      kind: blocklists(32),
      default: auto(`in profile "public" ${BLOCKLISTS.join(', ')}; in profile "local" none`),
      doc: 'Lists of senders of spam, asked by DNS: the zone, what answer counts, and how many points it is worth. Negative points speak for a sender.',
      why: 'Most spam is turned away before it is sent. Their operators ask large and commercial servers to pay: see what they say before you handle much mail.',
      example: ['zen.spamhaus.org=127.0.0.[2..11]*3', 'list.dnswl.org=127.0.[0..255].[1..3]*-3'],
      since: '0.1',
    }),
    dnsblThreshold: option({
      key: 'dnsbl_threshold',
      kind: wholeNumber(1, 100),
      default: fixed(3),
      doc: 'From how many points on mail is refused.',
      why: 'One list that rarely errs, or two others together.',
      example: 4,
      since: '0.1',
    }),
  },
  rules: ({ wants: { allow = [], deny = [] } }) => {
    const both = deny.find((network) => allow.includes(network));
    if (both === undefined) return [];
    return [
      {
        at: 'deny',
        code: 'config.exclusive' as const,
        message: `incoming.deny names ${both}, and incoming.allow does so, too`,
        remedy: 'Write it once.',
      },
    ];
  },
  settings: (wants, { profile }) => ({ ...wants, dnsbl: wants.dnsbl ?? (profile === 'public' ? BLOCKLISTS : []) }),
});
