import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redacted } from '#base';
import type { Item } from '#model';
import { misunderstood, unknownOptions } from './check.ts';
import { options } from './options.ts';
import { rspamd } from './index.ts';
import { inputFor, PUBLIC } from '../test-input.lab.ts';
import { beyondMemory, memoryMost, REDIS_GROUP } from './unit.ts';
import { scanners, workers } from './workers.ts';

const local = inputFor('trixie');
const files = (items: readonly Item[]): ReadonlyMap<string, Item & { kind: 'file' }> =>
  new Map(items.flatMap((item) => (item.kind === 'file' ? [[item.path, item] as const] : [])));
const textOf = (items: readonly Item[], file: string): string =>
  redacted(files(items).get(file)?.text ?? [])
    .split('\n')
    .slice(1)
    .join('\n');

test('the milter is on a Unix socket whose group comes from its directory', () => {
  const items = rspamd.items(local);
  assert.equal(
    textOf(items, '/etc/rspamd/override.d/worker-proxy.inc'),
    `bind_socket = "/var/spool/postfix/rspamd/milter.sock mode=0660";
milter = true;
count = 2;
# Seconds for a message that is slow in coming.
timeout = 60;
upstream "local" {
  default = true;
  # No worker behind it, hence no port.
  self_scan = true;
  # For a scan. Where the proxy scans by itself it takes its own timeout for task_timeout unless this is said.
  timeout = 30;
}
# Sieve files by it; forgeries of it are removed.
spam_header = "X-Spam";
reject_message = "Spam message rejected";
`,
  );
  const directory = items.find((item) => item.kind === 'dir' && item.path === '/var/spool/postfix/rspamd');
  assert.deepEqual(directory, {
    kind: 'dir',
    path: '/var/spool/postfix/rspamd',
    exclusive: false,
    owner: '_rspamd:postfix',
    mode: 0o2750,
    wakes: [{ service: 'rspamd', by: 'restart' }],
  });
});

test('the controller: a Unix socket, a loopback port, no trusted address, the hash only in a file that others cannot read', () => {
  const path = '/etc/rspamd/override.d/worker-controller.inc';
  const items = rspamd.items(local);
  assert.equal(
    textOf(items, path),
    `bind_socket = ["/run/rspamd/controller.sock mode=0660", "127.0.0.1:11334"];
count = 1;
# No address gets in without the password.
secure_ip = [];
# To look; replaces the packaged one.
password = '<secret:rspamd.controller.hash>';
# To change things.
enable_password = '<secret:rspamd.controller.hash>';
`,
  );
  assert.equal(files(items).get(path)?.mode, 0o640);
  assert.equal(files(items).get(path)?.owner, 'root:_rspamd');
});

test('without the web UI there is no port; on another address than loopback there is none either', () => {
  const without = { ...local, wiring: { ...local.wiring, listeners: [] } };
  assert.match(
    textOf(rspamd.items(without), '/etc/rspamd/override.d/worker-controller.inc'),
    /^bind_socket = \["\/run\/rspamd\/controller.sock mode=0660"\];$/m,
  );
  const listener = { service: 'rspamd', name: 'rspamd-ui', transport: 'tcp', port: 11334 } as const;
  assert.throws(() => workers({ ...local, wiring: { ...local.wiring, listeners: [{ ...listener, address: '0.0.0.0' }] } }), { code: 'bug' });
});

test('the resolver and the size limit are those of the wiring and the settings', () => {
  const input = { ...local, wiring: { ...local.wiring, resolver: { address: '::1', port: 53 } } };
  assert.match(textOf(rspamd.items(input), '/etc/rspamd/override.d/options.inc'), /^ {2}nameserver = \["\[::1\]:53:10"\];$/m);
  assert.match(textOf(rspamd.items(local), '/etc/rspamd/override.d/options.inc'), /^max_message = 53477376;$/m);
});

test('nobody on the internet is asked in profile local; in profile public the package decides', () => {
  const asked = ['rbl.conf', 'asn.conf', 'fuzzy_check.conf', 'phishing.conf'].map((name) => `/etc/rspamd/override.d/${name}`);
  for (const file of asked) assert.ok(files(rspamd.items(local)).has(file), file);
  for (const file of asked) assert.ok(!files(rspamd.items(inputFor('trixie', 'systemd', PUBLIC))).has(file), file);
});

test("the package's file for another mail server, which has mail from 127.2.4.7 signed, is removed", () => {
  assert.ok(rspamd.items(local).some((item) => item.kind === 'absent' && item.path === '/etc/rspamd/cgp.inc'));
});

