/** How long mail waits and how often it is tried (RFC 5321 4.5.4.1), and how it looks when it is rewritten on the way. */
import type { Row } from '#formats';
import type { RenderInput } from '#model';

export const queue = ({ settings }: RenderInput): readonly Row[] => [
  { set: 'maximal_queue_lifetime', to: `${settings.mail.queueLifetimeHours}h` },
  { set: 'bounce_queue_lifetime', to: `${settings.mail.bounceLifetimeHours}h` },
  { set: 'queue_run_delay', to: '5m' },
  { set: 'minimal_backoff_time', to: '5m' },
  { set: 'maximal_backoff_time', to: '1h' },
  { set: 'enable_long_queue_ids', to: true, why: 'An id is never used twice, so a log line belongs to one message.' },
  { set: 'enable_threaded_bounces', to: true, why: 'A mail program shows a bounce beside the message that it is about.' },
  { set: 'enable_original_recipient', to: false, why: 'With it, a recipient reached through two aliases gets two copies.' },
  { set: 'recipient_delimiter', to: '+' },
  { set: 'append_dot_mydomain', to: false },
  {
    set: 'local_header_rewrite_clients',
    to: ['permit_sasl_authenticated'],
    why: "Headers are completed for logins only: a stranger's mail stays as it is signed, also from loopback.",
  },
];
