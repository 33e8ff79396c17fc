/**
 * Each daemon refuses in turn what was made for it, in three ways: its checker refuses it; only its dump shows that it is not understood; or all that
 * is looked at is fine and it does not start. The machine is untouched or back, and the message names the daemon, the file, the line, its words, and
 * the option to change: the one that this line comes from, or that there is none.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchange, httpRequest, oneDocument, type Output, type Release, type Server } from '../index.ts';
import { announcedSize, answered, configure, exits, type Failure, generations, type Plan } from '../operator.ts';
import { canLogIn } from '../people.ts';
import { COMPILED, NODE } from '../ready.ts';
import { onEachRelease, type Part } from '../scenario.ts';
import { askUdp } from '../udp.ts';

const PROGRAM = [NODE, '/opt/hauspost/lab/inside/spoiled.ts'];
const OTHER = '127.0.0.5';
/** Below the two lines of `configure`. */
const OPTIONS = `[mail]
message_size_limit = "20M"
default_quota = "3G"
[resolver]
forwarders = ["192.0.2.54"]
validate = true
[web_ui]
enabled = true
[network]
bind = ["127.0.0.1", "::1", "${OTHER}"]
`;
const SIZE = 'mail.message_size_limit (line 4)';
const QUOTA = 'mail.default_quota (line 5)';
const FORWARDERS = 'resolver.forwarders (line 7)';
const VALIDATE = 'resolver.validate (line 8)';
const WEB_UI = 'web_ui.enabled (line 10)';
const BIND = 'network.bind (line 12)';
/** Without the page there is no such line. */
const SIZE_OR_UI = `${SIZE} or ${WEB_UI}`;
const NONE = '';

const UNBOUND = '/etc/unbound/unbound.conf';
const MARIADB = '/etc/mysql/mariadb.cnf';
const REDIS = '/etc/redis/redis.conf';
const RSPAMD = '/etc/rspamd/override.d/options.inc';
const CONTROLLER = '/etc/rspamd/override.d/worker-controller.inc';
const DOVECOT = '/etc/dovecot/dovecot.conf';
const MAIN_CF = '/etc/postfix/main.cf';
const MASTER_CF = '/etc/postfix/master.cf';
const NGINX = '/etc/nginx/nginx.conf';

type Daemon = 'unbound' | 'mariadb' | 'redis' | 'rspamd' | 'dovecot' | 'postfix' | 'nginx';

/** Daemon; its file; what stands in it once; what it gets to read instead; its words, or the difference; the option. */
type Row = readonly [daemon: Daemon, file: string, from: string, to: string, words: string, option: string];

/** In 2.3 a setting of a plugin, of which doveconf(1) knows nothing; in 2.4 one like any other. */
const quota: Readonly<Record<Release, string>> = { bookworm: 'quota_rule = *:storage=3072M', trixie: 'quota_storage_size = 3072M' };

/** Those in one line are in one run; the first of each daemon has a run of its own. */
type Runs = readonly (readonly Row[])[];

const refusedByChecker = (release: Release): Runs => [
  [['unbound', UNBOUND, 'aggressive-nsec: yes', 'aggressive-nsecs: yes', "unknown keyword 'aggressive-nsecs'", VALIDATE]],
  [['mariadb', MARIADB, 'max-connections =', 'max-connectionz =', "unknown variable 'max-connectionz=", NONE]],
  [['redis', REDIS, 'lfu-decay-time 60', 'lfu-decay-times 60', ">>> 'lfu-decay-times 60'", NONE]],
  [['rspamd', RSPAMD, 'max_message = ', 'max_message = ;', 'string value must not be empty', SIZE]],
  [
    release === 'bookworm'
      ? ['dovecot', DOVECOT, 'port = 4190\n    address', 'port = 4190\n    adress', 'Unknown setting: service { inet_listener { adress', BIND]
      : ['dovecot', DOVECOT, quota.trixie, 'quota_storage_size = much', 'quota_storage_size: Invalid size: much', QUOTA],
  ],
  [['postfix', MAIN_CF, 'message_size_limit =', 'message_size_limit ', "missing '=' after attribute name: \"message_size_limit", SIZE]],
  [['nginx', NGINX, 'client_max_body_size 20m', 'client_max_body_sizes 20m', 'unknown directive "client_max_body_sizes"', SIZE_OR_UI]],
  [['postfix', MASTER_CF, '127.0.0.5:465 inet ', '127.0.0.5:465 inett ', 'invalid type field "inett"', BIND]],
  [
    ['unbound', UNBOUND, '"192.0.2.54"', '"192.0.2.540"', "cannot parse forward . ip address: '192.0.2.540'", FORWARDERS],
    ['rspamd', RSPAMD, 'max_message = 22020096', 'max_message = "much"', 'cannot convert string to integer in option max_message', SIZE],
    ['postfix', MAIN_CF, 'message_size_limit = 20971520', 'message_size_limit = 20x', 'bad numerical configuration: message_size_limit = 20x', SIZE],
  ],
];

