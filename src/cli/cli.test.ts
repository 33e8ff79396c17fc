/** The command line without a machine: help, usage, the configuration's documents. Real runs of the program; nothing here needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { once } from 'node:events';
import { manyRuns } from '#lab';
import { OPERATIONS } from '#operations';

const MAIN = join(import.meta.dirname, 'main.ts');
const scratch = mkdtempSync(join(tmpdir(), 'hauspost-cli-'));
after(() => rmSync(scratch, { recursive: true }));

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const node = async (...argv: readonly string[]): Promise<Ran> => {
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: scratch,
    env: { ...process.env, NODE_COMPILE_CACHE: join(scratch, 'cache') },
  });
  const [stdout, stderr, [code]]: [string, string, (number | null)[]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { code: code ?? null, stdout, stderr };
};

/** All of them in one process; answers in their order. */
const runs = async (...lists: readonly (readonly string[])[]): Promise<readonly Ran[]> => {
  const script = manyRuns(import.meta.resolve('./index.ts'));
  const { code, stdout, stderr } = await node('--input-type=module', '--eval', script, JSON.stringify(lists));
  assert.deepEqual([code, stderr], [0, '']);
  return JSON.parse(stdout) as readonly Ran[];
};

const NONE: Ran = { code: null, stdout: '', stderr: '' };

const COMMANDS = OPERATIONS.map(({ name }) => name);

test('--help of every command says what it does, its words and options, and an example', async () => {
  const [all = NONE, short = NONE, word = NONE, json = NONE, before = NONE, ...helps] = await runs(
    ...[['--help'], ['-h'], ['help'], ['plan', '--help', '--json'], ['help', 'domain', 'add']],
    ...COMMANDS.map((command) => [...command.split(' '), '--help']),
    ...OPERATIONS.map(({ example }) => [...example.split(' ').slice(1), '--help']),
  );
  assert.deepEqual([all.code, short.stdout, word.stdout], [0, all.stdout, all.stdout]);
  for (const [index, command] of COMMANDS.entries()) {
    assert.match(all.stdout, new RegExp(`^  ${command} +[A-Z]`, 'm'));
    const { code, stdout, stderr } = helps[index] ?? NONE;
    assert.deepEqual([code, stderr], [0, ''], command);
    assert.match(stdout, new RegExp(`^[A-Z](?:[^\\n]+\\n)*[^\\n]*\\.\\n\\nUsage: hauspost ${command}`), command);
    assert.match(stdout, /^ {2}--json +\S/m, command);
    assert.equal(helps[COMMANDS.length + index]?.stdout, stdout, 'the example has options of the command only');
    assert.match(stdout, new RegExp(`\\nExample:\\n  hauspost ${command}(?: [^\\n]+)?\\n$`), command);
  }
  for (const flag of ['--quota VALUE', '--send-only', '--disabled', '--password-stdin', '--password-hash-stdin', '--password-prompt'])
    assert.ok(helps[COMMANDS.indexOf('account add')]?.stdout.includes(`  ${flag} `), flag);
  assert.equal(before.stdout, helps[COMMANDS.indexOf('domain add')]?.stdout);
  // A terminal shows them whole; an example is one line, however long, since it is copied.
  for (const { stdout } of [all, ...helps])
    for (const line of stdout.replace(/\nExample:[\s\S]*$/, '').split('\n')) assert.ok(line.length <= 80, line);
  assert.match(helps[COMMANDS.indexOf('tls-policy set')]?.stdout ?? '', /^Usage: hauspost tls-policy set DOMAIN POLICY \[PARAMS\.\.\.\]$/m);
  assert.match(helps[COMMANDS.indexOf('alias add')]?.stdout ?? '', /^Usage: hauspost alias add SOURCE DESTINATIONS\.\.\.$/m);
  assert.equal((JSON.parse(json.stdout) as { help: string }).help, helps[COMMANDS.indexOf('plan')]?.stdout);
});

test('--help of a first word shows the commands that begin with it', async () => {
  const [group = NONE, json = NONE] = await runs(['alias', '--help'], ['--json', 'alias', 'help']);
  assert.deepEqual([group.code, group.stderr], [0, '']);
  for (const command of COMMANDS) assert.equal(group.stdout.includes(`  hauspost ${command} `), command.startsWith('alias '), command);
  assert.deepEqual(JSON.parse(json.stdout), { help: group.stdout });
});

test('--version; the exit status is that of the run', async () => {
  for (const { code, stdout } of await runs(['-V'], ['version'])) assert.deepEqual([code, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true]);
  const [plain, json, wrong] = [await node(MAIN, '--version'), await node(MAIN, '--json', '--version'), await node(MAIN, 'plan', 'surplus')];
  assert.deepEqual([plain.code, plain.stderr, json.code, wrong.code, wrong.stdout], [0, '', 0, 3, '']);
  assert.match(plain.stdout, /^\d+\.\d+\.\d+\n$/);
  assert.equal(json.stdout, `{"version":"${plain.stdout.trim()}"}\n`);
});

