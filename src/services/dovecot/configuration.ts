/**
 * All subjects put together into one dovecot.conf (and 2.3's files for SQL). Nothing of Debian's conf.d is included: it strips domains in
 * LMTP, sets mbox, and opens port 2000. Pure.
 */
import { type AbsPath, path, type Text } from '#base';
import { compareVersions, type Node, renderDovecot, renderDovecotSql, type Row } from '#formats';
import type { RenderInput } from '#model';
import { auth, sqlFiles } from './auth.ts';
import { delivery } from './delivery.ts';
import { dialect23 } from './dialect-2.3.ts';
import { dialect24 } from './dialect-2.4.ts';
import { learning } from './learning.ts';
import { logging } from './logging.ts';
import { mailboxes } from './mailboxes.ts';
import { quota } from './quota.ts';
import { replies } from './replies.ts';
import { services } from './services.ts';
import { sieve } from './sieve.ts';
import { storage } from './storage.ts';
import { tls } from './tls.ts';
import type { Dialect, ProtocolName, Slice, Subject } from './vocabulary.ts';

export const MAIN_FILE = path('/etc/dovecot/dovecot.conf');

const SUBJECTS: readonly Subject[] = [logging, auth, storage, mailboxes, quota, delivery, sieve, replies, learning, tls, services];

/** 2.4 wants both first: the meaning of all that follows, and the format of what is stored. They stay when the package moves on within 2.4. */
const OPENING: readonly Row[] = [
  { set: 'dovecot_config_version', to: '2.4.1', from: '2.4' },
  { set: 'dovecot_storage_version', to: '2.4.1', from: '2.4' },
];

const dialectOf = (version: string): Dialect => (compareVersions(version, '2.4') < 0 ? dialect23 : dialect24);

const pluginsOf = (slices: readonly Slice[], scope: 'all' | ProtocolName): readonly string[] =>
  slices.flatMap((slice) => slice.mailPlugins?.[scope] ?? []);

/** `mail_plugins` in a protocol replaces the outer list, on both releases: it names all of them. */
const protocol = (slices: readonly Slice[], name: ProtocolName): Node => ({
  block: 'protocol',
  name,
  rows: [
    { set: 'mail_plugins', to: [...pluginsOf(slices, 'all'), ...pluginsOf(slices, name)] },
    ...slices.flatMap((slice) => slice.protocols?.[name] ?? []),
  ],
});

export const mainNodes = (input: RenderInput): readonly Node[] => {
  const dialect = dialectOf(input.facts.versions.dovecot);
  const slices = SUBJECTS.map((subject) => subject(input, dialect));
  return [
    ...OPENING,
    ...slices.flatMap((slice) => slice.rows ?? []),
    { set: 'mail_plugins', to: pluginsOf(slices, 'all') },
    ...dialect.plugin(slices.flatMap((slice) => slice.plugin ?? [])),
    protocol(slices, 'imap'),
    protocol(slices, 'lmtp'),
  ];
};

export const mainText = (input: RenderInput): Text => renderDovecot(mainNodes(input), input.facts.versions.dovecot);

/** 2.3 only. */
export const sqlFileTexts = (input: RenderInput): readonly { readonly path: AbsPath; readonly text: Text }[] => {
  const { dovecot } = input.facts.versions;
  if (compareVersions(dovecot, '2.4') >= 0) return [];
  return sqlFiles(input, dialectOf(dovecot)).map((file) => ({ path: path(file.path), text: renderDovecotSql(file.rows, dovecot) }));
};