const shownByDump = (release: Release): Runs => [
  [['unbound', UNBOUND, 'aggressive-nsec: yes', 'aggressive-nsec: no', 'aggressive-nsec: written yes, understood no', VALIDATE]],
  [['mariadb', MARIADB, 'max-connections =', 'loose-max-connectionz =', 'max-connections: written ', NONE]],
  [['redis', REDIS, 'save 3600 1 300 100', 'save 3600 1', 'save: written "3600 1 300 100", understood "3600 1"', NONE]],
  [['rspamd', RSPAMD, 'max_message =', 'max_mesage =', 'options.max_message: written 22020096, understood ', SIZE]],
  [['dovecot', DOVECOT, quota[release], quota[release].replace('3072M', '3071M'), 'storage', QUOTA]],
  [['postfix', MAIN_CF, 'message_size_limit =', 'message_size_limits =', `${MAIN_CF}: unused parameter: message_size_limits=20971520`, SIZE]],
  [
    [
      'nginx',
      NGINX,
      'client_max_body_size 20m',
      'client_max_body_size 21m',
      'written "client_max_body_size 20m;", read "client_max_body_size 21m;"',
      SIZE_OR_UI,
    ],
  ],
  [
    ['rspamd', RSPAMD, 'dns {\n', 'dnss {\n', 'options.dns.nameserver: written ["127.0.0.1:53:10"], understood null', NONE],
    ['postfix', MAIN_CF, 'message_size_limit = 2', 'message_size_limit = 3', 'message_size_limit: written "20971520", understood "30971520"', SIZE],
    ['postfix', MASTER_CF, '127.0.0.5:465 inet  n', '127.0.0.5:465 inet  y', 'was written and not understood: 127.0.0.5:465 inet', BIND],
  ],
];

/**
 * After the check; the last three as they are meant, but on OTHER somebody has the port meanwhile. Each takes the seconds of two changes, so the releases
 * take turns.
 */
const notStarting: readonly (Row | readonly [...Row, port: number])[] = [
  ['unbound', UNBOUND, '"192.0.2.54"', '"192.0.2.540"', "cannot parse forward . ip address: '192.0.2.540'", FORWARDERS],
  ['mariadb', MARIADB, 'max-connections =', 'max-connectionz =', "unknown variable 'max-connectionz=", NONE],
  ['redis', REDIS, '/run/redis/redis-server.sock', '/run/rediss/redis-server.sock', 'nix socket: bind: No such file or directory', NONE],
  ['rspamd', CONTROLLER, 'bind_socket = [', 'bind_socket = ;[', 'string value must not be empty', WEB_UI],
  ['dovecot', DOVECOT, 'port = 143\n', 'port = 143\n', 'listen(127.0.0.5, 143) failed: Address already in use', BIND, 143],
  ['postfix', MASTER_CF, '127.0.0.5:587', '127.0.0.5:587', 'fatal: bind 127.0.0.5 port 587: Address already in use', BIND, 587],
  ['nginx', NGINX, 'listen 127.0.0.5:443', 'listen 127.0.0.5:443', 'bind() to 127.0.0.5:443 failed (98: Address already in use)', BIND, 443],
];

const shell = async ({ machine }: Server, script: string): Promise<string> => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script]);
  assert.equal(code, 0, `${script}: ${stdout}${stderr}`);
  return stdout.trim();
};

