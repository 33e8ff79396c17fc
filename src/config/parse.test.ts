import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigProblem, configError, describeProblem, parseConfig } from './index.ts';

const problems = (text: string): readonly ConfigProblem[] => {
  const result = parseConfig(text, 'hauspost.toml');
  return result.ok ? [] : result.errors;
};

/** Line, path, code: what a problem is about. */
const brief = (text: string): readonly string[] => problems(text).map(({ line, path, code }) => `${line} ${path} ${code}`);

const LOCAL = '[server]\nprofile = "local"\n';

test('a valid file gives what the operator wants, with defaults where nothing is written', () => {
  const result = parseConfig(
    `
[server]
profile = "public"
hostname = "Mail.Example.ORG"
postmaster = "Admin@Example.org"
[network]
bind = ["192.0.2.25", "2001:DB8:0::25"]
[mail]
default_quota = "0"
queue_lifetime = "1d12h"
`,
    'hauspost.toml',
  );
  assert.ok(result.ok);
  const { server, network, mail } = result.value;
  assert.deepEqual([server.profile, server.hostname, server.postmaster], ['public', 'mail.example.org', 'admin@example.org']);
  assert.deepEqual(network.bind, ['192.0.2.25', '2001:db8::25']);
  assert.deepEqual([mail.defaultQuota, mail.queueLifetimeHours, mail.messageSizeLimit, mail.bounceLifetimeHours], [0, 36, 50, 24]);
});

test('twelve mistakes in one file are reported all at once, with line, path and remedy', () => {
  const text = `# twelve mistakes
[server]
profile = "publik"
hostname = "mail"
postmaster = admin@example.org

[network]
bind = ["192.0.2.25", 7]

[tls]
source = "files"
key = "ssl/mail.key"

[mail]
mesage_size_limit = "50M"
default_quota = 1024
queue_lifetime = "5d"
queue_lifetime = "4d"
bounce_lifetime = "6d"

[logs]
retention = "400d"

[backup]
to = "x"
`;
  const expected: readonly (readonly [number, number, string, string, string | undefined, string])[] = [
    [3, 11, 'server.profile', 'config.out-of-range', '"publik"', 'Write profile = "public".'],
    [4, 12, 'server.hostname', 'input.domain', '"mail"', 'Write hostname = "mail.example.org".'],
    [5, 14, 'server.postmaster', 'config.syntax', 'postmaster = admin@example.org', 'Write postmaster = "admin@example.org"'],
    [8, 23, 'network.bind', 'config.wrong-type', '7', 'Write bind = ["192.0.2.25", "2001:db8::25"].'],
    [10, 1, 'tls.chain', 'config.missing', undefined, 'Write chain = "/etc/ssl/mail.example.org.pem" below [tls], or source = "own-ca".'],
    [12, 7, 'tls.key', 'input.path', '"ssl/mail.key"', 'Write key = "/etc/ssl/private/mail.example.org.key".'],
    [15, 1, 'mail.mesage_size_limit', 'config.unknown-key', '"50M"', 'Write message_size_limit.'],
    [16, 17, 'mail.default_quota', 'config.wrong-type', '1024', 'Write default_quota = "1024M".'],
    [18, 1, 'mail.queue_lifetime', 'config.duplicate-key', 'queue_lifetime = "4d"', 'Keep one of the two lines and remove the other.'],
    [19, 1, 'mail.bounce_lifetime', 'config.exclusive', '"6d"', 'Write bounce_lifetime = "5d" or less.'],
    [22, 13, 'logs.retention', 'config.out-of-range', '"400d"', 'Write a duration from 1d to 365d.'],
    [
      24,
      1,
      'backup',
      'config.unknown-table',
      undefined,
      'Sections: server, network, tls, dns, dkim, resolver, incoming, outgoing, logins, mail, filters, logs, web_ui.',
    ],
  ];
  const found = problems(text);
  assert.deepEqual(
    found.map(({ line, column, path, code, value, remedy }) => [line, column, path, code, value, remedy]),
    expected,
  );
  assert.ok(found.every(({ file, message }) => file === 'hauspost.toml' && message !== '' && !message.includes('\n')));
});

test('an empty file, or one of comments only, is one problem', () => {
  for (const text of ['', '\n\n', '# nothing\n', '\uFEFF']) assert.deepEqual(brief(text), ['1  config.empty'], JSON.stringify(text));
  assert.deepEqual(brief(LOCAL), []);
});

