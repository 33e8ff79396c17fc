/** For the tests of this folder: a small machine of each release in profile local. */
import { parseConfig, resolve } from '#config';
import type { Codename, Facts } from '#machine';
import { type RenderInput, wire } from '#model';

const VERSION: Readonly<Record<Codename, string>> = { bookworm: '2.3.19', trixie: '2.4.1' };

export const inputFor = (codename: Codename, init: Facts['init'] = 'systemd'): RenderInput => {
  const other = '1.0';
  const facts: Facts = {
    codename,
    architecture: 'amd64',
    init,
    cores: 2,
    memoryMb: 1024,
    addresses: { v4: ['192.0.2.25'], v6: [] },
    ipv6: true,
    resolvers: [],
    resolversCarryDnssec: false,
    versions: {
      unbound: other,
      mariadb: other,
      redis: other,
      rspamd: other,
      dovecot: VERSION[codename],
      pigeonhole: other,
      postfix: other,
      nginx: other,
    },
    dkimKeys: [],
  };
  const config = parseConfig('[server]\nprofile = "local"\n', 'hauspost.toml');
  if (!config.ok) throw new Error(JSON.stringify(config.errors));
  const settings = resolve(config.value, facts);
  return { settings, facts, wiring: wire(settings, facts) };
};
