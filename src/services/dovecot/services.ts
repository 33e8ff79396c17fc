/**
 * Dovecot's processes and where they listen: the network exactly where the wiring says, the sockets for Postfix with the owner that it
 * says. Sockets that Dovecot would open for every user of the machine are closed.
 */
import { bug } from '#base';
import type { Block, Node } from '#formats';
import { listenersOf, type RenderInput, type Socket, type Wiring } from '#model';
import { limits } from './limits.ts';
import { MAIL_USER } from './storage.ts';
import type { Subject } from './vocabulary.ts';

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

export const unixListener = ({ path, owner, group, mode }: Omit<Socket, 'server' | 'path'> & { readonly path: string }): Block => ({
  block: 'unix_listener',
  name: path,
  rows: [
    { set: 'user', to: owner },
    { set: 'group', to: group },
    { set: 'mode', to: octal(mode) },
  ],
});

/** A protocol without listeners gets port 0, which closes what 2.3 would open by itself. */
const inetListener = (wiring: Wiring, name: string, implicitTls: boolean): Block => {
  const listeners = listenersOf(wiring, 'dovecot', name);
  const ports = [...new Set(listeners.map(({ port }) => port))];
  if (ports.length > 1) throw bug(`the wiring has ${name} on several ports: ${ports.join(', ')}`);
  const addresses = listeners.map(({ address }) => address);
  return {
    block: 'inet_listener',
    name,
    rows: [
      { set: 'port', to: ports[0] ?? 0 },
      ...(addresses.length === 0
        ? []
        : [
            { set: 'address', to: addresses, until: '2.4' },
            { set: 'listen', to: addresses, from: '2.4' },
          ]),
      ...(implicitTls ? [{ set: 'ssl', to: true }] : []),
    ],
  };
};

/** A process serves one connection after the other instead of one in its life. */
const stays: readonly Node[] = [
  { set: 'service_count', to: 0, until: '2.4' },
  { set: 'restart_request_count', to: 'unlimited', from: '2.4' },
];

/** Of one LMTP connection, which Postfix makes for each delivery. Pigeonhole sets its own limit below it, as a soft one. */
const CONNECTION_CPU_S = 20;

const loginServices = ({ wiring, facts }: RenderInput): readonly Block[] => [
  {
    block: 'service',
    name: 'imap-login',
    why: 'A login process carries the TLS of its sessions for as long as they last: one process a session would end at 100 sessions.',
    rows: [
      inetListener(wiring, 'imap', false),
      inetListener(wiring, 'imaps', true),
      ...stays,
      { set: 'process_min_avail', to: limits(facts).loginProcesses },
      { set: 'client_limit', to: 1000 },
      { set: 'vsz_limit', to: '512 M' },
    ],
  },
  { block: 'service', name: 'managesieve-login', rows: [inetListener(wiring, 'sieve', false), ...stays] },
];

/** MB, as 2.3 shows it. */
const space = (mb: number): string => (mb % 1024 === 0 ? `${mb / 1024} G` : `${mb} M`);

/**
 * Of address space, in MB, up to half of the machine's memory: here it is memory, and nobody's script may take it all. The rest of a delivery needs as much
 * as Dovecot allows by itself.
 */
const deliverySpace = ({ settings, facts }: RenderInput): number =>
  Math.max(256, Math.floor(Math.min(16 * settings.mail.messageSizeLimit, facts.memoryMb / 2)));

/** Whoever may write to the indexer is told which accounts and folders there are (2.4: and how much is in them); IMAP, LMTP and quota-status may. */
const closed: readonly Block[] = [
  { block: 'service', name: 'indexer', rows: [unixListener({ path: 'indexer', owner: MAIL_USER, group: MAIL_USER, mode: 0o600 })] },
  { block: 'service', name: 'dns-client', rows: [unixListener({ path: 'dns-client', owner: 'root', group: 'root', mode: 0o600 })] },
  { block: 'service', name: 'imap-urlauth-login', rows: [unixListener({ path: 'imap-urlauth', owner: 'root', group: 'root', mode: 0o600 })] },
];

export const services: Subject = (input) => ({
  rows: [
    { set: 'protocols', to: ['imap', 'lmtp', 'sieve'] },
    {
      set: 'shutdown_clients',
      to: false,
      why: 'Without it sessions live through a reload. What a stop leaves behind, systemd or the run scripts end.',
    },
    ...loginServices(input),
    {
      block: 'service',
      name: 'imap',
      rows: [
        { set: 'process_limit', to: limits(input.facts).sessions },
        {
          set: 'vsz_limit',
          to: '2 G',
          why: 'Address space, not memory: the cache of a folder, up to 1 GB, is mapped whole, or each session would read all messages anew.',
        },
      ],
    },
    {
      block: 'service',
      name: 'lmtp',
      rows: [
        { set: 'user', to: MAIL_USER },
        { set: 'extra_groups', to: 'postdrop', why: "Postfix' sockets for what Sieve sends are in a directory of this group." },
        {
          set: 'executable',
          to: `/usr/bin/prlimit --cpu=${CONNECTION_CPU_S} /usr/lib/dovecot/lmtp`,
          why: 'Seconds of CPU for one connection, not more: sieve_max_cpu_time is looked at between the tests of a script, and one of :regex may take years.',
        },
        { set: 'service_count', to: 1, until: '2.4' },
        { set: 'restart_request_count', to: 1, from: '2.4' },
        { set: 'process_min_avail', to: limits(input.facts).deliveries },
        {
          set: 'vsz_limit',
          to: space(deliverySpace(input)),
          why: 'A script with a few tests of the body takes 15 times the message, and beyond the limit the delivery fails each time anew.',
        },
        unixListener(input.wiring.sockets.lmtp),
        unixListener({ path: 'lmtp', owner: 'root', group: 'root', mode: 0o600 }),
      ],
    },
    {
      block: 'service',
      name: 'auth',
      rows: [
        unixListener(input.wiring.sockets.sasl),
        {
          ...unixListener({ path: 'auth-userdb', owner: MAIL_USER, group: MAIL_USER, mode: 0o600 }),
          why: 'LMTP and quota-status look users up as vmail; with the default mode they would get answers about themselves only.',
        },
      ],
    },
    ...closed,
  ],
  protocols: { imap: [{ set: 'mail_max_userip_connections', to: 30 }] },
});