test('exit 70: a defect says that it is one, with where it is, also from a callback; one document with --json', async () => {
  const preload = (script: string): string => `--import=data:text/javascript,${encodeURIComponent(script)}`;
  // Faults put into the process from outside: one in a callback, one in what the command itself calls.
  const later = preload("setImmediate(() => { if (!process.argv.includes('spare')) throw new TypeError('a fault in a callback'); });");
  const within = preload("JSON.parse = () => { throw new TypeError('a fault within'); };");
  writeFileSync(join(scratch, 'sound.toml'), '[server]\nprofile = "local"\n');
  const words = [MAIN, 'config', 'check', 'sound.toml'];
  for (const [fault, names] of [
    [later, 'a fault in a callback'],
    [within, 'a fault within'],
  ] as const) {
    const [text, json] = [await node(fault, ...words), await node(fault, ...words, '--json')];
    assert.deepEqual([text.code, text.stdout, json.code], [70, '', 70], text.stderr);
    assert.match(text.stderr, new RegExp(`^hauspost: ${names}\\n  This is a defect of Hauspost; [^\\n]*\\nTypeError: ${names}\\n    at `));
    const { error } = JSON.parse(json.stdout) as { error: { blame: string; message: string } };
    assert.deepEqual([error.blame, error.message], ['bug', names]);
  }
  assert.equal((await node(...words)).code, 0);
});

test('a reader that goes away (| head) is no error', async () => {
  const child = spawn('sh', ['-c', '"$@" | true; wait', 'sh', process.execPath, MAIN, '--help'], { stdio: ['ignore', 'ignore', 'pipe'] });
  assert.equal(await text(child.stderr), '');
});

test('wrong words get exit 3, one line that names them, and with --json one document that says the same', async () => {
  const rows: readonly (readonly [readonly string[], string])[] = [
    [[], "no command was given\n  'up' makes this machine a mail server, "],
    [['frobnicate'], '"frobnicate"'],
    [['account'], 'what about the account? add, set, passwd, list, remove'],
    [['account', 'frobnicate'], '"account frobnicate"'],
    [['stauts'], 'there is no command "stauts"; is "status" meant?'],
    [['doamin', 'add', 'example.org'], 'is "domain add" meant?'],
    [['domain', 'rm', 'example.org'], 'there is no command "domain rm"; is "domain remove" meant?'],
    [['account', 'password', 'user@example.org'], 'is "account passwd" meant?'],
    [['alias', 'ls'], 'is "alias list" meant?'],
    [['up', '--hostnam', 'mail.example.org'], 'is --hostname meant?'],
    [['domain', 'ad', 'example.org'], '"domain ad"'],
    [['plan', 'surplus'], '"surplus"'],
    [['plan', '--colour'], '"--colour"'],
    [['plan', '--colour=red\nblue'], '"--colour"'],
    [['plan', '-q'], '"-q"'],
    [['up', '--hostname'], '--hostname'],
    [['up', '--hostname', '--domain', 'example.org'], '"--domain"'],
    [['up', '--hostname', '-1', '-2'], '"-2" is one word too many'],
    [['plan', '-12'], '"-12" is one word too many'],
    [['config', 'explain', '-1'], '"-1"'],
    [['up', '--yes=please'], '"please"'],
    [['config', 'explain'], 'KEY is missing: '],
    [['alias', 'add', 'info@example.org'], 'DESTINATIONS is missing: one or more addresses that mail goes to'],
    [['alias', 'add'], 'SOURCE is missing: an address of ours'],
    [['config', 'explain', 'mail.quota'], '"mail.quota"\n  Ask for mail.default_quota.'],
    [['config', 'explain', 'x'.repeat(500)], '"xxxx'],
    [['config', 'check', 'no-such.toml'], 'no-such.toml does not exist'],
    [['config', 'check', '../no-such/./file.toml'], '/no-such/file.toml does not exist'],
    [['config', 'check', '.'], 'is a directory'],
    [['config', 'check', ''], 'is a directory'],
    [['config', 'check', 'new\nline'], 'new\\nline'],
    [['config', 'check', `${'x'.repeat(256)}.toml`], 'xxx.toml does not exist'],
    [['config', 'check', '/x'.repeat(2100)], '/x/x does not exist'],
    [['config', 'check', 'ring.toml'], '/ring.toml does not exist'],
    [['config', 'check', 'ring.toml/below.toml'], '/ring.toml/below.toml does not exist'],
    [['config', 'check', 'file.toml/below.toml'], '/file.toml/below.toml does not exist'],
  ];
  symlinkSync('ring.toml', join(scratch, 'ring.toml'));
  writeFileSync(join(scratch, 'file.toml'), '[server]\nprofile = "local"\n');
  const ran = await runs(...rows.flatMap(([words]) => [words, ['--json', ...words]]));
  for (const [index, [words, names]] of rows.entries()) {
    const [plain, json] = [ran[index * 2], ran[index * 2 + 1]];
    assert.ok(plain !== undefined && json !== undefined);
    const what = JSON.stringify(words);
    assert.deepEqual([plain.code, plain.stdout, json.code], [3, '', 3], `${what}: ${plain.stderr}`);
    assert.match(plain.stderr, /^hauspost: [^\n]+\n {2}[^\n]+\n$/, what);
    assert.ok(plain.stderr.includes(names), `${what}: ${plain.stderr}`);
    assert.match(json.stdout, /^[^\n]+\n$/, what);
    const { error } = JSON.parse(json.stdout) as { error: Record<string, unknown> };
    assert.deepEqual([error['blame'], plain.stderr], ['operator', `hauspost: ${error['message']}\n  ${error['remedy']}\n`], what);
    assert.match(String(error['code']), /^[a-z]+\.[a-z-]+$/, what);
  }
});

