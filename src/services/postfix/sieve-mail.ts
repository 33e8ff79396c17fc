/**
 * The doors by which mail of people's Sieve scripts comes in: smtpd(8) on Unix sockets that Dovecot's LMTP alone may open. It says whose
 * script speaks (XCLIENT LOGIN, XCLIENT_README), so that a vacation reply is judged like any mail of its account, by the same map; and it
 * hears the answer, so that mail waits in the queue where the filter says later.
 */
import type { Row } from '#formats';
import { WAYS } from '#model';

/** What smtpd(8) takes a client on a Unix socket for. */
const THIS_MACHINE = ['127.0.0.1', '[::1]'];
const SENDERS = { 'sieve-reply': ['reject_sender_login_mismatch'], 'sieve-pass': [] } as const;
const WAY = { 'sieve-reply': WAYS.reply, 'sieve-pass': WAYS.pass } as const;
/** An smtpd must refuse whom it does not know; that a recipient does not exist is told to the sender by bounce(8), as ever. */
const WITH_LOGIN = ['permit_sasl_authenticated', 'reject'];
/** What a script redirects is somebody else's, and may be signed: nothing is completed, though there is a login. */
const AS_IT_IS: readonly Row[] = [{ set: 'local_header_rewrite_clients', to: '' }];

export const sieveDoor = (name: keyof typeof WAY): readonly Row[] => [
  { set: 'syslog_name', to: `postfix/${name}` },
  { set: 'milter_macro_daemon_name', to: WAY[name] },
  { set: 'smtpd_authorized_xclient_hosts', to: THIS_MACHINE },
  { set: 'smtpd_client_connection_count_limit', to: 0 },
  { set: 'smtpd_tls_security_level', to: 'none' },
  { set: 'smtpd_sasl_auth_enable', to: true },
  { set: 'smtpd_tls_auth_only', to: false },
  { set: 'smtpd_client_restrictions', to: '' },
  { set: 'smtpd_helo_restrictions', to: '' },
  { set: 'smtpd_sender_restrictions', to: SENDERS[name] },
  { set: 'smtpd_relay_restrictions', to: WITH_LOGIN },
  { set: 'smtpd_recipient_restrictions', to: WITH_LOGIN },
  { set: 'smtpd_reject_unlisted_recipient', to: false },
  { set: 'cleanup_service_name', to: 'internal-cleanup' },
  ...(name === 'sieve-reply' ? [] : AS_IT_IS),
];
