/** The name servers: Knot (knot.conf(5), knotd(8)), which signs by itself with the keys of the layer. */
import { until } from '../process.ts';
import type { Daemon, ForeignHost } from './host.ts';
import { type Facts, KEYS } from './layer.ts';
import { NAME_SERVERS, type NameServerName, PRIMARY, type Zone, ZONES } from './topology.ts';
import { homeOf, TTL, zoneFile, type ZoneLine } from './zones.ts';

/** Whoever has it may change any zone (RFC 2136, RFC 8945). Nobody but the lab hears it. */
export const UPDATER = { name: 'lab.', algorithm: 'hmac-sha256', secret: 'bGFiIG9mIGhhdXNwb3N0LCBub3RoaW5nIGVsc2UgdXM=' } as const;

export interface NameServer extends ForeignHost {
  /** Ends it, without a word. */
  end(): Promise<void>;
  /** Starts it again with what its zones held; answers when it serves all of them but those in `without`. */
  begin(...without: readonly string[]): Promise<void>;
}

export interface Names {
  /** Adds records, in every zone that they belong to; answers when the zone is served with them, by its secondary as well. */
  add(...lines: readonly ZoneLine[]): Promise<void>;
  /** Removes records: all of a name's type (`mail.right.example. TLSA`) or the one that is named in full. */
  remove(...lines: readonly ZoneLine[]): Promise<void>;
  readonly servers: Readonly<Record<NameServerName, NameServer>>;
}

/** Holds a file `ZONEzone` for each zone. */
export const DIRECTORY = '/srv/zones';
const CONFIG = '/etc/knot/knot.conf';

const served = (who: NameServerName): readonly Zone[] =>
  ZONES.filter(({ at, second }) => at === who || (who === 'secondary' && second === 'secondary'));

