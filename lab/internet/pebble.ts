/**
 * The certificate authority: Pebble (pebble(1)), which speaks ACME (RFC 8555) and asks the resolver of this internet where a name leads.
 * What it issues hangs from a root of its own, a new one at each start.
 */
import { httpRequest, httpsExchange } from '../http.ts';
import { until } from '../process.ts';
import { makeCertificate } from './exim.ts';
import type { Daemon, ForeignHost } from './host.ts';
import type { Facts } from './layer.ts';
import { RESOLVER } from './topology.ts';

export interface CertificateAuthority {
  readonly host: ForeignHost;
  /** The address of its directory (RFC 8555, section 7.1.1). What it shows there itself is signed by the internet's authority. */
  readonly directory: string;
  /** PEM: whom to trust who meets what it has issued. Another one after each `begin`. */
  root(): string;
  /** It ends, as if its machine were off; `begin` has it answer again, and it knows nobody then. */
  end(): Promise<void>;
  /** `refused`: names that it signs for nobody. */
  begin(refused?: readonly string[]): Promise<void>;
}

export interface AuthorityOptions {
  /** How long its certificates are valid; five years if left out. */
  readonly lifetimeS?: number;
  /** Of a hundred nonces so many are refused, as if they were old (RFC 8555, section 6.5). */
  readonly noncesRefused?: number;
  /** It does as if they were not in DNS: Pebble 2.4.0 tries the first IPv6 address of a name alone, where authorities of the world go on with IPv4. */
  readonly unanswered?: readonly string[];
}

const CONFIG = '/srv/pebble.json';
const MANAGEMENT = 15_000;

const configuration = ({ lifetimeS }: AuthorityOptions, refused: readonly string[] = []): string =>
  JSON.stringify({
    pebble: {
      listenAddress: ':443',
      managementListenAddress: `:${MANAGEMENT}`,
      certificate: '/srv/tls/chain.pem',
      privateKey: '/srv/tls/key.pem',
      // Where challenges are answered (RFC 8555, section 8.3; RFC 8737).
      httpPort: 80,
      tlsPort: 443,
      ocspResponderURL: '',
      externalAccountBindingRequired: false,
      domainBlocklist: refused,
      ...(lifetimeS === undefined ? {} : { certificateValidityPeriod: lifetimeS }),
    },
  });

/** Without these it waits up to five seconds before each validation, refuses a twentieth of all nonces, and leaves out half of all challenges for names that it knows. */
const decided = ({ noncesRefused = 0 }: AuthorityOptions): readonly string[] => [
  'PEBBLE_VA_NOSLEEP=1',
  `PEBBLE_WFE_NONCEREJECT=${noncesRefused}`,
  'PEBBLE_AUTHZREUSE=0',
];

/** A resolver of its own, which leaves these addresses out (unbound.conf(5)) and keeps nothing; its address. */
const without = async (host: ForeignHost, addresses: readonly string[]): Promise<string> => {
  const server = [
    'interface: 127.0.0.1',
    'module-config: "iterator"',
    'cache-max-ttl: 0',
    ...addresses.map((address) => `private-address: ${address}`),
    'local-zone: "test." nodefault',
    'username: ""',
    'chroot: ""',
    'directory: "/srv"',
    'use-syslog: no',
  ];
  const forward = `forward-zone:\n  name: "."\n  forward-addr: ${RESOLVER.v4}\nremote-control:\n  control-enable: no\n`;
  await host.room.put({ '/srv/unbound.conf': `server:\n${server.map((line) => `  ${line}\n`).join('')}${forward}` });
  host.daemon(['unbound', '-d', '-c', '/srv/unbound.conf']);
  const asks = ['kdig', '@127.0.0.1', '+short', '+retry=0', '+timeout=2', host.name, 'A'];
  await until(
    `${host.name} resolves its own name`,
    async () => (await host.room.run(asks)).stdout.includes(host.addresses.v4) || undefined,
    30_000,
    100,
  );
  return '127.0.0.1';
};

export const certificateAuthority = async (host: ForeignHost, { authority }: Facts, options: AuthorityOptions): Promise<CertificateAuthority> => {
  const { name, addresses } = host;
  await makeCertificate(host, { certificate: 'authority', domain: name });
  await host.room.put({ [CONFIG]: configuration(options) });
  const resolver = options.unanswered === undefined ? RESOLVER.v4 : await without(host, options.unanswered);
  const start = (): Daemon => host.daemon(['env', ...decided(options), 'pebble', '-config', CONFIG, '-dnsserver', `${resolver}:53`]);
  let daemon = start();
  const page = async (port: number, target: string): Promise<string | undefined> => {
    const socket = await host.dial({ host: addresses.v4, port }).catch(() => undefined);
    if (socket === undefined) return undefined;
    const { status, body } = await httpsExchange(socket, { ca: authority, servername: name }, httpRequest(target, { headers: [`Host: ${name}`] }));
    return status === 200 ? body : undefined;
  };
  const shown = (port: number, target: string): Promise<string> =>
    until(
      `${name} shows ${target}`,
      () => {
        if (daemon.child.exitCode !== null) throw new Error(`Pebble ended: ${host.said()}`);
        return page(port, target);
      },
      30_000,
      100,
    );
  let root = '';
  const ready = async (): Promise<void> => {
    await shown(443, '/dir');
    root = await shown(MANAGEMENT, '/roots/0');
  };
  const isShut = (port: number): Promise<true | undefined> =>
    host.dial({ host: addresses.v4, port }).then(
      (socket) => {
        socket.destroy();
        return undefined;
      },
      (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED' || undefined,
    );
  await ready();
  return {
    host,
    directory: `https://${name}/dir`,
    root: () => root,
    end: async () => {
      await daemon.stop();
      // What has ended is nsenter(1); the kernel ends Pebble with it, a moment later.
      for (const port of [443, MANAGEMENT]) await until(`nobody listens on ${port}`, () => isShut(port), 30_000);
    },
    begin: async (refused) => {
      await host.room.put({ [CONFIG]: configuration(options, refused) });
      daemon = start();
      await ready();
    },
  };
};
