/**
 * Sieve (RFC 5228): one script of ours that runs before the user's and files what Rspamd marked (M8), and the users' own, uploaded by
 * ManageSieve (RFC 5804). Users get no extension that runs programs or sends mail of its own: `sieve_plugins` stays empty here, so that pipe, execute and
 * filter do not even exist in LMTP and ManageSieve (M10); learning by moving may load its plugins inside `protocol imap` only.
 */
import { type Node, type Row, type SieveScript, tag } from '#formats';
import type { RenderInput } from '#model';
import { SPAM } from './mailboxes.ts';
import { OPERATOR, sourceOf } from './script-files.ts';
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

/** The operator's scripts, in 2.4's words; `before` is behind ours. */
const global24 = ({ wiring, settings: { filters } }: RenderInput): readonly Node[] =>
  (['before', 'after'] as const).flatMap((type): readonly Node[] =>
    filters[type] === undefined
      ? []
      : [
          {
            block: 'sieve_script',
            name: OPERATOR[type],
            rows: [
              { set: 'type', to: type },
              { set: 'path', to: sourceOf(wiring, OPERATOR[type]) },
            ],
            from: '2.4',
          },
        ],
  );

/** Those that are on without a word of ours, but `enotify`. Neither `vnd.dovecot.report` nor any other that sends is among them. */
const EXTENSIONS = [
  ...['fileinto', 'reject', 'envelope', 'encoded-character', 'vacation', 'subaddress', 'comparator-i;ascii-numeric', 'relational', 'regex'],
  ...['imap4flags', 'copy', 'include', 'variables', 'body', 'environment', 'mailbox', 'date', 'index', 'ihave', 'duplicate', 'mime'],
  ...['foreverypart', 'extracttext'],
];

const WHY = 'No enotify: its mailto sends what the script wants, in the name that it wants, to as many as it wants.';
const extensions: readonly Row[] = [
  { set: 'sieve_extensions', to: '-enotify', until: '2.4', why: WHY },
  { set: 'sieve_extensions', to: EXTENSIONS, from: '2.4', why: WHY },
];

export const sieve: Subject = (input, dialect) => {
  const { wiring, settings } = input;
  const { domain, local } = dialect.variables;
  const below = [`${wiring.places.mail}/${SCRIPTS}/`, domain, '/', local] as const;
  const source = sourceOf(wiring, 'spam');
  const scripts = { template: [...below, '/scripts'] };
  const active = { template: [...below, '/active-script.sieve'] };
  const aside = { template: [...below, '/no-script'] };
  return {
    mailPlugins: { lmtp: ['sieve'] },
    protocols: {
      lmtp: dialect.plugin([
        {
          set: 'sieve',
          to: { template: ['file:', ...scripts.template, ';active=', ...aside.template] },
          until: '2.4',
          why: "Debian's 2.3 panics where a script of this place takes too long, and the mail is never delivered. So the active one is run as the next:",
        },
        { set: `sieve_before${settings.filters.before === undefined ? 2 : 3}`, to: { template: ['file:', ...active.template] }, until: '2.4' },
      ]),
    },
    plugin: [
      { set: 'sieve', to: { template: ['file:', ...scripts.template, ';active=', ...active.template] }, until: '2.4' },
      { set: 'sieve_before', to: source, until: '2.4' },
      ...(settings.filters.before === undefined ? [] : [{ set: 'sieve_before2', to: sourceOf(wiring, OPERATOR.before), until: '2.4' }]),
      ...(settings.filters.after === undefined ? [] : [{ set: 'sieve_after', to: sourceOf(wiring, OPERATOR.after), until: '2.4' }]),
      ...extensions,
      { set: 'sieve_max_cpu_time', to: '3s', until: '2.4' },
      { set: 'sieve_max_cpu_time', to: '3 secs', from: '2.4' },
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
      ...global24(input),
    ],
  };
};
