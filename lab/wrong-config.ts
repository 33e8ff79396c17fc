/**
 * Values that an option of the configuration cannot have, three at least for each, written as in the file. Some of them would end a line, a
 * string or a block of a daemon's configuration. Nothing of it may change anything.
 */

const NETWORKS = ['"192.0.2.0/24"', '["192.0.2.1/24"]', '["192.0.2.0/24\\n0.0.0.0/1"]', '["::/0"]'];
const PLAIN_FILES = ['"/etc/a b.pem"', '"/etc/a,b.pem"', '"/etc/$a.pem"', '"/etc/a;b.pem"', '"/etc/{a}.pem"', '"/etc/\u00e4.pem"'];
const FILES = ['"relative/path"', '"/etc/../etc/shadow"', '"/etc/a\\nb"', '["/etc/a"]'];
const COUNTS = ['-1', '1.5', '"10"', '10000000'];

/** By path of the option. */
export const WRONG_VALUES: Readonly<Record<string, readonly string[]>> = {
  'server.profile': ['"private"', 'true', '"local\\n"', '""'],
  'server.hostname': ['"mail"', '"mail.example.org\\nmydestination = all"', '"$(id).example.org"', '7'],
  'server.postmaster': [
    '"admin"',
    '"admin@localhost"',
    '"a\'b@example.org"',
    '"a@example.org\\n"',
    '"{a}@example.org"',
    '"a=b@example.org"',
    '"a!b@example.org"',
    '"-a@example.org"',
  ],
  'server.language': ['"fr"', '"DE"', '1', '"de\\n"'],
  'network.bind': ['[]', '"192.0.2.25"', '["192.0.2.25:25"]', '["192.0.2.25; include /etc/shadow"]'],
  'network.public_addresses': ['[]', '"203.0.113.25"', '["203.0.113.0/24"]', '["203.0.113.25, 0.0.0.0"]'],
  'tls.source': ['"letsencrypt"', 'false', '"files\\n"'],
  'tls.directory': ['"http://acme.example.org/directory"', '"acme.example.org"', '"https://acme.example.org/\\n--force"', 'true'],
  'tls.email': ['"hostmaster"', '"a@b@example.org"', '"a@example.org --force"', '1'],
  'tls.challenge': ['"tls-alpn"', 'true', '"dns\\n"'],
  'tls.key_type': ['"ed25519"', '256', '"rsa\\n"'],
  'tls.key': [...FILES, ...PLAIN_FILES],
  'tls.chain': [...FILES, ...PLAIN_FILES],
  'dns.ttl': ['"59s"', '"8d"', '3600', '"1h\\n"'],
  'dns.dmarc': ['"p=reject"', 'true', '"none\\n"'],
  'dns.update_server': ['"ns1.example.org"', '"192.0.2.53 53"', '"192.0.2.53:0"', '"192.0.2.53\\nsend"'],
  'dns.update_key_file': FILES,
  'resolver.mode': ['"none"', '1', '"recursive\\n"'],
  'resolver.forwarders': ['[]', '"192.0.2.53"', '["dns.example.org"]', '["192.0.2.53@53"]'],
  'resolver.validate': ['"yes"', '1', '[true]'],
  'incoming.allow': NETWORKS,
  'incoming.deny': NETWORKS,
  'incoming.without_ptr': NETWORKS,
  'incoming.dnsbl': ['"zen.example.org"', '["zen.example.org*1000"]', '["zen.example.org, other.example.org"]', '["zen.example.org\\n"]'],
  'incoming.dnsbl_threshold': ['0', '101', '"3"'],
  'outgoing.relay_host': ['"smtp"', '"smtp.example.com:587"', '"[192.0.2.1]"', '"smtp.example.com}"'],
  'outgoing.relay_port': ['0', '65536', '"587"'],
  'outgoing.relay_user': ['""', '"a b"', '"a:b"', '"a\\nb"'],
  'outgoing.relay_password_file': FILES,
  'outgoing.recipients_per_hour': COUNTS,
  'outgoing.tried_domains': ['"example.net"', '["example"]', '["example.net", "example.net"]', '["example.net\\n"]', '["exa mple.net"]'],
  'logins.failures_per_client': COUNTS,
  'logins.failures_per_account': COUNTS,
  'logins.period': ['"0h"', '"8d"', '"90m"', '60'],
  'logins.never_limited': NETWORKS,
  'mail.message_size_limit': ['"0"', '"2G"', '50', '"50M\\n"'],
  'mail.default_quota': ['"-1"', '"1.5G"', '1024', '"1G;"'],
  'mail.queue_lifetime': ['"10m"', '"31d"', '5', '"5d\\n"'],
  'mail.bounce_lifetime': ['"10m"', '"31d"', '5'],
  'mail.recipients_per_message': ['99', '10001', '"1000"'],
  'mail.expire_spam': ['"Never"', '"12h"', '"0d"', '"36h"', '30', 'false'],
  'mail.expire_trash': ['"0"', '"3651d"', '"30d\\n"'],
  'filters.before': FILES,
  'filters.after': FILES,
  'dkim.rotate': ['"Never"', '"12h"', '"0d"', '"36h"', '180', 'false'],
  'dkim.retire_after': ['"0s"', '"never"', '"366d"', '7'],
  'logs.retention': ['"12h"', '"366d"', '7'],
  'web_ui.enabled': ['"yes"', '0', '{}'],
};

/** A whole file in which this one value is wrong. */
export const fileWith = (path: string, value: string): string => {
  const [section, key] = path.split('.');
  const profile = path === 'server.profile' ? '' : 'profile = "local"\n';
  const header = section === 'server' ? '' : `[${section}]\n`;
  return `[server]\n${profile}${header}${key} = ${value}\n`;
};
