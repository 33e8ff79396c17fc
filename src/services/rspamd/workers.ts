/**
 * Who listens. The proxy speaks milter with Postfix on a Unix socket and scans by itself; the controller is on a Unix socket with
 * full rights (for root and the learner) and, for the web UI, on a loopback port where nobody gets in without the password.
 */
import { bug, path, type SecretRef, within } from '#base';
import type { Node } from '#formats';
import { type Item, listenersOf, type RenderInput, type Socket } from '#model';
import type { ConfFile } from './conf-file.ts';
import { SCAN_SECONDS } from './options.ts';

/** `$1$...`, see password.ts. */
export const CONTROLLER_HASH: SecretRef = { secret: 'rspamd.controller.hash' };

/** Without an owner: the file is made by `_rspamd`, and its group is that of its directory, which is set-group-id. */
const bindSocket = (socket: Socket): string => `${socket.path} mode=0${socket.mode.toString(8)}`;

/** Where the milter's socket lies: Rspamd makes files there, Postfix only passes through. */
export const milterDirectory = ({ wiring }: RenderInput): Item => {
  const { path: socket, owner, group } = wiring.sockets.milter;
  return {
    kind: 'dir',
    path: path(socket.slice(0, socket.lastIndexOf('/'))),
    exclusive: false,
    owner: `${owner}:${group}`,
    mode: 0o2750,
    wakes: [{ service: 'rspamd', by: 'restart' }],
  };
};

/** One scanner a core, but two at least, since one message can hold a scanner for minutes; each wants some 512 MB of the machine. */
export const scanners = ({ cores, memoryMb }: RenderInput['facts']): number => within(Math.min(cores, memoryMb / 512), 2, 16);

const proxy = ({ facts, wiring }: RenderInput): readonly Node[] => [
  { set: 'bind_socket', to: bindSocket(wiring.sockets.milter) },
  { set: 'milter', to: true },
  { set: 'count', to: scanners(facts) },
  { set: 'timeout', to: 60, why: 'Seconds for a message that is slow in coming.' },
  {
    block: 'upstream',
    name: 'local',
    rows: [
      { set: 'default', to: true },
      { set: 'self_scan', to: true, why: 'No worker behind it, hence no port.' },
      {
        set: 'timeout',
        to: SCAN_SECONDS,
        why: 'For a scan. Where the proxy scans by itself it takes its own timeout for task_timeout unless this is said.',
      },
    ],
  },
  { set: 'spam_header', to: 'X-Spam', why: 'Sieve files by it; forgeries of it are removed.' },
  { set: 'reject_message', to: 'Spam message rejected' },
];

const controller = ({ wiring }: RenderInput): readonly Node[] => [
  { set: 'bind_socket', to: [bindSocket(wiring.sockets.controller), ...listenersOf(wiring, 'rspamd', 'rspamd-ui').map(loopbackOnly)] },
  { set: 'count', to: 1 },
  { set: 'secure_ip', to: [], why: 'No address gets in without the password.' },
  { set: 'password', to: CONTROLLER_HASH, why: 'To look; replaces the packaged one.' },
  { set: 'enable_password', to: CONTROLLER_HASH, why: 'To change things.' },
];

const loopbackOnly = ({ address, port }: { readonly address: string; readonly port: number }): string => {
  if (address !== '127.0.0.1' && address !== '::1') throw bug(`the controller on ${address}: it speaks no TLS`);
  return `${address === '::1' ? '[::1]' : address}:${port}`;
};

/** Nobody listens there; but Rspamd looks the packaged `localhost` up all the same, and does not start where nobody knows that name. */
const off = (port: number, why: string): readonly Node[] => [
  { set: 'enabled', to: false, why },
  { set: 'bind_socket', to: `127.0.0.1:${port}`, why: 'Not by a name: also without /etc/hosts Rspamd starts.' },
];

export const workers = (input: RenderInput): readonly ConfFile[] => [
  { name: 'worker-proxy.inc', section: ['worker', 'rspamd_proxy'], rows: proxy(input) },
  { name: 'worker-controller.inc', section: ['worker', 'controller'], rows: controller(input) },
  { name: 'worker-normal.inc', section: ['worker', 'normal'], rows: off(11333, 'The proxy scans.') },
  { name: 'worker-fuzzy.inc', section: ['worker', 'fuzzy'], rows: off(11335, 'Nobody asks it.') },
];
