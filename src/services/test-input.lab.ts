/** For the tests of this room: a small machine of each release, with the versions that Debian gives it. */
import { parseConfig, resolve } from '#config';
import type { Codename, Facts } from '#machine';
import { type RenderInput, wire } from '#model';

const VERSIONS: Readonly<Record<Codename, Facts['versions']>> = {
  bookworm: {
    unbound: '1.17.1',
    mariadb: '10.11.19',
    redis: '7.0.15',
    rspamd: '3.4',
    dovecot: '2.3.19',
    postfix: '3.7.11',
    nginx: '1.22.1',
  },
  trixie: {
    unbound: '1.26.2',
    mariadb: '11.8.9',
    redis: '8.0.2',
    rspamd: '3.12.1',
    dovecot: '2.4.1',
    postfix: '3.10.13',
    nginx: '1.26.3',
  },
};

export const LOCAL = '[server]\nprofile = "local"\n';
export const PUBLIC = '[server]\nprofile = "public"\nhostname = "mail.example.org"\npostmaster = "postmaster@example.org"\n';

export const inputFor = (
  codename: Codename,
  init: Facts['init'] = 'systemd',
  config: string = LOCAL,
  texts: RenderInput['texts'] = {},
): RenderInput => {
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
    versions: VERSIONS[codename],
    dkimKeys: [],
  };
  const parsed = parseConfig(config, 'hauspost.toml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const settings = resolve(parsed.value, facts);
  return { settings, facts, wiring: wire(settings, facts), texts };
};
