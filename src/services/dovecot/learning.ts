/**
 * Learning by moving (M9): a message that its reader moves into Spam is spam, one that he moves out of it is not, unless into Trash.
 * IMAP runs a script of ours on such a move, which hands the message to a small service of Dovecot's; only that one, as `_rspamd`, may speak
 * to the filter. The extension that does so exists within IMAP alone and for our scripts alone, so that no user's script reaches it (M10).
 */
import { type AbsPath, path } from '#base';
import { type Block, ref, type Row, type SieveScript, tag } from '#formats';
import type { Item, RenderInput, Wiring } from '#model';
import { SPAM, TRASH } from './mailboxes.ts';
import { sourceOf } from './script-files.ts';
import { unixListener } from './services.ts';
import { MAIL_USER } from './storage.ts';
import type { Subject } from './vocabulary.ts';

const SERVICE = 'rspamd-learn';
/** Of Dovecot's own directory: 2.3 makes none below it, and takes no other. */
const SOCKETS = '.';
const FILTER_USER = '_rspamd';
const PROGRAM = path('/usr/local/lib/hauspost/rspamd-learn');
/** Less than the ten seconds that Sieve waits for it. */
const SECONDS = 8;

type Kind = 'spam' | 'ham';

/** `:try`: whoever moves a message has moved it, whether or not the filter is there. */
const learn = (kind: Kind): SieveScript['commands'][number] => ({
  command: 'pipe',
  arguments: [tag('copy'), tag('try'), SERVICE, [kind]],
});

const ENVIRONMENT = ['vnd.dovecot.pipe', 'copy', 'imapsieve', 'environment'];

/**
 * Where moving a message says that it is not wanted, or nothing: also folders that mail programs and servers of before have for it, whatever
 * their case. The * in the last stands for a letter that is no ASCII.
 */
const OTHERS = [
  'Junk',
  'Junk E-mail',
  'Junk-E-Mail',
  'Deleted Items',
  'Deleted Messages',
  'Bin',
  'Papierkorb',
  'Gel*schte Elemente',
  'Gel*schte Objekte',
];
const THROWN_AWAY = [TRASH, SPAM, ...OTHERS].flatMap((name) => [name, `${name}/*`]);

/** RFC 6785, section 7: what was done, and where the message is now. */
export const LEARN_SCRIPTS: Readonly<Record<Kind, SieveScript>> = {
  spam: {
    require: ENVIRONMENT,
    commands: [{ command: 'if', test: { test: 'environment', arguments: [tag('is'), 'imap.cause', 'COPY'] }, block: [learn('spam')] }],
  },
  ham: {
    require: [...ENVIRONMENT, 'variables'],
    commands: [
      {
        command: 'if',
        test: { test: 'environment', arguments: [tag('matches'), 'imap.mailbox', '*'] },
        block: [{ command: 'set', arguments: ['box', ref('1')] }],
      },
      {
        command: 'if',
        test: { test: 'string', arguments: [tag('comparator'), 'i;ascii-casemap', tag('matches'), ref('box'), THROWN_AWAY] },
        block: [{ command: 'stop' }],
      },
      learn('ham'),
    ],
  },
};

/** Of sievec(1), which does not look into `protocol imap`. */
export const LEARN_OPTIONS = [
  ...['-P', 'sieve_imapsieve', '-P', 'sieve_extprograms'],
  ...['-x', '+vnd.dovecot.pipe +vnd.dovecot.environment +vnd.dovecot.imapsieve +imapsieve'],
];

const scriptOf = (wiring: Wiring, kind: Kind): AbsPath => sourceOf(wiring, `learn-${kind}`);

const on23 = (wiring: Wiring): readonly Row[] => {
  const rule = (number: number, rows: Readonly<Record<string, string>>): readonly Row[] =>
    Object.entries(rows).map(([name, to]) => ({ set: `imapsieve_mailbox${number}_${name}`, to, until: '2.4' }));
  return [
    ...rule(1, { name: SPAM, causes: 'COPY', before: `file:${scriptOf(wiring, 'spam')}` }),
    ...rule(2, { name: '*', from: SPAM, causes: 'COPY', before: `file:${scriptOf(wiring, 'ham')}` }),
  ];
};

const on24 = (wiring: Wiring): readonly Block[] => {
  const script = (kind: Kind): Block => ({
    block: 'sieve_script',
    name: `learn-${kind}`,
    rows: [
      { set: 'type', to: 'before' },
      { set: 'cause', to: 'copy' },
      { set: 'path', to: scriptOf(wiring, kind) },
    ],
  });
  return [
    { block: 'mailbox', name: SPAM, rows: [script('spam')], from: '2.4' },
    { block: 'imapsieve_from', name: SPAM, rows: [script('ham')], from: '2.4' },
  ];
};

export const learning: Subject = ({ wiring }, dialect) => ({
  mailPlugins: { imap: ['imap_sieve'] },
  protocols: {
    imap: [
      ...dialect.plugin([
        { set: 'sieve_plugins', to: ['sieve_imapsieve', 'sieve_extprograms'] },
        { set: 'sieve_global_extensions', to: '+vnd.dovecot.pipe +vnd.dovecot.environment', until: '2.4' },
        { set: 'sieve_global_extensions', to: ['vnd.dovecot.pipe', 'vnd.dovecot.environment'], from: '2.4' },
        { set: 'sieve_pipe_socket_dir', to: SOCKETS },
        ...on23(wiring),
      ]),
      ...on24(wiring),
    ],
  },
  rows: [
    {
      block: 'service',
      name: SERVICE,
      rows: [
        { set: 'executable', to: `script ${PROGRAM}` },
        { set: 'user', to: FILTER_USER },
        unixListener({ path: SERVICE, owner: MAIL_USER, group: MAIL_USER, mode: 0o600 }),
      ],
    },
  ],
});

const program = ({ wiring }: RenderInput): string => `#!/bin/sh
# The message comes on standard input; how the filter takes it is in its own log.
case $1 in
  spam | ham) exec /usr/bin/rspamc --timeout=${SECONDS} --connect=${wiring.sockets.controller.path} "learn_$1" >/dev/null 2>&1 ;;
  *) exit 64 ;;
esac
`;

export const learningItems = (input: RenderInput): readonly Item[] => [
  { kind: 'dir', path: path('/usr/local/lib/hauspost'), owner: 'root:root', mode: 0o755, exclusive: true },
  { kind: 'file', path: PROGRAM, text: [program(input)], owner: 'root:root', mode: 0o755, wakes: [] },
];
