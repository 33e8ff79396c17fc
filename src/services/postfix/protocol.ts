/**
 * SMTP as it is spoken on every port: what is offered, and that a message ends in one way only. "Smuggling" hides a second
 * message behind an end of data that one server sees and the other does not (CVE-2023-51764).
 */
import { type Row, ref, template } from '#formats';

export const protocol: readonly Row[] = [
  { set: 'smtpd_banner', to: template`${ref('myhostname')} ESMTP`, why: 'Nobody needs to know the program and its release.' },
  { set: 'smtpd_forbid_bare_newline', to: 'normalize', why: 'Only CRLF.CRLF ends a message; a bare LF becomes CRLF. Off by default before 3.9.' },
  { set: 'smtpd_forbid_unauth_pipelining', to: true, why: 'A client that talks ahead without permission is hung up on. Off by default before 3.9.' },
  { set: 'cleanup_replace_stray_cr_lf', to: true, why: 'No CR or LF of their own leave this server, so nobody can smuggle through it.' },
  { set: 'strict_rfc821_envelopes', to: true },
  { set: 'smtputf8_enable', to: false, why: "Dovecot's LMTP does not take it: such mail would bounce after it was accepted." },
  {
    set: 'disable_mime_output_conversion',
    to: true,
    why: 'Eight bits stay eight bits, also for a server that does not announce 8BITMIME: rewriting them would break the DKIM signature.',
  },
  { set: 'disable_vrfy_command', to: true },
  {
    set: 'smtpd_discard_ehlo_keywords',
    to: ['silent-discard', 'dsn', 'etrn'],
    why: 'Delivery notices are for logins: to strangers they would be backscatter.',
  },
  { set: 'allow_percent_hack', to: false, why: 'user%domain and site!user are local parts like any other, not routes.' },
  { set: 'swap_bangpath', to: false },
  { set: 'show_user_unknown_table_name', to: false },
];
