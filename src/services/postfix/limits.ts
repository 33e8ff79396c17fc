/** Sizes, counts, pauses. Rspamd and the queue have limits of their own that follow `message_size_limit`. */
import type { Row } from '#formats';
import type { RenderInput } from '#model';

const OCTETS_PER_MB = 2 ** 20;

export const limits = ({ settings }: RenderInput): readonly Row[] => [
  { set: 'message_size_limit', to: settings.mail.messageSizeLimit * OCTETS_PER_MB, why: 'In octets, as announced by SIZE (RFC 1870).' },
  { set: 'header_size_limit', to: 102_400 },
  {
    set: 'notify_classes',
    to: '',
    why: 'No notice to the postmaster holds what was said in a session: after AUTH PLAIN the password is in it. By default a full disk is enough for one.',
  },
  {
    set: 'smtpd_recipient_limit',
    to: settings.mail.recipientsPerMessage,
    why: 'RCPT beyond it is answered 452, and the rest comes in a second message.',
  },
  {
    set: 'service_throttle_time',
    to: '1s',
    why: 'A process that ends during its first session, as when we end the sessions of an account, would close its port for a minute.',
  },
];
