/**
 * Ports 587 (STARTTLS) and 465 (TLS from the start, RFC 8314): people of ours, after TLS and a login. They may send as
 * themselves and as the aliases that reach them; Rspamd compares From with it. RFC 6409.
 */
import { type Row, template } from '#formats';
import type { RenderInput } from '#model';
import { loginCheck } from './maps.ts';
import { recipientChecks } from './restrictions.ts';

/** Mozilla's server side TLS guideline 6.0, "intermediate": ECDHE with AEAD only. TLS 1.3 has suites of its own. */
const INTERMEDIATE = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const login: readonly Row[] = [
  { set: 'smtpd_sasl_auth_enable', to: true },
  { set: 'smtpd_sasl_security_options', to: ['noanonymous'] },
  { set: 'smtpd_tls_security_level', to: 'encrypt' },
  { set: 'smtpd_tls_mandatory_ciphers', to: 'high' },
  { set: 'tls_high_cipherlist', to: INTERMEDIATE },
];

const people = (input: RenderInput): readonly Row[] => [
  {
    set: 'smtpd_client_restrictions',
    to: [template`check_sasl_access ${loginCheck}`, 'permit_sasl_authenticated', 'reject'],
    why: 'Asked at each recipient: an account that is disabled sends nothing more in a session that is open.',
  },
  { set: 'smtpd_helo_required', to: false },
  { set: 'smtpd_helo_restrictions', to: '', why: 'A mail program names itself as it likes.' },
  { set: 'smtpd_sender_restrictions', to: ['reject_non_fqdn_sender', 'reject_sender_login_mismatch'] },
  { set: 'smtpd_relay_restrictions', to: ['permit_sasl_authenticated', 'reject'] },
  {
    set: 'smtpd_recipient_restrictions',
    to: ['reject_non_fqdn_recipient', 'reject_unknown_recipient_domain', ...recipientChecks(input), 'permit_sasl_authenticated', 'reject'],
    why: 'A mistyped address is told to its writer at once.',
  },
  { set: 'smtpd_discard_ehlo_keywords', to: ['silent-discard', 'etrn'], why: 'Logins may ask for delivery notices.' },
];

const privacy: readonly Row[] = [
  { set: 'smtpd_hide_client_session', to: true, from: '3.10', why: "Received does not name the client's address; before 3.10 header checks do it." },
  { set: 'cleanup_service_name', to: 'submission-cleanup' },
];

/** `wrapped`: TLS from the first octet. */
export const submissionOptions = (input: RenderInput, name: string, wrapped: boolean): readonly Row[] => [
  { set: 'syslog_name', to: `postfix/${name}` },
  ...(wrapped ? [{ set: 'smtpd_tls_wrappermode', to: true }] : []),
  ...login,
  ...people(input),
  ...privacy,
];