test('what a syntax error does not touch is still checked', () => {
  const wrong = '[logs]\nretention = "1h"\n';
  const cases: readonly (readonly [string, string])[] = [
    ['[network]\nbind = ["127.0.0.1",\n\n', '4 network.bind config.syntax'],
    ['postmaster = "a@example.org\n\n\n', '3 server.postmaster config.syntax'],
    ['postmaster = """a@example.org\n\n\n', '3 server.postmaster config.syntax'],
    ['[mail\nqueue_lifetime = "2d"\n\n', '3 mail config.syntax'],
    ['[mail]\nqueue_lifetime 2d\n\n', '4 mail.queue_lifetime config.syntax'],
    ['[mail]\nqueue_lifetime: 2d\n\n', '4 mail.queue_lifetime config.syntax'],
    ['[mail]\nqueue_lifetime =\n\n', '4 mail.queue_lifetime config.syntax'],
    ['[network]\nbind = [\n  "127.0.0.1",\n  ::1,\n]\n', '6 network config.syntax'],
    ['[mail]\nqueue_lifetime = "2d"\n[mail]\n', '5 mail config.duplicate-key'],
    ['[]\nx = 1\n\n', '3  config.syntax'],
    ['}\n\n\n', '3 server config.syntax'],
  ];
  for (const [broken, expected] of cases) {
    const line = `${LOCAL}${broken}`.split('\n').length + 1;
    assert.deepEqual(brief(`${LOCAL}${broken}${wrong}`), [expected, `${line} logs.retention config.out-of-range`], broken);
  }
});

test('options below a repeated or broken heading still belong to their section', () => {
  assert.deepEqual(brief(`${LOCAL}[mail]\n[mail]\nqueue_lifetime = 1\n[mail]\nqueue_lifetime = 1\n`).slice(0, 2), [
    '4 mail config.duplicate-key',
    '5 mail.queue_lifetime config.wrong-type',
  ]);
  assert.deepEqual(brief('[server\nprofile = "local"\nhostname = 5\n'), ['1 server config.syntax', '3 server.hostname config.wrong-type']);
});

test('a syntax error is explained by the line as it was probably meant', () => {
  const remedy = (line: string): string | undefined => problems(`${LOCAL}[mail]\n${line}\n`)[0]?.remedy;
  assert.equal(remedy('default_quota = 2G # each'), 'Write default_quota = "2G"');
  assert.equal(remedy('default_quota 2G'), 'Write default_quota = "2G"');
  assert.equal(remedy('default_quota = “2G”'), 'Write default_quota = "2G"');
  assert.equal(remedy('default_quota = „2G“ # each'), 'Write default_quota = "2G"');
  assert.equal(remedy('x = “yes”'), 'Write x = true');
  assert.equal(remedy('x = yes'), 'Write x = true');
  assert.equal(remedy('x = Off'), 'Write x = false');
  assert.equal(remedy('default_quota ='), 'Write a value after the equals sign, or remove the line.');
  assert.equal(remedy('default_quota = "2G'), 'Close the text with a double quote on the same line.');
});

test('a misspelt name is reported once, and its value is checked as if it were right', () => {
  assert.deepEqual(brief('[sever]\nprofile = "local"\nhostnam = 5\n'), [
    '1 sever config.unknown-table',
    '3 server.hostnam config.unknown-key',
    '3 server.hostname config.wrong-type',
  ]);
  assert.deepEqual(brief('[server]\nprofile = "public"\nhostnam = "mail.example.org"\npostmaster = "a@example.org"\n'), [
    '3 server.hostnam config.unknown-key',
  ]);
  assert.equal(problems(`${LOCAL}[weather]\nx = 1\ny = 2\n`).length, 1);
});

test('the form of the file may vary', () => {
  for (const text of [
    'server = { profile = "local" }\n',
    'server.profile = "local"\n',
    '["server"]\n"profile" = \'local\'\n',
    '\uFEFF[server]\r\nprofile = "local"\r\n',
    '[server]\nprofile = "local"\nhostname = "auto"\n',
  ]) {
    assert.deepEqual(brief(text), [], text);
  }
});

test('what stands in the wrong place is told its place', () => {
  assert.deepEqual(
    problems('profile = "local"\n[server]\n').map(({ code, remedy }) => [code, remedy]),
    [['config.unknown-key', 'Write it below [server].']],
  );
  assert.deepEqual(brief('[[server]]\nprofile = "local"\n'), ['1 server config.wrong-type']);
  assert.deepEqual(brief(`mail = 5\n${LOCAL}`), ['1 mail config.wrong-type']);
  assert.deepEqual(brief(`${LOCAL}[mail.limits]\nx = 1\n`), ['3 mail.limits config.unknown-table']);
  assert.deepEqual(brief(`${LOCAL}[mail]\nqueue_lifetime.x = 1\n`)[0], '4 mail.queue_lifetime.x config.unknown-key');
});

test('many problems are one error of the operator', () => {
  const found = problems('[server]\nprofile = 1\nhostname = 2\n');
  assert.equal(describeProblem(found[0] ?? assert.fail()), 'hauspost.toml:2:11: server.profile must be one of "local", "public"; this is a number');
  const [bare] = problems(`${LOCAL}[mail]\nbounce_lifetime = 9\n`);
  assert.deepEqual(
    [bare?.message, bare?.remedy],
    ['mail.bounce_lifetime must be a duration, in quotes; this is a number without a unit', 'Write bounce_lifetime = "9d".'],
  );
  const error = configError(found);
  assert.equal(error.exitCode, 3);
  assert.match(error.message, /^hauspost\.toml:2:11: .* \(and 1 more\)$/);
  assert.deepEqual(error.detail['problems'], found);
});
