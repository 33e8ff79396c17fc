/**
 * Rspamd's web UI below /rspamd/. Nginx goes to the controller's loopback port, where nobody gets in without the password; never to
 * its Unix socket, where everybody does. What a client claims about its address is replaced, not passed on.
 */
import { lines, type Node, ref } from '#formats';
import { type Listener, listenersOf, type RenderInput } from '#model';

export const LIMIT_ZONE = 'rspamd';

/** By which name browsers find the server: that of a local one is known to its own resolver only. */
export const nameFor = ({ profile, hostname }: RenderInput['settings']): string => (profile === 'local' ? 'localhost' : hostname);

const url = ({ address, port }: Listener): string => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;

export const webUi = ({ settings, wiring }: RenderInput): readonly Node[] => {
  const ui = listenersOf(wiring, 'rspamd', 'rspamd-ui')[0];
  if (ui === undefined) return [];
  return [
    { block: 'location', name: '= /rspamd', rows: [{ set: 'return', to: [301, `https://${nameFor(settings)}/rspamd/`] }] },
    {
      block: 'location',
      name: '/rspamd/',
      rows: [
        {
          set: 'limit_req',
          to: [`zone=${LIMIT_ZONE}`, 'burst=100', 'nodelay'],
          why: 'The page loads some fifty files; a guesser gets ten tries a second.',
        },
        { set: 'limit_req_status', to: 429 },
        { set: 'client_max_body_size', to: `${settings.mail.messageSizeLimit}m`, why: 'It can scan a pasted message.' },
        { set: 'proxy_pass', to: url(ui) },
        { set: 'proxy_http_version', to: '1.1' },
        { set: 'proxy_method', to: ref('asked'), why: 'Rspamd knows no HEAD, and answers 500; of what it answers to GET the header is passed on.' },
        {
          set: 'proxy_set_header',
          to: lines(
            ['Host', settings.hostname],
            ['Connection', ''],
            ['X-Forwarded-For', ref('remote_addr')],
            ['X-Real-IP', ref('remote_addr')],
            ['Forwarded', ''],
          ),
          why: 'Always set, so that a forged one never arrives.',
        },
      ],
    },
  ];
};

/** For the `http` level: the memory in which clients are counted, and as what a request is passed on. */
export const webUiShared: readonly Node[] = [
  { set: 'limit_req_zone', to: [ref('binary_remote_addr'), `zone=${LIMIT_ZONE}:1m`, 'rate=10r/s'] },
  {
    block: 'map',
    name: '$request_method $asked',
    rows: [
      { set: 'default', to: ref('request_method') },
      { set: 'head', to: 'GET' }, // values are compared without regard to case
    ],
  },
];
