import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '#base';
import { parseConfig, resolve } from '#config';
import type { Facts } from '#machine';
import { wire } from '#model';
import { placeOf } from './self-test-place.ts';

const FACTS: Facts = {
  codename: 'trixie',
  architecture: 'amd64',
  init: 'systemd',
  cores: 2,
  memoryMb: 1024,
  addresses: { v4: ['192.0.2.25'], v6: ['2001:db8::25'] },
  ipv6: true,
  resolvers: [],
  resolversCarryDnssec: false,
  versions: { unbound: '1.22.0', mariadb: '11.8.3', redis: '8.0.2', rspamd: '3.12.1', dovecot: '2.4.1', postfix: '3.10.5', nginx: '1.26.3' },
  dkimKeys: [],
};

const place = (server: string, bind: readonly string[]): readonly (string | undefined)[] => {
  const parsed = parseConfig(`[server]\n${server}\n[network]\nbind = ${JSON.stringify(bind)}\n`, path('/etc/hauspost/hauspost.toml'));
  assert.ok(parsed.ok);
  const settings = resolve(parsed.value, FACTS);
  const { host, stranger } = placeOf({ settings, wiring: wire(settings, FACTS) });
  return [host, stranger?.localAddress, stranger?.domain];
};

test('the mail ports are found where they are bound; the stranger of profile local meets them in his own family, where there are any', () => {
  const open = 'profile = "public"\nhostname = "mx.example.org"\npostmaster = "admin@example.org"';
  for (const [bind, host] of [
    [['0.0.0.0', '::'], '127.0.0.1'],
    [['::'], '::1'],
    [['0.0.0.0'], '127.0.0.1'],
    [['2001:db8::25', '192.0.2.25'], '2001:db8::25'],
  ] as const)
    assert.deepEqual(place(open, bind), [host, undefined, undefined], bind.join());
  const local = 'profile = "local"\nhostname = "mail.hauspost.test"\npostmaster = "admin@hauspost.test"';
  for (const [bind, host, from] of [
    [['127.0.0.1', '::1'], '127.0.0.1', '127.0.0.9'],
    [['::1', '127.0.0.1'], '127.0.0.1', '127.0.0.9'],
    [['::', '0.0.0.0'], '127.0.0.1', '127.0.0.9'],
    [['::1'], '::1', undefined],
    [['::'], '::1', undefined],
  ] as const)
    assert.deepEqual(place(local, bind), [host, from, 'outside.test'], bind.join());
});
