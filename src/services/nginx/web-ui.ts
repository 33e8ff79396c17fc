/**
 * Rspamd's web UI below /rspamd/. Nginx goes to the controller's loopback port, where nobody gets in without the password; never to
 * its Unix socket, where everybody does. What a client claims about its address is replaced, not passed on. Nginx keeps a body in a
 * file before it passes it on, so only who has the password may send a large one.
 */
import { type Block, lines, type Node, ref, type Row, verbatim } from '#formats';
import { type Listener, listenersOf, type RenderInput } from '#model';

export const LIMIT_ZONE = 'rspamd';

/** Where Nginx itself asks whether the password is right. */
const ASKED_FIRST = '/rspamd-password';

/** What takes a whole message, or a list (Rspamd's src/controller.c, plugins/fuzzy_check.c and rules/controller). */
const LARGE = [
  'check',
  'checkv2',
  'scan',
  'learnspam',
  'learnham',
  'fuzzyadd',
  'fuzzydel',
  'savemap',
  'savesymbols',
  'plugins/selectors/check_message',
  'plugins/fuzzy/hashes',
  'plugins/neural/learn',
];

/** By which name browsers find the server: that of a local one is known to its own resolver only. */
export const nameFor = ({ profile, hostname }: RenderInput['settings']): string => (profile === 'local' ? 'localhost' : hostname);

const origin = ({ address, port }: Listener): string => `http://${address.includes(':') ? `[${address}]` : address}:${port}`;

/** What nginx has to say of a request it says with its first line, and Rspamd takes `?password=` there. */
const quiet: Row = { set: 'error_log', to: ['stderr', 'emerg'], why: "Errors are written with the whole query, which may hold the page's password." };

/** Nothing that a client claims about itself arrives. Where `more` has headers they must stand together: nginx inherits all or none. */
const headers = ({ settings }: RenderInput, ...more: readonly (readonly [string, string])[]): Row => ({
  set: 'proxy_set_header',
  to: lines(
    ['Host', settings.hostname],
    ['Connection', ''],
    ['X-Forwarded-For', ref('remote_addr')],
    ['X-Real-IP', ref('remote_addr')],
    ['Forwarded', ''],
    ...more,
  ),
  why: 'Always set, so that a forged one never arrives.',
});

const large = ({ settings }: RenderInput, ui: Listener): Block => ({
  block: 'location',
  name: `~ ^/rspamd/(?:${LARGE.join('|')})$`,
  rows: [
    { set: 'auth_request', to: ASKED_FIRST, why: 'Before the body is read, and kept in a file.' },
    { set: 'client_max_body_size', to: `${settings.mail.messageSizeLimit}m`, why: 'It can scan a pasted message.' },
    { set: 'rewrite', to: [verbatim('^/rspamd(/.*)$'), ref('1'), 'break'] },
    { set: 'proxy_pass', to: origin(ui) },
  ],
});

const askedFirst = (input: RenderInput, ui: Listener): Block => ({
  block: 'location',
  name: `= ${ASKED_FIRST}`,
  rows: [
    { set: 'internal', to: [] },
    { set: 'proxy_pass', to: `${origin(ui)}/auth` },
    { set: 'proxy_http_version', to: '1.1' },
    { set: 'proxy_method', to: 'GET' },
    { set: 'client_max_body_size', to: 0, why: 'That of the message is none of this question.' },
    { set: 'proxy_pass_request_body', to: false },
    headers(input, ['Content-Length', '']),
  ],
});

export const webUi = (input: RenderInput): readonly Node[] => {
  const { settings, wiring } = input;
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
        quiet,
        { set: 'client_max_body_size', to: '16k', why: 'Stays in memory.' },
        { set: 'client_body_buffer_size', to: '16k' },
        { set: 'proxy_pass', to: `${origin(ui)}/` },
        { set: 'proxy_http_version', to: '1.1' },
        { set: 'proxy_method', to: ref('asked'), why: 'Rspamd knows no HEAD, and answers 500; of what it answers to GET the header is passed on.' },
        headers(input),
        large(input, ui),
      ],
    },
    askedFirst(input, ui),
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
