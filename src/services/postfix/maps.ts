/**
 * What Postfix asks the database (mysql_table(5)), always through proxymap(8): it is not chrooted, runs as `postfix`, which is
 * the name that MariaDB lets in by `unix_socket`, and shares connections. Questions and views belong to the directory.
 */
import { type AbsPath, path } from '#base';
import { lookups } from '#directory';
import { type Row, ref, renderMapCf, verbatim } from '#formats';
import type { Item, RenderInput } from '#model';
import type { Settings } from '#config';
import { relayTlsPolicy } from './relay.ts';
import { everyName, postmasterOnly } from './host-name.ts';

export const SQL_DIR = path('/etc/postfix/sql');

/** %s: the key; %u and %d: its parts. A question with %u or %d is not asked for keys without one, such as `@domain`. */
const PARTS = { local: '%u', domain: '%d', address: '%s' };

const questions = (settings: Pick<Settings, 'postmaster' | 'hostname'>) => ({
  domains: lookups.domains(PARTS),
  recipients: lookups.recipients(PARTS),
  'alias-gate': lookups.aliasGate(PARTS),
  aliases: lookups.aliases(PARTS, settings),
  'role-gate': lookups.roleGate(PARTS, settings),
  roles: lookups.roles(settings),
  'stranded-postmaster': lookups.strandedPostmaster(settings, 'retry:4.3.5 Nobody receives mail for the postmaster (hauspost status)'),
  'own-recipients': lookups.ownRecipients(PARTS, settings),
  'recipient-gate': lookups.recipientGate(PARTS),
  'recipient-access': lookups.recipientAccess(PARTS, settings),
  'send-only': lookups.sendOnly(PARTS, settings),
  senders: lookups.senders(PARTS),
  'login-access': lookups.loginAccess(PARTS),
  'tls-policy': lookups.tlsPolicy(PARTS),
});
type Question = keyof ReturnType<typeof questions>;

const file = (question: Question): AbsPath => path(`${SQL_DIR}/${question}.cf`);
const one = (question: Question): string => `proxy:mysql:${file(question)}`;
/** Each is asked only what the one before let through; all within one request to proxymap. */
const piped = (...each: readonly Question[]): string => `proxy:pipemap:{${each.map((question) => `mysql:${file(question)}`).join(',')}}`;

export const ownCheck = one('own-recipients');
export const accessCheck = piped('recipient-gate', 'recipient-access');
export const loginCheck = one('login-access');

const mapsOf = (settings: Settings) => ({
  domains: one('domains'),
  recipients: one('recipients'),
  aliases: piped('alias-gate', 'aliases'),
  roles: piped('role-gate', 'roles'),
  sendOnly: piped('recipient-gate', 'send-only', 'roles'),
  own: ownCheck,
  access: accessCheck,
  senders: one('senders'),
  login: loginCheck,
  tlsPolicy: one('tls-policy'),
  transport: `proxy:pipemap:{${postmasterOnly(settings)},mysql:${file('stranded-postmaster')}}`,
});

/**
 * For the cleanup(8) of mail that began on this machine. Notices for who sends and receives nothing go to the postmaster, before `aliases`, which knows
 * such accounts where there is a catch-all. Then what the database says about an address wins, an account of the host name included where that is a
 * mail domain.
 */
export const internalAliases = (settings: Settings): Row => {
  const { aliases, roles, sendOnly, recipients } = mapsOf(settings);
  return { set: 'virtual_alias_maps', to: [sendOnly, aliases, roles, recipients, everyName(settings)] };
};

const rowsFor = (input: RenderInput, all: ReturnType<typeof mapsOf>): readonly Row[] => [
  { set: 'virtual_mailbox_domains', to: [ref('myhostname'), all.domains], why: 'The host name is one of ours, also where it is no mail domain.' },
  { set: 'virtual_mailbox_maps', to: [all.recipients] },
  { set: 'virtual_alias_domains', to: '', why: 'Default is every domain of virtual_alias_maps.' },
  { set: 'virtual_alias_maps', to: [all.aliases, all.roles] },
  { set: 'smtpd_sender_login_maps', to: [all.senders] },
  { set: 'smtp_tls_policy_maps', to: [...relayTlsPolicy(input), all.tlsPolicy] },
  { set: 'transport_maps', to: all.transport, why: 'Keeps what is for the postmaster while nobody receives it.' },
  {
    set: 'proxy_read_maps',
    to: Object.values(all),
    why: 'proxymap(8) opens these and no other; by default it would not know those within braces.',
  },
];

export const maps = (input: RenderInput): readonly Row[] => rowsFor(input, mapsOf(input.settings));

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
