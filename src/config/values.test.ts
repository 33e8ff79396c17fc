/** Every kind of value, at its edges and beyond, through the file as an operator writes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exampleConfig, parseConfig } from './index.ts';

const SEED = 20_250_711;

const LOCAL = 'profile = "local"\n';
const PUBLIC = 'profile = "public"\nhostname = "mail.example.org"\npostmaster = "admin@example.org"\n';

const codes = (section: string, line: string, server = LOCAL): readonly string[] => {
  const text = section === 'server' ? `[server]\n${server}${line}\n` : `[server]\n${server}[${section}]\n${line}\n`;
  const result = parseConfig(text, 'hauspost.toml');
  return result.ok ? [] : result.errors.map(({ code }) => code);
};

const check = (section: string, key: string, accepted: readonly string[], refused: Readonly<Record<string, string>>, server = LOCAL): void => {
  for (const value of accepted) assert.deepEqual(codes(section, `${key} = ${value}`, server), [], `${key} = ${value}`);
  for (const [value, code] of Object.entries(refused)) assert.deepEqual(codes(section, `${key} = ${value}`, server), [code], `${key} = ${value}`);
};

test('host names', () => {
  check('server', 'hostname', ['"mail.example.org"', "'mail.example.org'", '"bücher.example"', '"auto"'], {
    '"mail"': 'input.domain',
    '"mail.example.org."': 'input.domain',
    '"192.0.2.1"': 'input.domain',
    '""': 'input.domain',
    '["mail.example.org"]': 'config.wrong-type',
    '2025-01-01': 'config.wrong-type',
    '{ x = 1 }': 'config.wrong-type',
    '"mail.example.org\\n"': 'config.control-character',
    '"mail.example.org\\u0000"': 'config.control-character',
    '"mail.\\u202Eexample.org"': 'config.control-character',
    '"mail.example.org\\u2028"': 'config.control-character',
  });
});

test('addresses', () => {
  check('server', 'postmaster', ['"admin@example.org"', '"ADMIN@Example.org"'], {
    '"admin"': 'input.address',
    '"admin+tag@example.org"': 'input.local-part',
    '"\\"a b\\"@example.org"': 'input.local-part',
    '"a@b@example.org"': 'input.local-part',
    '"admin@localhost"': 'input.domain',
  });
});

test('lists of IP addresses', () => {
  check('network', 'bind', ['["127.0.0.1"]', '["::1", "127.0.0.1"]', '["0.0.0.0", "::"]', '"auto"'], {
    '[]': 'config.out-of-range',
    '"127.0.0.1"': 'config.wrong-type',
    '["127.0.0.1/8"]': 'input.ip-address',
    '["127.0.0.1:25"]': 'input.ip-address',
    '["fe80::1%eth0"]': 'input.ip-address',
    '["127.1"]': 'input.ip-address',
    '["::ffff:127.0.0.1"]': 'config.mapped-address',
    '["::1", "0:0::1"]': 'config.listed-twice',
    '["0.0.0.0", "127.0.0.1"]': 'config.exclusive',
    '["::", "::1"]': 'config.exclusive',
    '["127.0.0.1\\n"]': 'config.control-character',
  });
  check('resolver', 'forwarders', ['["192.0.2.53"]', '["127.0.0.53"]'], {
    '["0.0.0.0"]': 'config.out-of-range',
    '["auto"]': 'input.ip-address',
    '["::ffff:192.0.2.53"]': 'config.mapped-address',
  });
});

test('lists of networks', () => {
  const right = [
    '[]',
    '["192.0.2.77"]',
    '["192.0.2.0/24", "2001:db8::/32"]',
    '["2001:DB8:0::/48"]',
    '["0.0.0.0/1"]',
    '["192.0.2.1/32"]',
    '["64:ff9b::192.0.2.7"]',
  ];
  check('incoming', 'without_ptr', right, {
    '"192.0.2.0/24"': 'config.wrong-type',
    '["192.0.2.1/24"]': 'input.network',
    '["2001:db8::1/64"]': 'input.network',
    '["192.0.2.0/33"]': 'input.network',
    '["2001:db8::/129"]': 'input.network',
    '["0.0.0.0/0"]': 'input.network',
    '["192.0.2.0/"]': 'input.network',
    '["192.0.2.0/24/24"]': 'input.network',
    '["192.0.2.0/-1"]': 'input.network',
    '["192.0.2.0/255.255.255.0"]': 'input.network',
    '["::ffff:192.0.2.7"]': 'config.mapped-address',
    '["::FFFF:c000:207/128"]': 'config.mapped-address',
    '["::ffff:192.0.2.0/120"]': 'config.mapped-address',
    '["::ffff:0:0/96"]': 'config.mapped-address',
    '["192.0.2"]': 'input.ip-address',
    '["mail.example.org"]': 'input.ip-address',
    '["192.0.2.0/24", "192.0.2.0/24"]': 'config.listed-twice',
    '["2001:db8::/32", "2001:DB8:0::/32"]': 'config.listed-twice',
    '["192.0.2.7", "192.0.2.7/32"]': 'config.listed-twice',
    '["192.0.2.0/24} {0.0.0.0/0 permit"]': 'input.network',
  });
  assert.deepEqual(codes('incoming', 'allow = ["192.0.2.1"]\ndeny = ["192.0.2.0/24"]'), []);
  assert.deepEqual(codes('incoming', 'allow = ["192.0.2.0/24"]\ndeny = ["192.0.2.0/24"]'), ['config.exclusive']);
});

test('blocklists', () => {
  const right = [
    '"auto"',
    '[]',
    '["zen.spamhaus.org"]',
    '["zen.spamhaus.org*3"]',
    '["zen.spamhaus.org=127.0.0.2"]',
    '["zen.spamhaus.org=127.0.0.[2..11]*3", "list.dnswl.org=127.0.[0..255].[1..3]*-3"]',
    '["l.example.org=127.0.0.[2;4..6;9]*1"]',
    '["l.example.org=127.0.0.[2..2]"]',
  ];
  check('incoming', 'dnsbl', right, {
    '"zen.spamhaus.org"': 'config.wrong-type',
    '["zen"]': 'input.domain',
    '["zen.spamhaus.org*0"]': 'input.blocklist',
    '["zen.spamhaus.org*-0"]': 'input.blocklist',
    '["zen.spamhaus.org*101"]': 'input.blocklist',
    '["zen.spamhaus.org*x"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.256*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.[2..256]*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.[11..2]*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.[1;9..8]*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.[2..*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.2.*3"]': 'input.blocklist',
    '["zen.spamhaus.org=127.0.0.[]*3"]': 'input.blocklist',
    '["zen.spamhaus.org*3*3"]': 'input.blocklist',
    '["zen.spamhaus.org, list.dnswl.org"]': 'input.domain',
    '["a.example, reject"]': 'input.domain',
    '["zen.spamhaus.org*3", "ZEN.spamhaus.org*3"]': 'config.listed-twice',
  });
  check('incoming', 'dnsbl_threshold', ['1', '100'], { '0': 'config.out-of-range', '101': 'config.out-of-range', '"3"': 'config.wrong-type' });
});

test("the remedy has the operator's own value in the right form, and the example where that cannot be told or would be wrong as well", () => {
  const remedy = (section: string, line: string): string => {
    const result = parseConfig(`[server]\nprofile = "local"\n[${section}]\n${line}\n`, 'hauspost.toml');
    return result.ok ? 'right' : (result.errors[0]?.remedy ?? '');
  };
  for (const [section, line, expected] of [
    ['mail', 'queue_lifetime = "5 days"', 'Write queue_lifetime = "5d".'],
    ['mail', 'queue_lifetime = "5d"', 'right'],
    ['mail', 'queue_lifetime = 4', 'Write queue_lifetime = "4d".'],
    ['mail', 'queue_lifetime = "40 days"', 'Write queue_lifetime = "3d".'],
    ['mail', 'queue_lifetime = "soon"', 'Write queue_lifetime = "3d".'],
    ['logins', 'period = "2 hours"', 'Write period = "2h".'],
    ['logs', 'retention = "2 weeks"', 'Write retention = "2w".'],
    ['dkim', 'rotate = "90 days"', 'Write rotate = "90d".'],
    ['dns', 'ttl = "30 min"', 'Write ttl = "30m".'],
    ['mail', 'message_size_limit = 52428800', 'Write message_size_limit = "50M".'],
    ['mail', 'message_size_limit = "25"', 'Write message_size_limit = "25M".'],
    ['mail', 'message_size_limit = "51200k"', 'Write message_size_limit = "50M".'],
    ['mail', 'message_size_limit = "25M"', 'right'],
    ['mail', 'default_quota = "1,5 GB"', 'Write default_quota = "1536M".'],
    ['mail', 'default_quota = "2 gigabytes"', 'Write default_quota = "2G".'],
    ['mail', 'default_quota = "much"', 'Write default_quota = "5G".'],
    ['incoming', 'without_ptr = ["192.0.2.1/24"]', 'Write 192.0.2.0/24 for the network, or 192.0.2.1 for the one address.'],
    ['incoming', 'allow = ["::ffff:192.0.2.7"]', 'Write 192.0.2.7.'],
    ['incoming', 'deny = ["::ffff:192.0.2.0/120"]', 'Write 192.0.2.0/24.'],
    ['incoming', 'deny = ["::ffff:0:0/96"]', 'Write 0.0.0.0/1 and 128.0.0.0/1.'],
    ['incoming', 'deny = ["0.0.0.0/1", "128.0.0.0/1"]', 'right'],
  ] as const)
    assert.equal(remedy(section, line), expected, line);
});

test('sizes', () => {
  check('mail', 'message_size_limit', ['"1M"', '"50M"', '"50 MB"', '"1G"', '"1024M"'], {
    '"0"': 'config.out-of-range',
    '"1025M"': 'config.out-of-range',
    '"52428800"': 'input.size',
    '52428800': 'config.wrong-type',
    '"50K"': 'input.quota',
    '"-1M"': 'input.quota',
    '"auto"': 'input.quota',
  });
  check('mail', 'default_quota', ['"0"', '"1M"', '"2G"'], { '"1025T"': 'input.quota', true: 'config.wrong-type' });
});

test('durations', () => {
  check('mail', 'queue_lifetime', ['"1d"', '"120h"', '"30d"', '"7200m"'], {
    '"90m"': 'config.out-of-range',
    '"0h"': 'config.out-of-range',
    '"31d"': 'config.out-of-range',
    '"1500m1s"': 'config.out-of-range',
    '"5"': 'input.duration',
    '5': 'config.wrong-type',
  });
  check('dkim', 'rotate', ['"never"', '"1d"', '"48h"', '"26w"'], { '"always"': 'input.duration', '"36h"': 'config.out-of-range' });
  check('mail', 'expire_spam', ['"never"', '"1d"', '"4w"', '"3650d"'], { '"Never"': 'input.duration', '"12h"': 'config.out-of-range' });
  check('mail', 'expire_trash', ['"never"', '"30d"'], { '"0d"': 'config.out-of-range', '30': 'config.wrong-type' });
  check('dkim', 'retire_after', ['"1s"', '"90m"', '"365d"'], { '"0s"': 'config.out-of-range', '"never"': 'input.duration' });
  check('logs', 'retention', ['"1d"', '"2w"', '"365d"', '"48h"'], { '"36h"': 'config.out-of-range', '"366d"': 'config.out-of-range' });
});

test('whole numbers', () => {
  check('mail', 'recipients_per_message', ['100', '1_000', '0x3e8', '10000'], {
    '99': 'config.out-of-range',
    '10001': 'config.out-of-range',
    '99999999999999999999999': 'config.out-of-range',
    '-100': 'config.out-of-range',
    '150.5': 'config.wrong-type',
    inf: 'config.wrong-type',
    nan: 'config.wrong-type',
    '"200"': 'config.wrong-type',
  });
});

test('a relay host, and what belongs together', () => {
  const text = (lines: string): readonly string[] => codes('outgoing', lines);
  const [host, user, file] = ['relay_host = "smtp.example.com"', 'relay_user = "me@example.org"', 'relay_password_file = "/etc/p"'];
  for (const right of ['', host, `${host}\nrelay_port = 465`, `${host}\n${user}\n${file}`, `relay_port = 25\n${host}`, 'relay_port = 465'])
    assert.deepEqual(text(right), [], right);
  assert.deepEqual(text(`${host}\n${user}`), ['config.missing']);
  assert.deepEqual(text(`${host}\n${file}`), ['config.missing']);
  assert.deepEqual(text(`${user}\n${file}`), ['config.missing']);
  for (const [wrong, code] of [
    ['relay_host = "[smtp.example.com]:587"', 'input.domain'],
    ['relay_host = "192.0.2.1"', 'input.domain'],
    [`${host}\nrelay_port = 0`, 'config.out-of-range'],
    [`${host}\nrelay_port = 65536`, 'config.out-of-range'],
    [`${host}\nrelay_port = "587"`, 'config.wrong-type'],
    [`${host}\nrelay_user = "me:x"\n${file}`, 'input.user-name'],
    [`${host}\nrelay_user = "me x"\n${file}`, 'input.user-name'],
    [`${host}\nrelay_user = ""\n${file}`, 'input.user-name'],
    [`${host}\nrelay_user = "me\\nx"\n${file}`, 'config.control-character'],
    [`${host}\n${user}\nrelay_password_file = "secret"`, 'input.path'],
  ] as const)
    assert.deepEqual(text(wrong), [code], wrong);
});

test('names in DNS: how long they live, who takes changes of them, and with which key', () => {
  check('dns', 'ttl', ['"60s"', '"5m"', '"1h"', '"1d12h"', '"7d"'], {
    '"59s"': 'config.out-of-range',
    '"8d"': 'config.out-of-range',
    '"3600"': 'input.duration',
    '3600': 'config.wrong-type',
  });
  check('dns', 'dmarc', ['"none"', '"quarantine"', '"reject"'], {
    '"Reject"': 'config.out-of-range',
    '"p=reject"': 'config.out-of-range',
    false: 'config.wrong-type',
  });
  const both = (server: string, file = '"/etc/k"'): readonly string[] => codes('dns', `update_server = ${server}\nupdate_key_file = ${file}`);
  for (const right of ['"192.0.2.53"', '"192.0.2.53:5353"', '"2001:db8::53"', '"[2001:db8::53]"', '"[2001:db8::53]:65535"'])
    assert.deepEqual(both(right), [], right);
  for (const [wrong, code] of [
    ['"ns1.example.org"', 'input.ip-address'],
    ['"192.0.2.53 53"', 'input.ip-address'],
    ['"192.0.2.53#53"', 'input.ip-address'],
    ['"192.0.2.53:domain"', 'input.ip-address'],
    ['"192.0.2.53:0"', 'input.server-address'],
    ['"192.0.2.53:65536"', 'input.server-address'],
    ['"[192.0.2.53]:53"', 'input.server-address'],
    ['"0.0.0.0"', 'input.server-address'],
    ['"::"', 'input.server-address'],
    ['"fe80::1%eth0"', 'input.ip-address'],
    ['"192.0.2.53\\n"', 'config.control-character'],
    ['["192.0.2.53"]', 'config.wrong-type'],
  ] as const)
    assert.deepEqual(both(wrong), [code], wrong);
  assert.deepEqual(both('"192.0.2.53"', '"dns-key"'), ['input.path']);
  assert.deepEqual(codes('dns', 'update_server = "192.0.2.53"'), ['config.missing']);
  assert.deepEqual(codes('dns', 'update_key_file = "/etc/k"'), ['config.missing']);
});

test('flags', () => {
  check('web_ui', 'enabled', ['true', 'false'], { '"true"': 'config.wrong-type', '1': 'config.wrong-type' });
});

test('key and chain belong to source "files", and only to it', () => {
  const text = (lines: string): readonly string[] => codes('tls', lines, PUBLIC);
  assert.deepEqual(text('source = "files"\nkey = "/k"\nchain = "/c"'), []);
  assert.deepEqual(text('source = "own-ca"'), []);
  assert.deepEqual(text('source = "files"'), ['config.missing', 'config.missing']);
  assert.deepEqual(text('source = "files"\nkey = "/k"'), ['config.missing']);
  assert.deepEqual(text('key = "/k"\nchain = "/c"'), ['config.exclusive', 'config.exclusive']);
  assert.deepEqual(text('source = "acme"'), []);
  assert.deepEqual(text('source = "acme"\nemail = "hostmaster@example.org"\nchallenge = "dns"\nkey_type = "rsa"'), []);
  assert.deepEqual(text('source = "acme"\nkey = "/k"\nchain = "/c"'), ['config.exclusive', 'config.exclusive']);
  assert.deepEqual(text('source = "own-ca"\nkey_type = "rsa"'), []);
  assert.deepEqual(
    text('email = "hostmaster@example.org"\nchallenge = "dns"\ndirectory = "https://acme.example.org/d"'),
    Array(3).fill('config.exclusive'),
  );
  assert.deepEqual(text('source = "files"\nkey = "/k"\nchain = "/c"\nkey_type = "rsa"'), ['config.exclusive']);
  assert.deepEqual(text('source = "own-ca"\nchallenge = "http"'), [], 'which means nothing');
  // A source that was refused says nothing about the others.
  assert.deepEqual(text('source = "file"\nkey = "/k"'), ['config.out-of-range']);
});

test('where the authority is asked', () => {
  check(
    'tls',
    'source = "acme"\ndirectory',
    ['"https://acme.example.org/directory"', '"https://ACME.example.org:14000/dir"'],
    {
      '"http://acme.example.org/directory"': 'input.url',
      '"acme.example.org"': 'input.url',
      '"https://root:secret@acme.example.org/"': 'input.url',
      '"https://acme.example.org/a b"': 'input.url',
      true: 'config.wrong-type',
    },
    PUBLIC,
  );
});

test('a public authority is asked for the names of a public server only', () => {
  assert.deepEqual(codes('tls', 'source = "acme"', PUBLIC), []);
  const text = '[server]\nprofile = "local"\n\n[tls]\nsource = "acme"\n';
  const result = parseConfig(text, 'hauspost.toml');
  assert.deepEqual(result.ok ? [] : result.errors.map(({ code, path, line, remedy }) => [code, path, line, remedy]), [
    ['config.exclusive', 'tls.source', 5, 'Write source = "own-ca" below [tls], or profile = "public" below [server].'],
  ]);
});

test('forwarders contradict a recursive resolver', () => {
  assert.deepEqual(codes('resolver', 'mode = "recursive"\nforwarders = ["192.0.2.53"]'), ['config.exclusive']);
  assert.deepEqual(codes('resolver', 'mode = "recursive"\nforwarders = "auto"'), []);
  assert.deepEqual(codes('resolver', 'mode = "forward"\nforwarders = ["192.0.2.53"]'), []);
});

test('profile "public" needs a host name and a postmaster', () => {
  const text = (lines: string): readonly (readonly [string, string])[] => {
    const result = parseConfig(`[server]\nprofile = "public"\n${lines}`, 'hauspost.toml');
    return result.ok ? [] : result.errors.map(({ path, code }) => [path, code]);
  };
  assert.deepEqual(text('hostname = "mail.example.org"\npostmaster = "admin@example.org"\n'), []);
  assert.deepEqual(text('hostname = "auto"\n'), [
    ['server.hostname', 'config.missing'],
    ['server.postmaster', 'config.missing'],
  ]);
});

test(`whatever the text is, reading it ends in a configuration or in problems of one line each (seed ${SEED})`, () => {
  const lines = exampleConfig()
    .split('\n')
    .map((line) => line.replace(/^#(?! )/, ''));
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...lines) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '[',
        ']]',
        '"""',
        "'",
        '=',
        '[mail',
        'a.b.c = 1',
        'bind = [',
        '{',
        '# \u0000',
        '\r',
        '__proto__ = 1',
        '[constructor]',
      ),
    },
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (parts) => {
      const result = parseConfig(parts.join('\n'), 'hauspost.toml');
      if (result.ok) return;
      assert.ok(result.errors.length > 0);
      for (const { line, column, message, remedy, path, value = '' } of result.errors) {
        assert.ok(line >= 1 && column >= 1);
        assert.match(`${message}${remedy}${path}${value}`, /^[ -~]+$/);
      }
    }),
    { seed: SEED, numRuns: 150 },
  );
});
