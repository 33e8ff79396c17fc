/**
 * Where mail lies and whose it is: DOMAIN/USER/mail below the mail place, Maildir with folders as directories, all of it the user
 * vmail's. The layout is the original's, folder names in mUTF-7 (RFC 3501 5.1.3) included: it must never change under existing mail.
 */
import type { Subject } from './vocabulary.ts';

/** Below the mail place; the home of an account is DOMAIN/USER below it, as userdb says. */
export const MAILBOXES = 'mailboxes';
export const MAIL_USER = 'vmail';

export const storage: Subject = () => ({
  rows: [
    { set: 'mail_uid', to: MAIL_USER },
    { set: 'mail_gid', to: MAIL_USER },
    { set: 'first_valid_uid', to: 100, why: 'vmail is a system user; Dovecot refuses users below 500 unless told.' },
    { set: 'mail_location', to: 'maildir:~/mail:LAYOUT=fs', until: '2.4' },
    { set: 'mail_driver', to: 'maildir', from: '2.4' },
    { set: 'mail_path', to: '~/mail', from: '2.4' },
    { set: 'mailbox_list_layout', to: 'fs', from: '2.4' },
    { set: 'mailbox_list_utf8', to: false, from: '2.4' },
  ],
});
