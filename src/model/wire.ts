/**
 * Settings and facts -> Wiring. The one place that decides which socket lies where, who may open it, and which port is bound.
 * The host's own /etc/resolv.conf is never ours: Postfix, which asks the C library, runs chrooted into its queue directory and
 * finds one of its own there (docs/postfix.md), Rspamd is told directly. So all that Postfix opens lies below the queue directory.
 */
import { path } from '#base';
import type { Settings } from '#config';
import type { Facts } from '#machine';
import type { PlaceName, ServiceName, SocketName } from './names.ts';
import type { Listener, Principal, Socket, Wiring } from './wiring.ts';

/** Where each socket lies, whatever the configuration says. */
export const SOCKETS: Readonly<Record<SocketName, Socket>> = {
  mariadb: { server: 'mariadb', path: path('/run/mysqld/mysqld.sock'), owner: 'mysql', group: 'mysql', mode: 0o777 },
  redis: { server: 'redis', path: path('/run/redis/redis-server.sock'), owner: 'redis', group: 'redis', mode: 0o770 },
  milter: { server: 'rspamd', path: path('/var/spool/postfix/rspamd/milter.sock'), owner: '_rspamd', group: 'postfix', mode: 0o660 },
  controller: { server: 'rspamd', path: path('/run/rspamd/controller.sock'), owner: '_rspamd', group: '_rspamd', mode: 0o660 },
  sasl: { server: 'dovecot', path: path('/var/spool/postfix/private/auth'), owner: 'postfix', group: 'postfix', mode: 0o660 },
  lmtp: { server: 'dovecot', path: path('/var/spool/postfix/private/dovecot-lmtp'), owner: 'postfix', group: 'postfix', mode: 0o660 },
  'quota-status': { server: 'dovecot', path: path('/var/spool/postfix/private/quota-status'), owner: 'postfix', group: 'postfix', mode: 0o660 },
  // Whoever may enter the directory may speak there: the group postdrop.
  'sieve-reply': { server: 'postfix', path: path('/var/spool/postfix/public/sieve-reply'), owner: 'postfix', group: 'postdrop', mode: 0o666 },
  'sieve-pass': { server: 'postfix', path: path('/var/spool/postfix/public/sieve-pass'), owner: 'postfix', group: 'postdrop', mode: 0o666 },
};

const PRINCIPALS: readonly Principal[] = [
  { name: 'postfix', service: 'postfix' },
  { name: 'dovecot', service: 'dovecot' },
];

/** Ports that face clients and other servers: RFC 5321, 6409, 8314, 3501, 5804, 9110. */
const PUBLIC_PORTS: readonly (readonly [ServiceName, string, number])[] = [
  ['postfix', 'smtp', 25],
  ['postfix', 'submissions', 465],
  ['postfix', 'submission', 587],
  ['dovecot', 'imap', 143],
  ['dovecot', 'imaps', 993],
  ['dovecot', 'sieve', 4190],
  ['nginx', 'http', 80],
  ['nginx', 'https', 443],
];

/** Where logins send mail, whatever the configuration says. */
export const SUBMISSION_PORTS: ReadonlySet<number> = new Set(
  PUBLIC_PORTS.flatMap(([, name, port]) => (name === 'submission' || name === 'submissions' ? [port] : [])),
);

const places = (settings: Settings): Readonly<Record<PlaceName, ReturnType<typeof path>>> => ({
  command: path('/usr/local/bin/hauspost'),
  config: path('/etc/hauspost'),
  state: path('/var/lib/hauspost'),
  generations: path('/var/lib/hauspost/generations'),
  secrets: path('/var/lib/hauspost/secrets'),
  'tls-key': settings.tls.key ?? path('/var/lib/hauspost/tls/key.pem'),
  'tls-chain': settings.tls.chain ?? path('/var/lib/hauspost/tls/chain.pem'),
  'tls-ca': path('/var/lib/hauspost/tls/ca.pem'),
  mail: path('/var/vmail'),
  sieve: path('/etc/dovecot/sieve'),
  dkim: path('/var/lib/rspamd/dkim'),
  'postfix-queue': path('/var/spool/postfix'),
});

const listeners = (settings: Settings, facts: Facts): readonly Listener[] => {
  const loopback = facts.ipv6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  const tcp = (service: ServiceName, name: string, port: number, address: string): Listener => ({ service, name, transport: 'tcp', address, port });
  return [
    ...PUBLIC_PORTS.flatMap(([service, name, port]) => settings.network.bind.map((address) => tcp(service, name, port, address))),
    ...loopback.map((address) => tcp('unbound', 'dns', 53, address)),
    ...loopback.map((address) => ({ ...tcp('unbound', 'dns', 53, address), transport: 'udp' as const })),
    ...(settings.webUi.enabled ? [tcp('rspamd', 'rspamd-ui', 11334, '127.0.0.1')] : []),
  ];
};

export const wire = (settings: Settings, facts: Facts): Wiring => ({
  listeners: listeners(settings, facts),
  sockets: SOCKETS,
  principals: PRINCIPALS,
  places: places(settings),
  resolver: { address: '127.0.0.1', port: 53 },
});

/** Where programs of this machine find what listens on `address`: `0.0.0.0` and `::` are reached by loopback. */
export const reachable = (address: string): string => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[address] ?? address;

export const listenersOf = (wiring: Wiring, service: ServiceName, name?: string): readonly Listener[] =>
  wiring.listeners.filter((listener) => listener.service === service && (name === undefined || listener.name === name));
