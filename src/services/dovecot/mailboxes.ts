/** The folders that every account has from its first login on, with their special use (RFC 6154) (M11). */
import type { Block, Row } from '#formats';
import type { Subject } from './vocabulary.ts';

/** Where what Rspamd marks is filed. */
export const SPAM = 'Spam';
export const TRASH = 'Trash';

/** On top of the quota, or 2.4 refuses to move mail into Trash for whom is over it, and 2.3 to copy it there. */
export const TRASH_EXTRA = '100M';

const DAY_S = 86_400;
/** As 2.3 shows it, which makes weeks of seven days. */
const days = (seconds: number): string => {
  const count = seconds / DAY_S;
  return count % 7 === 0 ? `${count / 7} weeks` : `${count} days`;
};

/** `seconds`: null, or after how long Dovecot deletes what was saved there, when a session of the account or a delivery to it ends. */
const expires = (seconds: number | null): readonly Row[] => (seconds === null ? [] : [{ set: 'autoexpunge', to: days(seconds) }]);

const folder = (name: string, use: string, ...more: readonly Row[]): Block => ({
  block: 'mailbox',
  name,
  rows: [{ set: 'auto', to: 'subscribe' }, { set: 'special_use', to: use }, ...more],
});

export const mailboxes: Subject = ({ settings: { mail } }) => ({
  rows: [
    {
      block: 'namespace',
      name: 'inbox',
      rows: [
        { set: 'inbox', to: true },
        { set: 'separator', to: '/' },
        { block: 'mailbox', name: 'INBOX', rows: [{ set: 'auto', to: 'subscribe' }] },
        folder(SPAM, '\\Junk', ...expires(mail.expireSpamSeconds)),
        folder(TRASH, '\\Trash', { set: 'quota_storage_extra', to: TRASH_EXTRA, from: '2.4' }, ...expires(mail.expireTrashSeconds)),
        folder('Drafts', '\\Drafts'),
        folder('Sent', '\\Sent'),
        folder('Archive', '\\Archive'),
      ],
    },
  ],
});