/** What the daemon says over its real socket, and what it says with the configuration that is in place. */
const ANSWERS: Readonly<Record<Daemon, readonly [ask: (server: Server) => Promise<string>, answer: string]>> = {
  unbound: [({ machine }) => askUdp(machine, '127.0.0.1', 53), 'answered'],
  mariadb: [(server) => shell(server, 'mariadb --batch --skip-column-names -e "SELECT COUNT(*) FROM vmail.domains"'), '1'],
  redis: [(server) => shell(server, 'redis-cli -s /run/redis/redis-server.sock PING'), 'PONG'],
  rspamd: [(server) => shell(server, 'rspamc --connect=/run/rspamd/controller.sock stat >/dev/null && echo counts'), 'counts'],
  dovecot: [async (server) => String(await canLogIn(server, server.demo)), 'true'],
  postfix: [announcedSize, 'SIZE 52428800'],
  nginx: [async ({ machine }) => String((await exchange(await machine.dial({ host: '127.0.0.1', port: 80 }), httpRequest('/'))).status), '301'],
};

/** Without times: a file that was written and put back is the same. And of the kernel, what nginx needs to be tried. */
const digest = (server: Server): Promise<string> =>
  shell(server, 'tar --sort=name --mtime=@0 -C / -cf - etc var/lib/hauspost | sha256sum; cat /proc/sys/net/ipv[46]/ip_nonlocal_bind');

interface Told {
  readonly daemon: string;
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly options?: readonly { readonly option: string; readonly line: number }[];
}
type Refusal = Failure & { readonly error: Partial<Told> & { readonly findings?: readonly Told[] } };

const apply = (server: Server, when: 'staged' | 'placed', rows: readonly Row[]): Promise<Output> => {
  const rules = JSON.stringify(rows.map(([, file, from, to]) => ({ file, from, to, when })));
  const env = { NODE_COMPILE_CACHE: COMPILED, HAUSPOST_SPOIL: rules };
  return server.machine.run([...PROGRAM, 'apply', '--yes', '--json'], { ms: 180_000, env });
};

interface Scene {
  readonly server: Server;
  /** The files as they are meant, by path. */
  readonly meant: ReadonlyMap<string, string>;
  readonly plan: Plan;
  readonly digest: string;
}

/** Where the text ends: the number of its last line, from 1. */
const lineOf = ({ meant }: Scene, [, file, from]: Row): number => {
  const [above = '', ...more] = (meant.get(file) ?? '').split(from);
  assert.equal(more.length, 1, `${from} once in ${file}`);
  return `${above}${from}`.split('\n').length;
};

/** `OPTION (line N)`, as it stands in what `--json` prints. */
const asWritten = (options: string): readonly unknown[] =>
  [...options.matchAll(/(\S+) \(line (\d+)\)/g)].map(([, option, line]) => ({ option, line: Number(line) }));

/** That the words, the place and what to do about it are told, in the document and to a person. */
const names = (output: Output, { error }: Refusal, place: string, [, , , , words, option]: Row): void => {
  const begin = option === NONE ? 'No option in /etc/hauspost/hauspost.toml changes ' : `Change ${option} in /etc/hauspost/hauspost.toml: `;
  const sentences = error.remedy.split(/(?<=\.) /).filter((each) => each.split(/[ ,]|\.$/).includes(place));
  assert.deepEqual([sentences.length, sentences[0]?.slice(0, begin.length)], [1, begin], error.remedy);
  assert.ok(error.message.includes(words), `${words}: ${error.message}`);
  for (const text of [words, place, begin]) assert.ok(output.stderr.includes(text), `${text}: ${output.stderr}`);
};

const untouched = async ({ server, digest: was }: Scene, daemon: Daemon): Promise<void> => {
  const [ask, answer] = ANSWERS[daemon];
  assert.equal(await ask(server), answer, daemon);
  assert.equal(await digest(server), was, daemon);
};

