/**
 * How much an account may hold (M7). Counted from the index, without grace: the limit is the limit. Postfix asks the policy service
 * at RCPT, which only ever refuses or has no opinion; what slips through (aliases, parallel deliveries) is deferred, not bounced.
 */
import { type Row, setting } from '#formats';
import type { RenderInput } from '#model';
import { limits } from './limits.ts';
import { unixListener } from './services.ts';
import { TRASH_EXTRA } from './mailboxes.ts';
import { MAIL_USER } from './storage.ts';
import type { Subject } from './vocabulary.ts';

/** ASCII: IMAP says it in a response, LMTP to Postfix, which puts it into its notice. English: Dovecot's own. */
const EXCEEDED = { en: undefined, de: 'Das Postfach ist voll' } as const satisfies Readonly<
  Record<RenderInput['settings']['language'], string | undefined>
>;

const NO_OPINION = 'DUNNO';
const FULL = '452 4.2.2 Mailbox is full';

const exceeded = (language: RenderInput['settings']['language']): readonly Row[] => {
  const text = EXCEEDED[language];
  return text === undefined ? [] : [{ set: 'quota_exceeded_message', to: text }];
};

export const quota: Subject = ({ settings, wiring, facts }) => ({
  mailPlugins: { all: ['quota'], imap: ['imap_quota'] },
  plugin: [
    { set: 'quota', to: 'count:User quota', until: '2.4' },
    { set: 'quota_vsizes', to: true, until: '2.4' },
    { set: 'quota_rule', to: `*:storage=${settings.mail.defaultQuota}M`, until: '2.4' },
    { set: 'quota_rule2', to: `Trash:storage=+${TRASH_EXTRA}`, until: '2.4' },
    { set: 'quota_grace', to: 0, until: '2.4' },
    { set: 'quota_storage_size', to: `${settings.mail.defaultQuota}M`, from: '2.4' },
    { set: 'quota_storage_grace', to: 0, from: '2.4' },
    ...exceeded(settings.language),
    { set: 'quota_status_success', to: NO_OPINION, why: 'OK would end the list of restrictions in Postfix.' },
    { set: 'quota_status_nouser', to: NO_OPINION, why: 'Aliases are no users here.' },
    { set: 'quota_status_overquota', to: FULL },
    { set: 'quota_status_toolarge', to: FULL, why: '2.4 answers nothing at all to a message that is larger than the whole quota.' },
  ],
  rows: [
    { set: 'quota_full_tempfail', to: true },
    { block: 'quota', name: 'User quota', rows: [{ set: 'driver', to: 'count' }], from: '2.4' },
    {
      block: 'service',
      name: 'quota-status',
      rows: [
        { set: 'executable', to: 'quota-status -p postfix' },
        { set: 'user', to: MAIL_USER },
        { set: 'extra_groups', to: setting('default_internal_group') },
        { set: 'client_limit', to: 1 },
        { set: 'process_limit', to: limits(facts).questions },
        unixListener(wiring.sockets['quota-status']),
      ],
    },
  ],
});
