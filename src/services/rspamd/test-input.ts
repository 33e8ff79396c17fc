/** For the tests of this folder: a small machine of each release. */
import { parseConfig, resolve, type Settings } from '#config';
import type { Codename, Facts } from '#machine';
import { type RenderInput, wire } from '#model';

type Versions = Pick<Facts['versions'], 'rspamd' | 'redis' | 'nginx'>;
const VERSIONS: Readonly<Record<Codename, Versions>> = {
  bookworm: { rspamd: '3.4', redis: '7.0.15', nginx: '1.22.1' },
  trixie: { rspamd: '3.12.1', redis: '8.0.2', nginx: '1.26.3' },
};

export const inputFor = (codename: Codename, profile: Settings['profile'] = 'local'): RenderInput => {
  const facts: Facts = {
    codename,
    architecture: 'amd64',
    init: 'systemd',
    cores: 2,
    memoryMb: 1024,
    addresses: { v4: ['192.0.2.25'], v6: [] },
    ipv6: true,
    resolvers: [],
    resolversCarryDnssec: false,
    versions: { unbound: '1.0', mariadb: '1.0', dovecot: '1.0', pigeonhole: '1.0', postfix: '1.0', ...VERSIONS[codename] },
    dkimKeys: [],
  };
  const server = profile === 'local' ? '' : 'hostname = "mail.example.org"\npostmaster = "postmaster@example.org"\n';
  const config = parseConfig(`[server]\nprofile = "${profile}"\n${server}`, 'hauspost.toml');
  if (!config.ok) throw new Error(JSON.stringify(config.errors));
  const settings = resolve(config.value, facts);
  return { settings, facts, wiring: wire(settings, facts) };
};
