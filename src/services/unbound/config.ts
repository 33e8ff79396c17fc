/** unbound.conf(5): a resolver for this machine alone, validating, on loopback. */
import { type Block, lines, type Row } from '#formats';
import { listenersOf, type RenderInput } from '#model';
import { keyZone, localZones } from './zones.ts';

export const CONTROL = '/run/unbound.ctl';

const network = ({ wiring }: RenderInput): readonly Row[] => [
  { set: 'interface', to: [...new Set(listenersOf(wiring, 'unbound').map((listener) => listener.address))], why: 'For this machine only.' },
  { set: 'access-control', to: lines(['0.0.0.0/0', 'refuse'], ['::0/0', 'refuse'], ['127.0.0.0/8', 'allow'], ['::1', 'allow']) },
  { set: 'do-ip6', to: true },
  { set: 'edns-buffer-size', to: 1232, why: 'Answers that fit one packet on any path (DNS flag day 2020).' },
  { set: 'username', to: 'unbound' },
  { set: 'chroot', to: '', why: 'The root key must be written, which a copied tree makes hard.' },
  { set: 'use-syslog', to: false, why: 'To standard error, which the service manager keeps.' },
  { set: 'logfile', to: '' },
];

const trust = ({ settings }: RenderInput): readonly Row[] => [
  { set: 'root-hints', to: '/usr/share/dns/root.hints', why: "Debian's dns-root-data keeps them, apart from Unbound's own age." },
  ...(settings.resolver.validate
    ? [{ set: 'auto-trust-anchor-file', to: '/var/lib/unbound/root.key', why: "Kept up to date by RFC 5011; Debian's unbound-helper makes it." }]
    : [{ set: 'module-config', to: 'iterator', why: 'The forwarders strip DNSSEC: validation would fail every name.' }]),
  { set: 'harden-dnssec-stripped', to: true },
  { set: 'harden-below-nxdomain', to: true },
  { set: 'qname-minimisation', to: true },
  { set: 'aggressive-nsec', to: settings.resolver.validate },
  { set: 'hide-identity', to: true },
  { set: 'hide-version', to: true },
];

const cache = ({ facts }: RenderInput): readonly Row[] => [
  { set: 'num-threads', to: 1, why: 'One mail server asks little; each thread keeps caches of its own.' },
  { set: 'msg-cache-size', to: facts.memoryMb < 2048 ? '8m' : '32m' },
  { set: 'rrset-cache-size', to: facts.memoryMb < 2048 ? '16m' : '64m' },
  { set: 'prefetch', to: true },
  { set: 'serve-expired', to: false, why: 'An expired DKIM key or MX must not count.' },
  { set: 'cache-max-negative-ttl', to: 60, why: 'A sender who mends his DNS is believed within a minute.' },
];

const forwarding = ({ settings }: RenderInput): readonly Row[] =>
  settings.resolver.mode === 'forward'
    ? [
        { set: 'do-not-query-localhost', to: false, why: 'A forwarder may be a stub on 127.0.0.53.' },
        { set: 'unblock-lan-zones', to: true, why: 'It may know the names of private addresses, which Unbound alone says do not exist,' },
        { set: 'insecure-lan-zones', to: true, why: 'and signed they are by nobody.' },
      ]
    : [];

/** Without a forwarder nothing outside our zones can be asked: then everything else is refused at once instead of timing out. */
const forwardZone = ({ settings }: RenderInput): readonly Block[] =>
  settings.resolver.mode === 'forward' && settings.resolver.forwarders.length > 0
    ? [
        {
          block: 'forward-zone',
          why: "The host's own resolvers.",
          rows: [
            { set: 'name', to: '.' },
            { set: 'forward-addr', to: [...settings.resolver.forwarders] },
          ],
        },
      ]
    : [];

export const unboundConfig = (input: RenderInput): readonly Block[] => [
  {
    block: 'server',
    rows: [
      ...network(input),
      ...trust(input),
      ...cache(input),
      ...forwarding(input),
      ...(input.settings.profile === 'local' ? localZones(input) : []),
      ...(input.settings.profile === 'local'
        ? [
            {
              set: 'domain-insecure',
              to: ['test.', '127.in-addr.arpa.'],
              why: 'Names that only we serve; the root says signed that they do not exist.',
            },
          ]
        : []),
    ],
  },
  {
    block: 'remote-control',
    rows: [
      { set: 'control-enable', to: true },
      { set: 'control-interface', to: CONTROL, why: 'A Unix socket: no port, no certificates.' },
    ],
  },
  ...(input.settings.profile === 'local' ? [keyZone(input.settings)] : []),
  ...forwardZone(input),
];
