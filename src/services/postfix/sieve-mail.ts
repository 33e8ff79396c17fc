/**
 * The doors by which mail of people's Sieve scripts comes in: smtpd(8) on Unix sockets that Dovecot's LMTP alone may open. It says whose
 * script speaks (XCLIENT LOGIN, XCLIENT_README), so that a vacation reply is judged like any mail of its account, by the same map; and it
 * hears the answer, so that mail waits in the queue where the filter says later.
 */
import type { Row } from '#formats';
import { WAYS } from '#model';
import { existing } from './restrictions.ts';

/** What smtpd(8) takes a client on a Unix socket for. */
const THIS_MACHINE = ['127.0.0.1', '[::1]'];
const WITH_LOGIN = ['permit_sasl_authenticated', 'reject'];

/** Judged like mail of its account. Who writes and reads nothing is not answered: what people say of themselves would be read by the postmaster. */
const REPLY: readonly Row[] = [
  { set: 'milter_macro_daemon_name', to: WAYS.reply },
  { set: 'smtpd_sender_restrictions', to: ['reject_sender_login_mismatch'] },
  { set: 'smtpd_recipient_restrictions', to: [...existing, ...WITH_LOGIN] },
];

/** What is redirected is somebody else's: that a recipient does not exist is told to its sender by bounce(8), and nothing in it is completed. */
const PASS: readonly Row[] = [
  { set: 'milter_macro_daemon_name', to: WAYS.pass },
  { set: 'smtpd_sender_restrictions', to: '' },
  { set: 'smtpd_recipient_restrictions', to: WITH_LOGIN },
  { set: 'local_header_rewrite_clients', to: '' },
];

const OF = { 'sieve-reply': REPLY, 'sieve-pass': PASS } as const;

export const sieveDoor = (name: keyof typeof OF): readonly Row[] => [
  { set: 'syslog_name', to: `postfix/${name}` },
  { set: 'smtpd_authorized_xclient_hosts', to: THIS_MACHINE },
  { set: 'smtpd_client_connection_count_limit', to: 0 },
  { set: 'smtpd_tls_security_level', to: 'none' },
  { set: 'smtpd_sasl_auth_enable', to: true },
  { set: 'smtpd_tls_auth_only', to: false },
  { set: 'smtpd_client_restrictions', to: '' },
  { set: 'smtpd_helo_restrictions', to: '' },
  { set: 'smtpd_relay_restrictions', to: WITH_LOGIN },
  { set: 'smtpd_reject_unlisted_recipient', to: false },
  { set: 'cleanup_service_name', to: 'internal-cleanup' },
  ...OF[name],
];
