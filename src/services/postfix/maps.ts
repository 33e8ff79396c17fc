/**
 * What Postfix asks the database (mysql_table(5)), always through proxymap(8): it is not chrooted, runs as `postfix`, which is
 * the name that MariaDB lets in by `unix_socket`, and shares connections. Questions and views belong to the directory.
 */
import { type AbsPath, path } from '#base';
import { lookups } from '#directory';
import { type Row, ref, renderMapCf, verbatim } from '#formats';
import type { Item, RenderInput } from '#model';
import type { Settings } from '#config';
import { everyName, roleNames } from './host-name.ts';

export const SQL_DIR = path('/etc/postfix/sql');

/** %s: the key; %u and %d: its parts. A question with %u or %d is not asked for keys without one, such as `@domain`. */
const PARTS = { local: '%u', domain: '%d', address: '%s' };

const questions = ({ postmaster }: Pick<Settings, 'postmaster'>) => ({
  domains: lookups.domains(PARTS),
  recipients: lookups.recipients(PARTS),
  'alias-gate': lookups.aliasGate(PARTS),
  aliases: lookups.aliases(PARTS),
  roles: lookups.roles(PARTS, postmaster),
  'recipient-gate': lookups.recipientGate(PARTS),
  'recipient-access': lookups.recipientAccess(PARTS),
  senders: lookups.senders(PARTS),
  'tls-policy': lookups.tlsPolicy(PARTS),
});
type Question = keyof ReturnType<typeof questions>;

const file = (question: Question): AbsPath => path(`${SQL_DIR}/${question}.cf`);
const one = (question: Question): string => `proxy:mysql:${file(question)}`;
/** The second is asked only what the first let through; both within one request to proxymap. */
const piped = (gate: Question, answer: Question): string => `proxy:pipemap:{mysql:${file(gate)},mysql:${file(answer)}}`;

const MAPS = {
  domains: one('domains'),
  recipients: one('recipients'),
  aliases: piped('alias-gate', 'aliases'),
  roles: one('roles'),
  access: piped('recipient-gate', 'recipient-access'),
  senders: one('senders'),
  tlsPolicy: one('tls-policy'),
};

export const accessCheck = MAPS.access;

/** What the database says about an address wins. */
const aliasMaps = (settings: Settings): readonly string[] => [MAPS.aliases, MAPS.roles, roleNames(settings)];

/** For the cleanup(8) of mail that began on this machine. */
export const internalAliases = (settings: Settings): Row => ({ set: 'virtual_alias_maps', to: [...aliasMaps(settings), everyName(settings)] });

export const maps = (input: RenderInput): readonly Row[] => [
  { set: 'virtual_mailbox_domains', to: [ref('myhostname'), MAPS.domains], why: 'The host name is one of ours, also where it is no mail domain.' },
  { set: 'virtual_mailbox_maps', to: [MAPS.recipients] },
  { set: 'virtual_alias_domains', to: '', why: 'Default is every domain of virtual_alias_maps.' },
  { set: 'virtual_alias_maps', to: aliasMaps(input.settings) },
  { set: 'smtpd_sender_login_maps', to: [MAPS.senders] },
  { set: 'smtp_tls_policy_maps', to: [MAPS.tlsPolicy] },
  {
    set: 'proxy_read_maps',
    to: Object.values(MAPS),
    why: 'proxymap(8) opens these and no other; by default it would not know those within braces.',
  },
];

const rows = (query: string, { wiring }: RenderInput): readonly Row[] => [
  {
    set: 'hosts',
    to: `unix:${wiring.sockets.mariadb.path} unix:${wiring.sockets.mariadb.path}`,
    why: 'Twice: a connection that ended with the server is not tried again at once, and the second is.',
  },
  { set: 'retry_interval', to: 1, from: '3.9', why: 'Seconds. Before 3.9 it is a minute, however soon the server returns.' },
  { set: 'user', to: 'postfix', why: 'Without a password: the socket tells MariaDB who asks.' },
  { set: 'dbname', to: 'vmail' },
  { set: 'option_group', to: '', why: 'Nothing from [client] of my.cnf.' },
  { set: 'charset', to: 'utf8mb4', from: '3.9' },
  { set: 'query', to: verbatim(query) },
];

export const mapItems = (input: RenderInput): readonly Item[] => [
  { kind: 'dir', path: SQL_DIR, owner: 'root:root', mode: 0o755, exclusive: true },
  ...Object.entries(questions(input.settings)).map(
    ([question, query]): Item => ({
      kind: 'file',
      path: path(`${SQL_DIR}/${question}.cf`),
      text: renderMapCf(rows(query, input), input.facts.versions.postfix),
      owner: 'root:root',
      mode: 0o644,
      wakes: [{ service: 'postfix', by: 'reload' }],
    }),
  ),
];
