/** The private internet: names from the root down, and hosts that are not ours, on one network that leads nowhere. */
import type { Release } from '../kinds.ts';
import { type Addresses, type Network, network } from '../network.ts';
import { type Names, nameServers, OF_ADDRESSES, UPDATER } from './dns.ts';
import { exim, type EximOptions, type EximServer } from './exim.ts';
import { foreignHost, type ForeignHost } from './host.ts';
import { type Facts, foreign } from './layer.ts';
import { type Ours, ours, servedThere } from './ours.ts';
import { type AuthorityOptions, type CertificateAuthority, certificateAuthority } from './pebble.ts';
import { type Conversation, recorder } from './recorder.ts';
import { linesSince, report } from './report.ts';
import { beginResolver, RESOLV_CONF } from './resolver.ts';
import { addressesOf, CERTIFICATE_AUTHORITY, NAME_SERVERS, PEOPLE, RECORDER, RESOLVER } from './topology.ts';
import { addressLines, reverseLines, type ZoneLine } from './zones.ts';

/** What a foreign server's TLSA record says of its key. */
type Tlsa = 'right' | 'wrong' | 'none';

export interface ForeignServer extends Omit<EximOptions, 'domain'> {
  readonly tlsa?: Tlsa;
  /** Where the domain is not `NAME.example`. */
  readonly domain?: string;
}

export interface Internet extends AsyncDisposable {
  readonly lan: Network;
  readonly facts: Facts;
  readonly names: Names;
  /** What was said on the ports of mail, by whomever. */
  conversations(): Promise<readonly Conversation[]>;
  /** For people, when a test has failed: dialogues, and the logs of all mail servers, since `from`. */
  report(from: Date): Promise<string>;
  /** All hosts with foreign programs so far. */
  readonly hosts: readonly ForeignHost[];
  /** Where people's mail programs are. */
  readonly people: ForeignHost;
  /** A host with foreign programs and nothing started; its name leads to it and back. */
  host(name: string, addresses?: Addresses): Promise<ForeignHost>;
  /** Exim at mail.NAME.example, which is the MX of NAME.example. */
  exim(name: string, options: ForeignServer): Promise<EximServer>;
  /** Pebble at acme.example. */
  pebble(options?: AuthorityOptions): Promise<CertificateAuthority>;
  /** A mail server of ours, with mail.house.example (bookworm) or mail.club.example (trixie) published as it says. */
  ours(release: Release): Promise<Ours>;
}

/** Numbers of hosts that a scenario adds. */
const FIRST_FREE = 50;

/** Each knows its own name: Knot asks for that before it does anything else, and the resolver is not there yet. */
const hostsFile = (name: string, { v4, v6 }: Addresses): string =>
  ['127.0.0.1 localhost', '::1 localhost', `${v4} ${name}`, `${v6} ${name}`, ''].join('\n');

/** What each wrote since `from`, or why that cannot be told: a machine may be off. */
const logsOf = (servers: readonly Ours[], exims: readonly EximServer[], from: Date): Promise<readonly (readonly [string, string])[]> => {
  const since = `--since=@${from.getTime() / 1000}`;
  const journal = async ({ machine }: Ours): Promise<string> => (await machine.run(['journalctl', '--no-pager', '--output=short-iso', since])).stdout;
  const told = async (name: string, log: Promise<string>): Promise<readonly [string, string]> => [name, await log.catch(String)];
  return Promise.all([
    ...servers.map((server) => told(server.identity.hostname, journal(server))),
    ...exims.map((server) =>
      told(
        server.host.name,
        server.log().then((log) => linesSince(log, from)),
      ),
    ),
  ]);
};

/** `lines` stand in the zones from the beginning. */
export const internet = async (lines: readonly ZoneLine[] = []): Promise<Internet> => {
  await using stack = new AsyncDisposableStack();
  const { layer, facts } = await foreign();
  const lan = stack.use(await network({ hub: true }));
  let owner: AsyncDisposableStack = stack;
  const [hosts, servers, exims]: [ForeignHost[], Ours[], EximServer[]] = [[], [], []];
  const plain = async (name: string, addresses: Addresses): Promise<ForeignHost> => {
    const made = owner.use(await foreignHost(lan, layer, name, addresses));
    await made.room.put({ '/etc/resolv.conf': RESOLV_CONF, '/etc/hosts': hostsFile(name, addresses) });
    hosts.push(made);
    return made;
  };
  const names = await nameServers((name, who) => plain(name, NAME_SERVERS[who]), facts, lines);
  await beginResolver(await plain('resolver.example', RESOLVER), facts);
  const heard = await recorder(await plain('recorder.example', RECORDER));
  let last = FIRST_FREE;
  const host: Internet['host'] = async (name, addresses = addressesOf(last++)) => {
    const made = await plain(name, addresses);
    await names.add(...addressLines(`${name}.`, addresses), ...reverseLines(addresses, `${name}.`));
    return made;
  };
  const people = await plain('laptop.people.example', PEOPLE);
  const net: Internet = {
    lan,
    facts,
    names,
    hosts,
    people,
    host,
    conversations: heard.conversations,
    report: async (from) => {
      const [conversations, logs] = [await heard.conversations(), await logsOf(servers, exims, from)];
      return report({ conversations, logs, logins: servers.flatMap(({ logins }) => logins), secrets: [UPDATER.secret, OF_ADDRESSES.secret] }, from);
    },
    exim: async (name, { tlsa = 'none', domain = `${name}.example`, ...rest }) => {
      const server = await exim(await host(`mail.${domain}`), { domain, ...rest });
      exims.push(server);
      const digest = tlsa === 'wrong' ? '0'.repeat(64) : server.keyDigest;
      await names.add(`${domain}. MX 10 mail.${domain}.`, ...(tlsa === 'none' ? [] : [`_25._tcp.mail.${domain}. TLSA 3 1 1 ${digest}`]));
      return server;
    },
    pebble: async (options = {}) => certificateAuthority(await host('acme.example', CERTIFICATE_AUTHORITY), facts, options),
    ours: async (release) => {
      const server = await ours(net, release, await servedThere(release, internet));
      owner.use(server);
      servers.push(server);
      return server;
    },
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
  owner = stack.move();
  return net;
};