const notUnderstood = async (scene: Scene, rows: readonly Row[]): Promise<void> => {
  const output = await apply(scene.server, 'staged', rows);
  assert.equal(output.code, 1, output.stderr);
  const refusal = oneDocument(output) as Refusal;
  assert.equal(refusal.error.code, 'apply.check-failed');
  const { message, findings = [] } = refusal.error;
  for (const row of rows) {
    const [daemon, file, , , words, option] = row;
    const line = lineOf(scene, row);
    const place = `${file}:${line}`;
    assert.ok(message.includes(`\n${daemon}: ${place}: `), `${place}: ${message}`);
    names(output, refusal, place, row);
    const [told, ...others] = findings.filter((each) => each.message.includes(words));
    assert.deepEqual([told?.daemon, told?.file, told?.line, told?.options, others], [daemon, file, line, asWritten(option), []]);
  }
  const daemons = rows.map(([daemon]) => daemon);
  assert.deepEqual(new Set(findings.map(({ daemon }) => daemon)), new Set(daemons));
  for (const daemon of new Set(daemons)) await untouched(scene, daemon);
};

const notStarted = async (scene: Scene, row: Row, port?: number): Promise<void> => {
  const [daemon, file, , , , option] = row;
  // In the machine's network, but a process of the host: it stands for one that comes after apply has looked.
  const holder = port === undefined ? undefined : await scene.server.machine.listen({ host: OTHER, port });
  holder?.on('connection', (socket) => socket.destroy());
  await using _freed = {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => (holder === undefined ? resolve() : holder.close(() => resolve()))),
  };
  // That of Redis passes its check, which gives it a socket of its own.
  const output = await apply(scene.server, daemon === 'redis' ? 'staged' : 'placed', [row]);
  assert.equal(output.code, 1, output.stderr);
  const refusal = oneDocument(output) as Refusal;
  const { code, message, daemon: of, file: named, line: number, options } = refusal.error;
  assert.equal(code, 'activate.not-well');
  const line = lineOf(scene, row);
  const place = `${file}:${line}`;
  assert.ok(message.startsWith(`${daemon} does not run well (${place}): `), message);
  names(output, refusal, place, row);
  assert.deepEqual([of, named, number, options], [daemon, file, line, asWritten(option)]);
  await untouched(scene, daemon);
};

const part: Part = (get, release) => {
  let scene: Scene;

  /** Then all is as before: what was in place once, and what the operator's file still asks for. */
  const inTurn = async <T>(what: string, runs: readonly T[], work: (run: T) => Promise<void>): Promise<void> => {
    const begun = performance.now();
    for (const run of runs) await work(run);
    console.log(`    ${what}: ${runs.length} runs in ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    assert.deepEqual(await generations(scene.server), [0, 1, 2]);
    assert.deepEqual((await answered<Plan>(scene.server, 'plan')).document, scene.plan);
  };

  test('the same change is applied as it is meant, and counts', async () => {
    const server = get();
    await server.machine.checkout(); // images do not change with lab/, and the spoiled program is there
    await configure(server, OPTIONS);
    const { document: plan } = await answered<Plan>(server, 'plan');
    await exits(server, 0, 'apply', '--yes');
    assert.equal(await announcedSize(server), 'SIZE 20971520');
    const files = [UNBOUND, MARIADB, REDIS, RSPAMD, CONTROLLER, DOVECOT, MAIN_CF, MASTER_CF, NGINX];
    const meant = new Map(await Promise.all(files.map(async (file) => [file, await shell(server, `cat ${file}`)] as const)));
    await exits(server, 0, 'rollback', '1', '--yes');
    assert.deepEqual(plan, (await answered<Plan>(server, 'plan')).document);
    scene = { server, meant, plan, digest: await digest(server) };
    assert.match(scene.digest, /^\w+ +-\n0\n0$/);
  });

  test('the checker refuses it: nothing is touched', () =>
    inTurn('the checker refuses', refusedByChecker(release), (rows) => notUnderstood(scene, rows)));

  test('only the dump shows it: nothing is touched', () => inTurn('the dump shows', shownByDump(release), (rows) => notUnderstood(scene, rows)));

  test('it does not start: what was there before is back', () =>
    inTurn(
      'it does not start',
      notStarting.filter((_, index) => index % 2 === (release === 'bookworm' ? 0 : 1)),
      ([daemon, file, from, to, words, option, port]) => notStarted(scene, [daemon, file, from, to, words, option], port),
    ));
};

onEachRelease(part);
