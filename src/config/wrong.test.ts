/** Every option refuses what it cannot be, three values at least, with its path, its place and what to write; and takes its example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from './index.ts';
import { SECTIONS } from './sections.ts';

const NETWORKS = ['"192.0.2.0/24"', '["192.0.2.1/24"]', '["192.0.2.0/24\\n0.0.0.0/1"]', '["::/0"]'];
const FILES = ['"relative/path"', '"/etc/../etc/shadow"', '"/etc/a\\nb"', '["/etc/a"]'];
const COUNTS = ['-1', '1.5', '"10"', '10000000'];

/** Written as in the file; some of them would end a line or a string of a daemon's configuration. */
const WRONG: Readonly<Record<string, readonly string[]>> = {
  'server.profile': ['"private"', 'true', '"local\\n"', '""'],
  'server.hostname': ['"mail"', '"mail.example.org\\nmydestination = all"', '"$(id).example.org"', '7'],
  'server.postmaster': ['"admin"', '"admin@localhost"', '"a\'b@example.org"', '"a@example.org\\n"'],
  'server.language': ['"fr"', '"DE"', '1', '"de\\n"'],
  'network.bind': ['[]', '"192.0.2.25"', '["192.0.2.25:25"]', '["192.0.2.25; include /etc/shadow"]'],
  'network.public_addresses': ['[]', '"203.0.113.25"', '["203.0.113.0/24"]', '["203.0.113.25, 0.0.0.0"]'],
  'tls.source': ['"letsencrypt"', 'false', '"files\\n"'],
  'tls.key': FILES,
  'tls.chain': FILES,
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
  'logins.failures_per_client': COUNTS,
  'logins.failures_per_account': COUNTS,
  'logins.period': ['"0h"', '"8d"', '"90m"', '60'],
  'logins.never_limited': NETWORKS,
  'mail.message_size_limit': ['"0"', '"2G"', '50', '"50M\\n"'],
  'mail.default_quota': ['"-1"', '"1.5G"', '1024', '"1G;"'],
  'mail.queue_lifetime': ['"10m"', '"31d"', '5', '"5d\\n"'],
  'mail.bounce_lifetime': ['"10m"', '"31d"', '5'],
  'mail.recipients_per_message': ['99', '10001', '"1000"'],
  'filters.before': FILES,
  'filters.after': FILES,
  'logs.retention': ['"12h"', '"366d"', '7'],
  'web_ui.enabled': ['"yes"', '0', '{}'],
};

const options = Object.values(SECTIONS).flatMap((section) =>
  Object.values(section.options).map((option) => ({ path: `${section.name}.${option.key}`, section: section.name, key: option.key })),
);

const read = (section: string, line: string): ReturnType<typeof parseConfig> => {
  const profile = line.startsWith('profile') ? '' : 'profile = "local"\n';
  const header = section === 'server' ? '' : `[${section}]\n`;
  return parseConfig(`[server]\n${profile}${header}${line}\n`, 'hauspost.toml');
};

test('the table has every option, and three values at least for each', () => {
  assert.deepEqual(Object.keys(WRONG).toSorted(), options.map(({ path }) => path).toSorted());
  for (const [path, values] of Object.entries(WRONG)) assert.ok(values.length >= 3, path);
});

for (const { path, section, key } of options) {
  test(`${path}: what it cannot be is refused`, () => {
    for (const value of WRONG[path] ?? []) {
      const result = read(section, `${key} = ${value}`);
      assert.equal(result.ok, false, value);
      const own = result.ok ? undefined : result.errors.find((error) => error.path === path && error.message.startsWith(path));
      assert.ok(own !== undefined, `${value}: ${JSON.stringify(result)}`);
      assert.doesNotMatch(own.message, /[\r\n]/, value);
      assert.ok(own.remedy.length > 0 && own.line !== undefined, value);
    }
  });
}