const zoneBlock = (who: NameServerName, { name, chain, second }: Zone): string => {
  const file = `  - domain: ${name}\n    file: ${DIRECTORY}/${name}zone\n`;
  if (who === 'secondary') return `${file}    master: primary\n    acl: notified\n`;
  return [
    file,
    '    zonefile-load: whole\n    journal-content: changes\n    zonefile-sync: -1\n    acl: updates\n',
    chain === 'insecure' ? '' : '    dnssec-signing: on\n    dnssec-policy: kept\n',
    second === 'secondary' ? '    notify: secondary\n    acl: [updates, transfers]\n' : '',
  ]
    .join('')
    .replace(/ {4}acl: updates\n(?=[\s\S]*acl: \[)/, '');
};

/** Each server with as few threads as it can have: there are many of them, and little is asked. */
const configuration = (who: NameServerName): string => {
  const { v4, v6 } = NAME_SERVERS[who];
  return `server:
    listen: [${v4}@53, ${v6}@53]
    rundir: /run/knot
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: notice
database:
    storage: /srv/db-${who}
    kasp-db: ${KEYS}
    kasp-db-max-size: 20M
    journal-db-max-size: 20M
    timer-db-max-size: 10M
key:
  - id: ${UPDATER.name}
    algorithm: ${UPDATER.algorithm}
    secret: ${UPDATER.secret}
acl:
  - id: updates
    key: ${UPDATER.name}
    action: update
  - id: transfers
    address: [${NAME_SERVERS.secondary.v4}, ${NAME_SERVERS.secondary.v6}]
    action: transfer
  - id: notified
    address: [${PRIMARY.v4}, ${PRIMARY.v6}]
    action: notify
remote:
  - id: primary
    address: ${PRIMARY.v4}@53
    via: ${NAME_SERVERS.secondary.v4}
  - id: secondary
    address: ${NAME_SERVERS.secondary.v4}@53
policy:
  - id: kept
    manual: on
    single-type-signing: on
    algorithm: ECDSAP256SHA256
template:
  - id: default
    storage: ${DIRECTORY}
    semantic-checks: off
zone:
${served(who)
  .map((zone) => zoneBlock(who, zone))
  .join('')}`;
};

const prepare = async (host: ForeignHost, who: NameServerName, facts: Facts, lines: readonly ZoneLine[]): Promise<void> => {
  const zones = who === 'secondary' ? [] : served(who).map((zone) => [`${DIRECTORY}/${zone.name}zone`, zoneFile(zone, facts, lines)] as const);
  await host.room.put({ [CONFIG]: configuration(who), ...Object.fromEntries(zones) });
  await host.must(['mkdir', '-p', '/run/knot', `/srv/db-${who}`, DIRECTORY]);
};

/** Every zone that it serves has a start of authority. */
const answers = async (host: ForeignHost, who: NameServerName, without: readonly string[] = []): Promise<true | undefined> => {
  for (const { name } of served(who).filter((zone) => !without.includes(zone.name))) {
    const { code, stdout } = await host.room.run(['kdig', `@${host.addresses.v4}`, '+short', '+retry=0', '+timeout=1', name, 'SOA']);
    if (code !== 0 || stdout.trim() === '') return undefined;
  }
  return true;
};

/** Constant. In a room of its own there is no other knotd. */
const KILL = 'kill -s KILL $(pidof knotd)';
/** Constant. It does not start as long as the process is there that its PID file names. */
const ENDED = 'test ! -e "/proc/$(cat /run/knot/knot.pid)"';

const running = (host: ForeignHost, who: NameServerName): NameServer => {
  // It may be held up by SIGSTOP: it is no child of nsenter(1), which would stop with it, and then keep the room from being closed.
  const start = (): Daemon => host.daemon(['sh', '-c', '"$@" & wait $!', 'sh', 'knotd', '-c', CONFIG]);
  let daemon = start();
  return {
    ...host,
    end: async () => {
      await host.must(['sh', '-c', KILL]);
      await daemon.stop();
      await until(`${host.name} has ended`, async () => (await host.room.run(['sh', '-c', ENDED])).code === 0 || undefined, 10_000);
    },
    begin: async (...without) => {
      daemon = start();
      await until(`${host.name} serves its zones again`, () => answers(host, who, without), 30_000, 100);
    },
  };
};

/** Knot's own answer to an update is that it is served; its secondary has it when the serials are equal. */
const serialAt = async (from: ForeignHost, address: string, zone: string): Promise<string> =>
  (await from.must(['kdig', `@${address}`, '+short', zone, 'SOA'])).stdout.split(' ')[2] ?? '';

const grouped = (lines: readonly ZoneLine[]): ReadonlyMap<Zone, readonly ZoneLine[]> => Map.groupBy(lines, homeOf);

export const nameServers = async (
  open: (name: string, who: NameServerName) => Promise<ForeignHost>,
  facts: Facts,
  lines: readonly ZoneLine[],
): Promise<Names> => {
  const named = { root: 'a.root.example', registry: 'registry.example', primary: 'ns1.example', secondary: 'ns2.example' } as const;
  const each = async (who: NameServerName): Promise<NameServer> => {
    const host = await open(named[who], who);
    await prepare(host, who, facts, lines);
    return running(host, who);
  };
  const [root, registry, primary, secondary] = await Promise.all([each('root'), each('registry'), each('primary'), each('secondary')]);
  const servers = { root, registry, primary, secondary };
  for (const who of ['root', 'registry', 'primary', 'secondary'] as const)
    await until(`${named[who]} serves its zones`, () => answers(servers[who], who), 30_000, 100);
  const update = async (verb: 'add' | 'del', wanted: readonly ZoneLine[]): Promise<void> => {
    for (const [zone, some] of grouped(wanted)) {
      const host = servers[zone.at];
      const commands = some.map((line) => (verb === 'add' ? `add ${line.replace(' ', ` ${TTL} IN `)}` : `del ${line}`));
      const input = [
        `server ${host.addresses.v4}`,
        `zone ${zone.name}`,
        `key ${UPDATER.algorithm}:${UPDATER.name} ${UPDATER.secret}`,
        ...commands,
        'send',
        '',
      ];
      await host.must(['knsupdate'], { input: input.join('\n') });
      if (zone.second !== 'secondary') continue;
      const serial = await serialAt(host, host.addresses.v4, zone.name);
      await until(
        `${zone.name} is transferred`,
        async () => (await serialAt(host, secondary.addresses.v4, zone.name)) === serial || undefined,
        30_000,
        100,
      );
    }
  };
  return { servers, add: (...some) => update('add', some), remove: (...some) => update('del', some) };
};
