/** The resolver of the hosts that are not ours: Unbound, which believes this internet's root, and `test` as well. */
import type { Addresses } from '../network.ts';
import { until } from '../process.ts';
import type { ForeignHost } from './host.ts';
import type { Facts } from './layer.ts';
import { RESOLVER, ROOT } from './topology.ts';

/** named.root of this internet, for any resolver. */
export const rootHints = ({ v4, v6 }: Addresses = ROOT): string =>
  ['. 3600000 IN NS a.root.example.', `a.root.example. 3600000 IN A ${v4}`, `a.root.example. 3600000 IN AAAA ${v6}`, ''].join('\n');

const configuration = `server:
  interface: ${RESOLVER.v4}
  access-control: 0.0.0.0/0 allow
  root-hints: /srv/root.hints
  trust-anchor-file: /srv/root.key
  local-zone: "test." nodefault
  username: ""
  chroot: ""
  directory: "/srv"
  use-syslog: no
  num-threads: 1
  cache-max-ttl: 60
  cache-max-negative-ttl: 5
remote-control:
  control-enable: no
`;

export const beginResolver = async (host: ForeignHost, { anchor }: Facts): Promise<void> => {
  await host.room.put({ '/srv/unbound.conf': configuration, '/srv/root.hints': rootHints(), '/srv/root.key': `${anchor}\n` });
  host.daemon(['unbound', '-d', '-c', '/srv/unbound.conf']);
  await until(
    'the resolver vouches for the root',
    async () => {
      const { stdout } = await host.room.run(['kdig', `@${RESOLVER.v4}`, '+dnssec', '+retry=0', '+timeout=2', 'example.', 'SOA']);
      return / ad[ ;]/.test(stdout) || undefined;
    },
    30_000,
    100,
  );
};

/** For /etc/resolv.conf of a host: what the resolver vouches for is to be told on (`trust-ad`, resolv.conf(5)). */
export const RESOLV_CONF = `nameserver ${RESOLVER.v4}\noptions edns0 trust-ad\n`;