const TWELVE = `[server]
profile = "locale"
hostname = "mail"
postmaster = "admin"
colour = "blue"
[mial]
[mail]
message_size_limit = 50
default_quota = "lots"
queue_lifetime = "1h"
bounce_lifetime = "2h"
recipients_per_message = "many"
[resolver]
validate = "yes"
forwarders = ["192.0.2.300"]
[network]
bind = ["everywhere"]
`;
/** Line, and what the message names there. */
const MISTAKES: readonly (readonly [number, string])[] = [
  [2, 'server.profile'],
  [3, 'server.hostname'],
  [4, 'server.postmaster'],
  [5, 'server.colour'],
  [6, '[mial]'],
  [8, 'mail.message_size_limit'],
  [9, 'mail.default_quota'],
  [11, 'mail.bounce_lifetime'],
  [12, 'mail.recipients_per_message'],
  [14, 'resolver.validate'],
  [15, 'resolver.forwarders'],
  [17, 'network.bind'],
];

test('C8: config check reports twelve mistakes at once, each with line, path and remedy; and accepts what is right', async () => {
  writeFileSync(join(scratch, 'wrong.toml'), TWELVE);
  const [example = NONE] = await runs(['config', 'example']);
  writeFileSync(join(scratch, 'right.toml'), example.stdout);
  const above = join('..', scratch.slice(scratch.lastIndexOf('/') + 1), 'right.toml');
  const [wrong = NONE, json = NONE, right = NONE, elsewhere = NONE] = await runs(
    ['config', 'check', 'wrong.toml'],
    ['config', 'check', 'wrong.toml', '--json'],
    ['config', 'check', 'right.toml'],
    ['config', 'check', above, '--json'],
  );
  assert.deepEqual([wrong.code, wrong.stdout, json.code], [3, '', 3]);
  const lines = wrong.stderr.split('\n');
  assert.equal(lines.length, 2 * MISTAKES.length + 2, wrong.stderr);
  for (const [index, [line, names]] of MISTAKES.entries()) {
    assert.match(lines[2 * index] ?? '', new RegExp(`^${scratch}/wrong\\.toml:${line}:\\d+: `));
    assert.ok(lines[2 * index]?.includes(names), `${names}: ${lines[2 * index]}`);
    assert.match(lines[2 * index + 1] ?? '', /^ {2}\S/);
  }
  assert.equal(lines.at(-2), 'hauspost: 12 mistakes');
  const { error } = JSON.parse(json.stdout) as { error: { problems: { line: number; path: string; message: string; remedy: string }[] } };
  assert.deepEqual(
    error.problems.map((problem) => problem.line),
    MISTAKES.map(([line]) => line),
  );
  for (const problem of error.problems) assert.ok(problem.path !== '' && problem.message !== '' && problem.remedy !== '');
  assert.deepEqual(
    [right.code, right.stdout, right.stderr],
    [0, `${scratch}/right.toml is right. Whether it fits this machine, its addresses for instance, 'hauspost plan' says.\n`, ''],
  );
  assert.deepEqual([elsewhere.code, JSON.parse(elsewhere.stdout)], [0, { file: `${scratch}/right.toml`, ok: true }]);
});

test('C8: config explain, for a person and as data', async () => {
  const [option = NONE, section = NONE, json = NONE] = await runs(
    ['config', 'explain', 'mail.default_quota'],
    ['config', 'explain', 'tls'],
    ['config', 'explain', 'mail.default_quota', '--json'],
  );
  assert.deepEqual([option.code, section.code, json.code], [0, 0, 0]);
  assert.match(
    option.stdout,
    /^mail\.default_quota\n {2}[A-Z].*\n.*\n {2}Value: {3}a size from "1M".*\n {2}Default: "1G"\n {2}Example: default_quota = "5G"\n$/,
  );
  for (const key of ['tls.source', 'tls.key', 'tls.chain']) assert.match(section.stdout, new RegExp(`^${key}$`, 'm'));
  assert.equal((JSON.parse(json.stdout) as { default: string }).default, '"1G"');
});
