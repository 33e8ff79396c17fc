/** LMTP (RFC 2033): how mail from Postfix is taken, and what Dovecot says of itself in mail that it writes. */
import type { Subject } from './vocabulary.ts';

export const delivery: Subject = ({ settings }) => ({
  rows: [
    { set: 'hostname', to: settings.hostname },
    { set: 'postmaster_address', to: settings.postmaster },
    { set: 'recipient_delimiter', to: '+' },
    { set: 'lmtp_save_to_detail_mailbox', to: false },
    { set: 'lmtp_user_concurrency_limit', to: 0, until: '2.4' },
    { set: 'lmtp_user_concurrency_limit', to: 'unlimited', from: '2.4', why: 'Its default, 10, would defer a burst of mail to one account.' },
  ],
});
