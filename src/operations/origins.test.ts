import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Desired } from '#apply';
import { path, redacted } from '#base';
import { parseConfig, resolve } from '#config';
import type { Facts } from '#machine';
import { type RenderInput, wire } from '#model';
import { render, SERVICES } from '#services';
import { originsOf } from './origins.ts';

const FILE = path('/etc/hauspost/hauspost.toml');
const PROGRAM = { program: path('/opt/hauspost/hauspost'), owner: 'root' };
const FACTS: Facts = {
  codename: 'trixie',
  architecture: 'amd64',
  init: 'systemd',
  cores: 2,
  memoryMb: 1024,
  addresses: { v4: ['192.0.2.25'], v6: [] },
  ipv6: true,
  resolvers: [],
  resolversCarryDnssec: false,
  versions: {
    unbound: '1.22.0',
    mariadb: '11.8.3',
    redis: '8.0.2',
    rspamd: '3.12.1',
    dovecot: '2.4.1',
    postfix: '3.10.5',
    nginx: '1.26.3',
  },
  dkimKeys: [],
};

const desiredFrom = (source: string): Desired => {
  const parsed = parseConfig(source, FILE);
  assert.ok(parsed.ok);
  const settings = resolve(parsed.value, FACTS);
  const input: RenderInput = { settings, facts: FACTS, wiring: wire(settings, FACTS), texts: {} };
  return { source, input, services: SERVICES, ...render(input, PROGRAM) };
};

/** `option:line` for each option that the line of the file with `text` in it comes from. */
const behind = (source: string, file: string, text: string, more = 0): readonly string[] => {
  const desired = desiredFrom(source);
  const item = desired.manifest.items.find((each) => each.kind === 'file' && each.path === file);
  assert.ok(item?.kind === 'file', file);
  const lines = redacted(item.text)
    .split('\n')
    .flatMap((each, index) => (each.includes(text) ? [index + 1] : []));
  assert.equal(lines.length, 1, `${text}: ${lines.join()}`);
  const [line = 0] = lines;
  const origins = originsOf(FILE, PROGRAM)(desired, { file, line, through: line + more });
  assert.equal(origins.file, FILE);
  return origins.options.map((each) => `${each.option}:${each.line}`);
};

const LOCAL = '[server]\nprofile = "local"\n';
const MAIN = '/etc/postfix/main.cf';

test('the option without which the line would be another, and its line in the file of the operator', () => {
  const source = `${LOCAL}[mail]\n# how much\nmessage_size_limit = "20M"\nqueue_lifetime = "3d"\n`;
  assert.deepEqual(behind(source, MAIN, 'message_size_limit ='), ['mail.message_size_limit:5']);
  assert.deepEqual(behind(source, MAIN, 'maximal_queue_lifetime ='), ['mail.queue_lifetime:6']);
  assert.deepEqual(behind(source, '/etc/rspamd/override.d/options.inc', 'max_message ='), ['mail.message_size_limit:5']);
  assert.deepEqual(behind(source, '/etc/nginx/nginx.conf', 'client_max_body_size 20m'), ['mail.message_size_limit:5']);
});

test('nothing leads to what is always the same, or comes from the machine, or from an option that nobody wrote', () => {
  const source = `${LOCAL}[mail]\nmessage_size_limit = "20M"\n`;
  assert.deepEqual(behind(source, MAIN, 'biff ='), []);
  assert.deepEqual(behind(source, MAIN, 'default_process_limit ='), []);
  assert.deepEqual(behind(source, '/etc/redis/redis.conf', 'maxmemory 67108864'), []);
  assert.deepEqual(behind(LOCAL, MAIN, 'message_size_limit ='), []);
});

test('an option that says what would be without it leads there all the same', () => {
  assert.deepEqual(behind(`${LOCAL}[mail]\nmessage_size_limit = "50M"\n`, MAIN, 'message_size_limit ='), ['mail.message_size_limit:4']);
});

test('one that has to be there, and one that a whole block comes from', () => {
  const source = '[server]\nprofile = "public"\nhostname = "post.example.net"\npostmaster = "me@example.net"\n[web_ui]\nenabled = true\n';
  assert.ok(behind(source, MAIN, 'myhostname =').includes('server.hostname:3'));
  assert.deepEqual(behind(source, '/etc/nginx/nginx.conf', 'proxy_pass_request_body'), ['web_ui.enabled:6']);
});

test('lines before it that come and go do not count, and a value over several lines does as a whole', () => {
  const source = `${LOCAL}[network]\nbind = ["127.0.0.1", "127.0.0.5"]\n`;
  assert.deepEqual(behind(source, '/etc/nginx/nginx.conf', 'listen 127.0.0.5:443'), ['network.bind:4']);
  assert.deepEqual(behind(source, '/etc/nginx/nginx.conf', 'location = / {'), []);
  assert.deepEqual(behind(`${LOCAL}postmaster = "me@example.net"\n`, MAIN, 'proxy_read_maps =', 11), ['server.postmaster:3']);
});
