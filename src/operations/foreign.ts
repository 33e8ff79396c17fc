/**
 * A mail server that Hauspost did not make: before the first apply only. What a package brings and nobody edited is none, and
 * neither is what its installation wrote (Postfix' main.cf, exim4's answers).
 */
import { isIPv6 } from 'node:net';
import { environmentError, path } from '#base';
import { editedConffiles, holdersOf, type Machine } from '#machine';
import type { RenderInput } from '#model';

/** Parameters that the postfix package's own scripts write (postfix.postinst, conf/main.cf.debian). */
const WRITTEN_BY_DEBIAN = new Set(
  (
    'smtpd_banner biff append_dot_mydomain readme_directory compatibility_level smtpd_tls_cert_file smtpd_tls_key_file smtpd_tls_security_level ' +
    'smtp_tls_CApath smtp_tls_security_level smtp_tls_session_cache_database smtpd_tls_session_cache_database smtpd_relay_restrictions myhostname ' +
    'alias_maps alias_database mydestination relayhost mynetworks mailbox_size_limit recipient_delimiter inet_interfaces inet_protocols ' +
    'default_transport relay_transport myorigin mailbox_command smtpd_use_tls cyrus_sasl_config_path mynetworks_style smtp_tls_CAfile'
  ).split(' '),
);

const text = async (machine: Machine, file: string): Promise<string | undefined> => (await machine.read(path(file)))?.toString();

const postfixFiles = async (machine: Machine): Promise<readonly string[]> => {
  const main = (await text(machine, '/etc/postfix/main.cf')) ?? '';
  const set = [...main.matchAll(/^([A-Za-z0-9_]+)[ \t]*=[ \t]*(.*)$/gm)].map(([, name = '', value = '']) => ({ name, value }));
  const own = set.some(({ name, value }) => !WRITTEN_BY_DEBIAN.has(name) || (name === 'relayhost' && value.trim() !== ''));
  const master = await text(machine, '/etc/postfix/master.cf');
  const pristine = await text(machine, '/usr/share/postfix/master.cf.dist');
  return [
    ...(own ? ['/etc/postfix/main.cf'] : []),
    ...(master !== undefined && pristine !== undefined && master !== pristine ? ['/etc/postfix/master.cf'] : []),
  ];
};

/** exim4-config writes the answers of its installation; `local` is the default on Debian. */
const eximFiles = async (machine: Machine): Promise<readonly string[]> => {
  const file = '/etc/exim4/update-exim4.conf.conf';
  const kind = /^dc_eximconfig_configtype='([^']*)'/m.exec((await text(machine, file)) ?? '')?.[1];
  return kind === undefined || kind === 'local' || kind === 'none' ? [] : [file];
};

const PACKAGES = [
  'dovecot-core',
  'dovecot-imapd',
  'dovecot-lmtpd',
  'dovecot-sieve',
  'dovecot-managesieved',
  'exim4-config',
  'exim4-base',
  'rspamd',
  'opensmtpd',
];

/** What Dovecot and Rspamd include by pattern (dovecot.conf, rspamd.conf as Debian ships them). */
const FOLDERS = [
  [path('/etc/dovecot/conf.d'), '.conf'],
  [path('/etc/dovecot'), 'local.conf'],
  [path('/etc/rspamd/local.d'), '.conf'],
  [path('/etc/rspamd/local.d'), '.inc'],
  [path('/etc/rspamd/override.d'), '.conf'],
  [path('/etc/rspamd/override.d'), '.inc'],
] as const;

export const refuseForeignServer = async (machine: Machine): Promise<void> => {
  const files = [
    ...(await postfixFiles(machine)),
    ...(await eximFiles(machine)),
    ...(await editedConffiles(machine, { packages: PACKAGES, folders: FOLDERS })),
  ];
  if (files.length === 0) return;
  throw environmentError({
    code: 'up.foreign-server',
    message: `a mail server that Hauspost did not make is configured here: ${files.join(', ')}`,
    remedy:
      "Use a fresh machine, remove those packages with their configuration (apt-get purge), or let 'hauspost up --replace' keep it as generation 0.",
    detail: { files },
  });
};

/** Programs that we configure, or that apt removes when Postfix comes. */
const OURS = new Set(['master', 'dovecot', 'nginx', 'unbound', 'rspamd', 'exim4', 'mariadbd']);

/** Every port that we will bind must be free, or held by a package default that we take over. */
export const refuseTakenPorts = async (machine: Machine, { wiring }: RenderInput): Promise<void> => {
  const wanted = wiring.listeners.filter((listener) => listener.transport === 'tcp');
  const overlaps = (a: string, b: string): boolean => a === b || a === '0.0.0.0' || b === '0.0.0.0' || a === '::' || b === '::';
  const holders = await holdersOf(machine, new Set(wanted.map((listener) => listener.port)));
  const taken = holders.filter(
    (holder) => !OURS.has(holder.program) && wanted.some((listener) => listener.port === holder.port && overlaps(listener.address, holder.address)),
  );
  if (taken.length === 0) return;
  const list = taken.map(
    (holder) => `${isIPv6(holder.address) ? `[${holder.address}]` : holder.address}:${holder.port} by ${holder.program} (process ${holder.pid})`,
  );
  throw environmentError({
    code: 'ports.taken',
    message: `ports that a mail server needs are taken: ${[...new Set(list)].join(', ')}`,
    remedy: 'Stop those programs, or let them use other ports.',
    detail: { taken: taken.map(({ address, port, program, pid }) => ({ address, port, program, pid })) },
  });
};
