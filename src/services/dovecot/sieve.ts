/**
 * Sieve (RFC 5228): one script of ours that runs before the user's and files what Rspamd marked (M8), and the users' own, uploaded by
 * ManageSieve (RFC 5804). Users get no extension that runs programs: `sieve_plugins` stays empty here, so that pipe, execute and
 * filter do not even exist in LMTP and ManageSieve (M10); learning by moving may load its plugins inside `protocol imap` only.
 */
import { type SieveScript, tag } from '#formats';
import { SPAM } from './mailboxes.ts';
import { sourceOf } from './script-files.ts';
import type { Subject } from './vocabulary.ts';

/** Below the mail place; the original's. */
const SCRIPTS = 'sieve';

/** `stop` ends the user's script too, so that what is marked is in Spam whatever the user's script wants (M8). */
export const SPAM_SCRIPT: SieveScript = {
  require: ['fileinto', 'mailbox'],
  commands: [
    {
      command: 'if',
      test: { test: 'header', arguments: [tag('is'), 'X-Spam', 'Yes'] },
      block: [{ command: 'fileinto', arguments: [tag('create'), SPAM] }, { command: 'stop' }],
    },
  ],
};

export const sieve: Subject = ({ wiring }, { variables: { domain, local } }) => {
  const below = [`${wiring.places.mail}/${SCRIPTS}/`, domain, '/', local] as const;
  const source = sourceOf(wiring, 'spam');
  const scripts = { template: [...below, '/scripts'] };
  const active = { template: [...below, '/active-script.sieve'] };
  return {
    mailPlugins: { lmtp: ['sieve'] },
    plugin: [
      { set: 'sieve', to: { template: ['file:', ...scripts.template, ';active=', ...active.template] }, until: '2.4' },
      { set: 'sieve_before', to: source, until: '2.4' },
      { set: 'sieve_max_cpu_time', to: '10s', until: '2.4' },
      { set: 'sieve_max_cpu_time', to: '10 secs', from: '2.4' },
      { set: 'sieve_max_redirects', to: 4 },
      { set: 'sieve_quota_max_scripts', to: 50, until: '2.4', why: "Scripts lie outside of the mailbox' quota." },
      { set: 'sieve_quota_max_storage', to: '10M', until: '2.4' },
      { set: 'sieve_quota_script_count', to: 50, from: '2.4', why: "Scripts lie outside of the mailbox' quota." },
      { set: 'sieve_quota_storage_size', to: '10M', from: '2.4' },
    ],
    rows: [
      {
        block: 'sieve_script',
        name: 'personal',
        rows: [
          { set: 'driver', to: 'file' },
          { set: 'path', to: scripts },
          { set: 'active_path', to: active },
        ],
        from: '2.4',
      },
      {
        block: 'sieve_script',
        name: 'spam',
        rows: [
          { set: 'type', to: 'before' },
          { set: 'path', to: source },
        ],
        from: '2.4',
      },
    ],
  };
};
