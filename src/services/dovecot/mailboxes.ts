/** The folders that every account has from its first login on, with their special use (RFC 6154) (M11). */
import type { Block } from '#formats';
import type { Subject } from './vocabulary.ts';

/** Where what Rspamd marks is filed. */
export const SPAM = 'Spam';
export const TRASH = 'Trash';

/** On top of the quota, or 2.4 refuses to move mail into Trash for whom is over it, and 2.3 to copy it there. */
export const TRASH_EXTRA = '100M';

const FOLDERS: readonly (readonly [string, string])[] = [
  [SPAM, '\\Junk'],
  [TRASH, '\\Trash'],
  ['Drafts', '\\Drafts'],
  ['Sent', '\\Sent'],
  ['Archive', '\\Archive'],
];

const SUBSCRIBED = { set: 'auto', to: 'subscribe' };

const folder = ([name, use]: readonly [string, string]): Block => ({
  block: 'mailbox',
  name,
  rows: [SUBSCRIBED, { set: 'special_use', to: use }, ...(name === TRASH ? [{ set: 'quota_storage_extra', to: TRASH_EXTRA, from: '2.4' }] : [])],
});

export const mailboxes: Subject = () => ({
  rows: [
    {
      block: 'namespace',
      name: 'inbox',
      rows: [
        { set: 'inbox', to: true },
        { set: 'separator', to: '/' },
        { block: 'mailbox', name: 'INBOX', rows: [SUBSCRIBED] },
        ...FOLDERS.map(folder),
      ],
    },
  ],
});
