/**
 * Postfix before the first apply: whether main.cf and master.cf are what the package's own scripts write, whatever was answered to their
 * questions ("Local only", "Internet Site", a host of any name; postfix.postinst and main.cf.debian of Debian 11 to 13). An edit is not.
 */
import { path } from '#base';
import type { Machine } from '#machine';

const MAIN = '/etc/postfix/main.cf';
const MASTER = '/etc/postfix/master.cf';

/** Values of each parameter; lists are compared with one blank between their elements. */
const WRITTEN: Readonly<Record<string, readonly string[]>> = {
  smtpd_banner: ['$myhostname ESMTP $mail_name (Debian/GNU)', '$myhostname ESMTP $mail_name (Debian)'],
  biff: ['no'],
  append_dot_mydomain: ['no'],
  readme_directory: ['no', '/usr/share/doc/postfix'],
  html_directory: ['no', '/usr/share/doc/postfix/html'],
  compatibility_level: ['2', '3.6', '3.9'],
  myorigin: ['/etc/mailname', '$myhostname'],
  alias_maps: ['hash:/etc/aliases', 'hash:/etc/aliases nis:mail.aliases'],
  alias_database: ['hash:/etc/aliases'],
  relayhost: [''],
  mynetworks: ['127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128', '127.0.0.0/8'],
  mynetworks_style: ['host'],
  mailbox_size_limit: ['0', '51200000'],
  mailbox_command: ['', 'procmail -a "$EXTENSION"'],
  recipient_delimiter: ['', '+'],
  inet_interfaces: ['all', 'loopback-only'],
  inet_protocols: ['all', 'ipv4', 'ipv6'],
  default_transport: ['smtp', 'error'],
  relay_transport: ['smtp', 'error', 'relay'],
  smtpd_relay_restrictions: ['permit_mynetworks permit_sasl_authenticated defer_unauth_destination'],
  smtpd_tls_cert_file: ['/etc/ssl/certs/ssl-cert-snakeoil.pem'],
  smtpd_tls_key_file: ['/etc/ssl/private/ssl-cert-snakeoil.key'],
  smtpd_tls_security_level: ['may'],
  smtpd_use_tls: ['yes'],
  smtpd_tls_session_cache_database: ['btree:${data_directory}/smtpd_scache'],
  smtp_tls_CApath: ['/etc/ssl/certs'],
  smtp_tls_CAfile: ['/etc/ssl/certs/ca-certificates.crt'],
  smtp_tls_security_level: ['may'],
  smtp_tls_session_cache_database: ['btree:${data_directory}/smtp_scache'],
  cyrus_sasl_config_path: ['/etc/postfix/sasl'],
};

const words = (value: string): readonly string[] => value.split(/[\s,]+/).filter((word) => word !== '');

/** postconf(5): a line that begins with white space goes on with the one before, comments between them left out; the last value counts. */
const parameters = (text: string): ReadonlyMap<string, string> => {
  const lines: string[] = [];
  for (const line of text.split('\n').filter((each) => !/^\s*(#|$)/.test(each))) {
    if (/^\s/.test(line)) lines.push(`${lines.pop() ?? ''} ${line}`);
    else lines.push(line);
  }
  return new Map(lines.map((line) => [line.split('=', 1)[0]?.trim() ?? '', words(line.slice(line.indexOf('=') + 1)).join(' ')]));
};

/** Names by which the installation called this machine: of mydestination no others are its own doing. */
const ownNames = (...names: readonly string[]): ReadonlySet<string> =>
  new Set(['$myhostname', 'localhost', 'localdomain', 'localhost.$mydomain', ...names.flatMap(words)]);

const isDefault = (name: string, value: string, own: ReadonlySet<string>): boolean => {
  if (name === 'myhostname') return words(value).length <= 1;
  if (name === 'mydestination') return words(value).every((word) => own.has(word) || word.startsWith('localhost.'));
  return WRITTEN[name]?.includes(value) === true;
};

export const editedPostfixFiles = async (machine: Machine): Promise<readonly string[]> => {
  const text = async (file: string): Promise<string | undefined> => (await machine.read(path(file)))?.toString();
  const set = parameters((await text(MAIN)) ?? '');
  const own = ownNames(set.get('myhostname') ?? '', (await text('/etc/mailname')) ?? '', (await text('/etc/hostname')) ?? '');
  const [master, pristine] = [await text(MASTER), await text('/usr/share/postfix/master.cf.dist')];
  return [
    ...([...set].every(([name, value]) => isDefault(name, value, own)) ? [] : [MAIN]),
    ...(master !== undefined && pristine !== undefined && master !== pristine ? [MASTER] : []),
  ];
};
