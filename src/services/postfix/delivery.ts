/** Mail for accounts goes to Dovecot by LMTP (RFC 2033), which answers for each recipient; the rest follows MX. */
import type { Row } from '#formats';
import type { RenderInput } from '#model';
import { socketName } from './sockets.ts';

export const delivery = ({ wiring }: RenderInput): readonly Row[] => [
  { set: 'virtual_transport', to: `lmtp:${socketName(wiring, 'lmtp')}` },
  {
    set: 'lmtp_destination_concurrency_failed_cohort_limit',
    to: 0,
    why: 'One lost connection would put off all mail for an account for five minutes, also once Dovecot is back.',
  },
  { set: 'lmtp_line_length_limit', to: 0, why: 'Dovecot takes lines of any length; broken ones would no longer be what was signed.' },
];
