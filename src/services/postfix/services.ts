/**
 * The processes of Postfix (master(5)): three kinds of listeners, and the workers behind them. Whatever talks to the network
 * or reads messages is chrooted into the queue directory. local(8), virtual(8) and pipe(8) are left out: nothing here may
 * write to a Unix account or start a program.
 */
import type { MasterService, Row } from '#formats';
import { type Listener, listenersOf, type RenderInput, WAYS } from '#model';
import { headerCleanupOptions } from './header-cleanup.ts';
import { internalAliases } from './maps.ts';
import { clientNetwork } from './network.ts';
import { sizes } from './processes.ts';
import { sieveDoor } from './sieve-mail.ts';
import { submissionOptions } from './submission.ts';

const endpoint = ({ address, port }: Listener): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

const smtpd = (listener: Listener, options: readonly Row[], why?: string): MasterService => ({
  service: endpoint(listener),
  type: 'inet',
  private: false,
  chroot: true,
  command: 'smtpd',
  options,
  ...(why === undefined ? {} : { why }),
});

const postscreen = (listener: Listener): MasterService => ({
  service: endpoint(listener),
  type: 'inet',
  private: false,
  chroot: true,
  maxproc: 1,
  command: 'postscreen',
  why: 'Mail from other servers.',
});

const listeners = (input: RenderInput): readonly MasterService[] => [
  ...listenersOf(input.wiring, 'postfix', 'smtp').map(postscreen),
  ...listenersOf(input.wiring, 'postfix', 'submissions').map((at) =>
    smtpd(at, submissionOptions(input, 'submissions', true), 'Mail from our people, TLS from the start.'),
  ),
  ...listenersOf(input.wiring, 'postfix', 'submission').map((at) =>
    smtpd(at, submissionOptions(input, 'submission', false), 'Mail from our people, STARTTLS.'),
  ),
];

interface Shape {
  readonly chroot: boolean;
  readonly maxproc?: number;
  readonly wakeup?: number | `${number}?`;
  readonly reachable?: true;
  readonly options?: readonly Row[];
}

const unix = (service: string, command: string, { reachable, ...shape }: Shape): MasterService => ({
  service,
  type: 'unix',
  command,
  ...(reachable === undefined ? {} : { private: false }),
  ...shape,
});

const INSIDE: Row = { set: 'cleanup_service_name', to: 'internal-cleanup' };

/**
 * Our people hear after that time that a message still waits: the last notice comes after days. cleanup(8) marks the message, bounce(8) names the time.
 * Strangers hear nothing; their own servers do that.
 */
const DELAY: Row = { set: 'delay_warning_time', to: '4h' };

/** The filter knows whom nobody tells of a failure (M26). */
const notices: readonly Row[] = [
  DELAY,
  { set: 'cleanup_service_name', to: 'notice-cleanup' },
  { set: 'internal_mail_filter_classes', to: ['bounce'] },
];

/** Mail of Sieve scripts, from Dovecot's LMTP. */
const sieve: readonly MasterService[] = (['sieve-reply', 'sieve-pass'] as const).map((name) =>
  unix(name, 'smtpd', { reachable: true, chroot: true, options: sieveDoor(name) }),
);

/** Behind postscreen(8): smtpd(8) for whom it lets pass, DNS lookups, TLS for whom it refuses. */
const behind: readonly MasterService[] = [
  { service: 'smtpd', type: 'pass', chroot: true, command: 'smtpd' },
  unix('dnsblog', 'dnsblog', { chroot: true, maxproc: 0 }),
  unix('tlsproxy', 'tlsproxy', { chroot: true, maxproc: 0 }),
];

/** pickup(8) is where sendmail(1) ends; bounce(8) writes to senders, which may be names of this host. */
const intake = ({ settings }: RenderInput): readonly MasterService[] => [
  unix('pickup', 'pickup', { reachable: true, chroot: true, wakeup: 60, maxproc: 1, options: [INSIDE] }),
  unix('cleanup', 'cleanup', { reachable: true, chroot: true, maxproc: 0 }),
  unix('submission-cleanup', 'cleanup', { reachable: true, chroot: true, maxproc: 0, options: [...headerCleanupOptions, DELAY] }),
  unix('internal-cleanup', 'cleanup', { reachable: true, chroot: true, maxproc: 0, options: [internalAliases(settings)] }),
  unix('notice-cleanup', 'cleanup', {
    reachable: true,
    chroot: true,
    maxproc: 0,
    options: [internalAliases(settings), { set: 'milter_macro_daemon_name', to: WAYS.notice }],
  }),
  ...['bounce', 'defer', 'trace'].map((name) => unix(name, 'bounce', { chroot: true, maxproc: 0, options: notices })),
];

const inside = ({ facts }: RenderInput): readonly MasterService[] => [
  unix('qmgr', 'qmgr', { reachable: true, chroot: false, wakeup: 300, maxproc: 1 }),
  unix('tlsmgr', 'tlsmgr', { chroot: true, wakeup: '1000?', maxproc: 1 }),
  unix('rewrite', 'trivial-rewrite', { chroot: true }),
  unix('verify', 'verify', { chroot: true, maxproc: 1 }),
  unix('flush', 'flush', { reachable: true, chroot: true, wakeup: '1000?', maxproc: 0 }),
  unix('proxymap', 'proxymap', { chroot: false, maxproc: sizes(facts).askers }),
  unix('proxywrite', 'proxymap', { chroot: false, maxproc: 1 }),
  unix('showq', 'showq', { reachable: true, chroot: true }),
  unix('error', 'error', { chroot: true }),
  unix('retry', 'error', { chroot: true }),
  unix('discard', 'discard', { chroot: true }),
  unix('anvil', 'anvil', { chroot: true, maxproc: 1 }),
  unix('scache', 'scache', { chroot: true, maxproc: 1 }),
  { service: 'postlog', type: 'unix-dgram', private: false, chroot: false, maxproc: 1, command: 'postlogd' },
];

const delivery = (input: RenderInput): readonly MasterService[] => [
  ...['smtp', 'relay'].map((name) => unix(name, 'smtp', { chroot: true, options: clientNetwork(input) })),
  unix('lmtp', 'lmtp', { chroot: true, maxproc: sizes(input.facts).deliveries }),
];

export const masterServices = (input: RenderInput): readonly MasterService[] => [
  ...listeners(input),
  ...behind,
  ...sieve,
  ...intake(input),
  ...inside(input),
  ...delivery(input),
];
