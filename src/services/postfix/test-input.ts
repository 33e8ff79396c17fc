/** For the tests of this folder: a small machine of each release. */
import { parseConfig, resolve } from '#config';
import type { Codename, Facts } from '#machine';
import { type RenderInput, wire } from '#model';

const VERSION: Readonly<Record<Codename, string>> = { bookworm: '3.7.11', trixie: '3.10.13' };

export const inputFor = (codename: Codename, init: Facts['init'] = 'systemd', config = '[server]\nprofile = "local"\n'): RenderInput => {
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
      dovecot: other,
      pigeonhole: other,
      postfix: VERSION[codename],
      nginx: other,
    },
    dkimKeys: [],
  };
  const parsed = parseConfig(config, 'hauspost.toml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const settings = resolve(parsed.value, facts);
  return { settings, facts, wiring: wire(settings, facts) };
};