test('two scanners at least, one a core, fewer where memory is short', () => {
  const of = (cores: number, memoryMb: number) => scanners({ ...local.facts, cores, memoryMb });
  assert.deepEqual([of(1, 1024), of(2, 4096), of(8, 16_384), of(8, 2048), of(64, 262_144)], [2, 2, 8, 4, 16]);
});

test('half of the memory is its own at most, and as much as a message of 50 MB takes, under both kinds of init', () => {
  const of50 = (memoryMb: number) => memoryMost(memoryMb, 50);
  assert.deepEqual([512, 1024, 4096, 65_536].map(of50), [768, 768, 2048, 32_768]);
  const { dropIn = [], foreground } = rspamd.unit(local);
  const lines = dropIn.map(({ set, to }) => `${set}=${to}`);
  for (const line of ['MemoryMax=768M', 'ProtectSystem=strict', 'CapabilityBoundingSet=']) assert.ok(lines.includes(line), line);
  assert.ok(!lines.some((line) => line.startsWith('NoNewPrivileges')), 'its rule calls sendmail(1)');
  assert.deepEqual(foreground.slice(0, 3), ['/usr/bin/prlimit', '--data=1610612736', '/usr/bin/setpriv']);
});

test('for larger messages more than half of a small machine, as far as it goes; where it does not go so far, what does is told', () => {
  assert.deepEqual(
    [1024, 2048, 4096, 65_536].map((memoryMb) => memoryMost(memoryMb, 200)),
    [768, 1648, 2048, 32_768],
  );
  const told = (memoryMb: number, limit: number) => {
    const { settings, facts } = inputFor('trixie', 'systemd', `[server]\nprofile = "local"\n[mail]\nmessage_size_limit = "${limit}M"\n`);
    return beyondMemory({ settings, facts: { ...facts, memoryMb } });
  };
  assert.deepEqual([told(512, 50), told(1024, 50), told(2304, 200), told(4096, 200), told(65_536, 1024)], Array(5).fill(undefined));
  assert.deepEqual(told(1024, 51), { largest: 50, wants: 1174 });
  assert.deepEqual(told(1024, 200), { largest: 50, wants: 2068 });
  assert.deepEqual(told(4096, 1024), { largest: 538, wants: 7012 });
});

test("Rspamd is in the group of Redis' socket", () => {
  assert.equal(REDIS_GROUP, local.wiring.sockets.redis.group);
});

const names = (...of: Parameters<typeof misunderstood>): readonly string[] => misunderstood(...of).map(({ name }) => name);

test('a dump that shows all of it is fine; each setting that it shows otherwise or not at all is named', () => {
  const good = {
    local_addrs: ['127.0.0.0/8', '::1'],
    dns: { nameserver: ['127.0.0.1:53:10'], timeout: 1, retransmits: 2, sockets: 16 },
    max_message: 53_477_376,
    task_timeout: 8,
    soft_reject_on_timeout: true,
    more: 1,
  };
  const conf = [options(local)];
  assert.deepEqual(names(conf, { options: good }, '3.4'), []);
  assert.deepEqual(names(conf, { options: { ...good, local_addrs: [...good.local_addrs, '127.2.4.7'] } }, '3.4'), ['options.local_addrs']);
  assert.deepEqual(names(conf, { options: { ...good, dns: { ...good.dns, timeout: 5 }, max_message: '51M' } }, '3.4'), [
    'options.dns.timeout',
    'options.max_message',
  ]);
  assert.equal(names(conf, {}, '3.4').length, 8);
});

test('an option of ours that the program does not have is named', () => {
  const has = { local_addrs: {}, max_message: {}, task_timeout: {}, soft_reject_on_timeout: {} };
  assert.deepEqual(unknownOptions(options(local), '3.4', { options: has }), []);
  assert.deepEqual(unknownOptions(options(local), '3.12', { options: has }), ['gtube_patterns']);
  assert.deepEqual(unknownOptions(options(local), '3.4', undefined).length, 4);
});

test('the packaged password is not taken for the hash', () => {
  const conf = workers(local).filter(({ name }) => name === 'worker-controller.inc');
  const shown = (password: string) => ({
    worker: [
      {
        controller: {
          bind_socket: ['/run/rspamd/controller.sock mode=0660', '127.0.0.1:11334'],
          count: 1,
          secure_ip: [],
          password,
          enable_password: password,
        },
      },
    ],
  });
  assert.deepEqual(names(conf, shown(`$1$${'y'.repeat(32)}$${'b'.repeat(52)}`), '3.4'), []);
  assert.ok(!JSON.stringify(misunderstood(conf, shown('q1'), '3.4').map(({ got }) => got)).includes('q1'));
  assert.deepEqual(names(conf, shown('q1'), '3.4'), ['worker.controller.password', 'worker.controller.enable_password']);
});
