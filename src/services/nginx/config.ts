/**
 * nginx.conf, whole: it includes nothing but the types of files, so what lies in conf.d, sites-enabled or modules-enabled does not count.
 * No access log (addresses are personal data, and the UI's password may stand in a query); errors go to standard error.
 */
import { type Block, lines, type Node, ref, type Row, template } from '#formats';
import { type Listener, listenersOf, type RenderInput } from '#model';
import { ACME_ROOT } from './acme.ts';
import { tlsRows } from './tls.ts';
import { nameFor, webUi, webUiShared } from './web-ui.ts';

/** Some 50 MB where all of them speak TLS. */
const CONNECTIONS = 1024;
const FILES = 2 * CONNECTIONS;

const endpoint = ({ address, port }: Listener): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** `http2` moved from `listen` to a directive of its own in 1.25.1. */
const secureListen = (listeners: readonly Listener[]): readonly Row[] => [
  { set: 'listen', to: lines(...listeners.map((listener) => [endpoint(listener), 'ssl', 'http2', 'default_server'])), until: '1.25.1' },
  { set: 'listen', to: lines(...listeners.map((listener) => [endpoint(listener), 'ssl', 'default_server'])), from: '1.25.1' },
  { set: 'http2', to: true, from: '1.25.1' },
];

/** Strict-Transport-Security (RFC 6797) only where clients trust the certificate: with our own authority it would lock people out. */
const securityHeaders = ({ settings }: RenderInput): Row => ({
  set: 'add_header',
  to: lines(
    ['X-Content-Type-Options', 'nosniff', 'always'],
    ['X-Frame-Options', 'DENY', 'always'],
    ['Referrer-Policy', 'no-referrer', 'always'],
    ...(settings.tls.source === 'own-ca' ? [] : [['Strict-Transport-Security', 'max-age=31536000', 'always']]),
  ),
});

const plain = (input: RenderInput): Block => ({
  block: 'server',
  rows: [
    { set: 'listen', to: lines(...listenersOf(input.wiring, 'nginx', 'http').map((listener) => [endpoint(listener), 'default_server'])) },
    { set: 'server_name', to: input.settings.hostname },
    {
      block: 'location',
      name: '^~ /.well-known/acme-challenge/',
      rows: [
        { set: 'root', to: ACME_ROOT },
        { set: 'default_type', to: 'text/plain' },
        { set: 'try_files', to: [ref('uri'), '=404'] },
      ],
    },
    {
      block: 'location',
      name: '/',
      rows: [
        {
          set: 'return',
          to: [301, template`https://${nameFor(input.settings)}${ref('request_uri')}`],
          why: "Our own name, not the one that the client's Host claims.",
        },
      ],
    },
  ],
});

const page = (hostname: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${hostname}</title><p>This is the mail server ${hostname}.</p></html>\n`;

const secure = (input: RenderInput): Block => ({
  block: 'server',
  rows: [
    ...secureListen(listenersOf(input.wiring, 'nginx', 'https')),
    { set: 'server_name', to: input.settings.hostname },
    ...tlsRows(input),
    securityHeaders(input),
    {
      block: 'location',
      name: '= /',
      rows: [
        { set: 'default_type', to: 'text/html' },
        { set: 'return', to: [200, page(input.settings.hostname)] },
      ],
    },
    ...(input.settings.webUi.enabled ? webUi(input) : []),
    { block: 'location', name: '/', rows: [{ set: 'return', to: 404 }] },
  ],
});

const http = (input: RenderInput): Block => ({
  block: 'http',
  rows: [
    { set: 'include', to: '/etc/nginx/mime.types' },
    { set: 'default_type', to: 'application/octet-stream' },
    { set: 'access_log', to: false },
    { set: 'server_tokens', to: false },
    { set: 'sendfile', to: true },
    { set: 'keepalive_timeout', to: 30 },
    { set: 'client_header_timeout', to: '15s', why: 'Requests that are begun and never ended hold connections.' },
    { set: 'client_body_timeout', to: '30s' },
    { set: 'send_timeout', to: '30s' },
    ...(input.settings.webUi.enabled ? webUiShared : []),
    plain(input),
    secure(input),
  ],
});

export const nginxConfig = (input: RenderInput): readonly Node[] => [
  { set: 'user', to: 'www-data' },
  { set: 'worker_processes', to: 1, why: 'Little is served here.' },
  { set: 'pid', to: '/run/nginx.pid', why: "Where Debian's unit looks." },
  { set: 'error_log', to: ['stderr', 'error'] },
  { set: 'worker_rlimit_nofile', to: FILES, why: 'A connection is a file; by default a service may have 1024.' },
  { block: 'events', rows: [{ set: 'worker_connections', to: CONNECTIONS, why: 'So many begin a request within the time for one.' }] },
  http(input),
];
