import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError, parseFqdn, parseMailAddress } from '#base';
import type { Facts } from '#machine';
import { type Config, initialConfig, parseConfig, resolve, type Settings } from './index.ts';

const FACTS: Facts = {
  codename: 'bookworm',
  architecture: 'amd64',
  init: 'systemd',
  cores: 2,
  memoryMb: 2048,
  addresses: { v4: ['192.0.2.25'], v6: ['2001:db8::25'] },
  ipv6: true,
  resolvers: ['192.0.2.53'],
  resolversCarryDnssec: true,
  versions: {
    unbound: '1.17.1',
    mariadb: '10.11.6',
    redis: '7.0.15',
    rspamd: '3.4',
    dovecot: '2.3.19',
    postfix: '3.7.11',
    nginx: '1.22.1',
  },
  dkimKeys: [],
};

const read = (text: string): Config => {
  const result = parseConfig(text, 'hauspost.toml');
  return result.ok ? result.value : assert.fail(JSON.stringify(result.errors));
};
const local = (more = '', facts: Partial<Facts> = {}): Settings => resolve(read(`[server]\nprofile = "local"\n${more}`), { ...FACTS, ...facts });
const open = (more = '', facts: Partial<Facts> = {}): Settings =>
  resolve(read(`[server]\nprofile = "public"\nhostname = "mail.example.org"\npostmaster = "a@example.org"\n${more}`), { ...FACTS, ...facts });
const refusedAs = (code: string) => (error: unknown) => error instanceof HauspostError && error.code === code && error.exitCode === 3;

test('profile local stays on loopback and asks the resolvers of the machine', () => {
  const settings = local();
  assert.deepEqual([settings.profile, settings.hostname, settings.postmaster], ['local', 'mail.hauspost.test', 'demo@hauspost.test']);
  assert.deepEqual(settings.network.bind, ['127.0.0.1', '::1']);
  assert.deepEqual([settings.tls.source, settings.tls.key, settings.tls.chain], ['own-ca', undefined, undefined]);
  assert.deepEqual(settings.resolver, { mode: 'forward', forwarders: ['192.0.2.53'], validate: true, unvalidated: null });
  assert.deepEqual(local('', { ipv6: false }).network.bind, ['127.0.0.1']);
});

test('limits have the defaults that the contract names', () => {
  const { mail, logs, webUi } = local();
  assert.deepEqual([mail.messageSizeLimit, mail.defaultQuota, mail.queueLifetimeHours, mail.bounceLifetimeHours], [50, 1024, 120, 24]);
  assert.deepEqual([logs.retentionDays, webUi.enabled], [7, true]);
});

test('names in DNS live an hour, DMARC asks for nothing but reports, and nobody takes changes, unless it is written', () => {
  assert.deepEqual(local().dns, { ttlSeconds: 3600, dmarc: 'none', update: null });
  assert.deepEqual(open('[dns]\nttl = "5m"\ndmarc = "reject"\nupdate_server = "[2001:db8::53]:5353"\nupdate_key_file = "/etc/k"').dns, {
    ttlSeconds: 300,
    dmarc: 'reject',
    update: { server: { address: '2001:db8::53', port: 5353 }, keyFile: '/etc/k' },
  });
  assert.deepEqual(open('[dns]\nupdate_server = "192.0.2.53"\nupdate_key_file = "/etc/k"').dns.update?.server, { address: '192.0.2.53', port: 53 });
});

test('profile public binds all addresses and asks the root', () => {
  const settings = open();
  assert.deepEqual(settings.network, { bind: ['0.0.0.0', '::'], publicAddresses: [] });
  assert.deepEqual(settings.resolver, { mode: 'recursive', forwarders: [], validate: true, unvalidated: null });
  assert.equal(settings.hostname, 'mail.example.org');
  assert.deepEqual(open('', { ipv6: false }).network.bind, ['0.0.0.0']);
});

test('signatures are checked behind forwarders only where they are known to pass them on', () => {
  const validate = (more: string, facts: Partial<Facts> = {}): boolean => local(`[resolver]\n${more}`, facts).resolver.validate;
  assert.equal(validate(''), true);
  assert.equal(validate('', { resolversCarryDnssec: false }), false);
  assert.equal(validate('validate = true', { resolversCarryDnssec: false }), true);
  assert.equal(validate('validate = false'), false);
  assert.equal(validate('forwarders = ["192.0.2.53"]'), true);
  assert.equal(validate('forwarders = ["198.51.100.53"]'), false);
  assert.equal(validate('mode = "recursive"', { resolversCarryDnssec: false }), true);
});

test('why signatures are not checked is known, unless the operator wrote that they shall not be', () => {
  const why = (more: string, facts: Partial<Facts> = {}): string | null => local(`[resolver]\n${more}`, facts).resolver.unvalidated;
  assert.equal(why(''), null);
  assert.equal(why('', { resolversCarryDnssec: false }), 'stripped');
  assert.equal(why('', { resolversCarryDnssec: null }), 'unanswered');
  assert.equal(why('forwarders = ["198.51.100.53"]'), 'unasked');
  assert.equal(why('validate = false', { resolversCarryDnssec: false }), null);
  assert.equal(why('validate = true', { resolversCarryDnssec: false }), null);
  assert.equal(why('', { resolvers: [], resolversCarryDnssec: false }), null);
});

test('what the operator wrote wins', () => {
  assert.deepEqual(local('[network]\nbind = ["192.0.2.25"]').network.bind, ['192.0.2.25']);
  assert.deepEqual(open('[resolver]\nforwarders = ["198.51.100.53"]').resolver, {
    mode: 'forward',
    forwarders: ['198.51.100.53'],
    validate: false,
    unvalidated: 'unasked',
  });
  assert.equal(open('[resolver]\nmode = "forward"').resolver.forwarders[0], '192.0.2.53');
  const tls = { directory: 'https://acme-v02.api.letsencrypt.org/directory', challenge: 'http', keyType: 'ecdsa' };
  assert.deepEqual(open('[tls]\nsource = "files"\nkey = "/k"\nchain = "/c"').tls, { ...tls, source: 'files', key: '/k', chain: '/c' });
  assert.deepEqual(open('[tls]\nsource = "acme"\nchallenge = "dns"').tls, { ...tls, source: 'acme', challenge: 'dns' });
});

test('without a resolver to forward to, local does without, and public is refused', () => {
  assert.deepEqual(local('', { resolvers: [], resolversCarryDnssec: false }).resolver, {
    mode: 'forward',
    forwarders: [],
    validate: false,
    unvalidated: null,
  });
  assert.equal(open('', { resolvers: [] }).resolver.mode, 'recursive');
  assert.throws(() => open('[resolver]\nmode = "forward"', { resolvers: [] }), refusedAs('config.no-forwarders'));
});

test('an address that the machine does not have is refused', () => {
  assert.throws(() => open('[network]\nbind = ["198.51.100.1"]'), refusedAs('config.address-not-here'));
  assert.throws(() => open('[network]\nbind = ["::1"]', { ipv6: false }), refusedAs('config.address-not-here'));
  assert.deepEqual(open('[network]\nbind = ["127.0.0.9", "::1", "2001:db8::25"]').network.bind, ['127.0.0.9', '::1', '2001:db8::25']);
});

test('the file that up writes says only what was decided, and is read back', () => {
  const hostname = parseFqdn('mail.example.org');
  const postmaster = parseMailAddress('admin@example.org');
  const text = initialConfig({ profile: 'public', hostname, postmaster });
  assert.deepEqual(read(text).server, { profile: 'public', hostname, postmaster, language: 'en' });
  assert.ok(text.split('\n').length < 20);
  assert.match(text, /hauspost config example/);
  assert.deepEqual(resolve(read(initialConfig({ profile: 'local' })), FACTS), local());
});
