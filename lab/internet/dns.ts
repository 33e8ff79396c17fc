/** The name servers: Knot (knot.conf(5), knotd(8)), which signs by itself with the keys of the layer. */
import { knotServer } from '../knot.ts';
import { until } from '../process.ts';
import type { Daemon, ForeignHost } from './host.ts';
import { type Facts, KEYS } from './layer.ts';
import { NAME_SERVERS, type NameServerName, PRIMARY, REGISTRY, type Zone, zoneOf, ZONES } from './topology.ts';
import { homeOf, TTL, zoneFile, type ZoneLine } from './zones.ts';

/** Whoever has it may change any zone (RFC 2136, RFC 8945). Nobody but the lab hears it. */
export const UPDATER = { name: 'lab.', algorithm: 'hmac-sha256', secret: 'bGFiIG9mIGhhdXNwb3N0LCBub3RoaW5nIGVsc2UgdXM=' } as const;

/** Whoever has it may change addresses alone. */
export const OF_ADDRESSES = { ...UPDATER, name: 'addresses.', secret: 'YWRkcmVzc2VzIG9mIHRoZSBsYWIsIGFsb25lLCBubyB0ZXh0' } as const;

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
  /** Both, zone by zone, and at once where the server does that. */
  replace(gone: readonly ZoneLine[], come: readonly ZoneLine[]): Promise<void>;
  /** From now on the secondary keeps what it has of the zone, and nobody waits for it. Answers with what lets it go on, and waits until both have the same. */
  hold(zone: string): Promise<() => Promise<void>>;
  readonly servers: Readonly<Record<NameServerName, NameServer>>;
}

/** Holds a file `ZONEzone` for each zone. */
export const DIRECTORY = '/srv/zones';
const CONFIG = '/etc/knot/knot.conf';

/** What is signed with a key that does not change. */
const POLICY = `policy:
  - id: kept
    manual: on
    single-type-signing: on
    algorithm: ECDSAP256SHA256
`;

/** Signatures last for two weeks. */
const SIGNED_BEFORE_S = 30 * 86_400;

const served = (who: NameServerName): readonly Zone[] =>
  ZONES.filter(({ at, second }) => at === who || (who === 'secondary' && second === 'secondary'));

const zoneBlock = (who: NameServerName, { name, at, chain, second }: Zone): string => {
  const file = `  - domain: ${name}\n    file: ${DIRECTORY}/${name}zone\n`;
  if (who === 'secondary') return `${file}    master: ${at}\n    acl: notified\n`;
  return [
    file,
    '    zonefile-load: whole\n    journal-content: changes\n    zonefile-sync: -1\n',
    chain === 'insecure' || chain === 'expired' ? '' : '    dnssec-signing: on\n    dnssec-policy: kept\n',
    second === 'secondary' ? '    notify: secondary\n    acl: [updates, addresses, transfers]\n' : '    acl: [updates, addresses]\n',
  ].join('');
};

const configuration = (who: NameServerName): string => {
  const { v4, v6 } = NAME_SERVERS[who];
  const listen = [v4, v6].map((address) => `${address}@53`);
  return `${knotServer(listen, '/run/knot', `/srv/db-${who}`)}    kasp-db: ${KEYS}
    kasp-db-max-size: 20M
    journal-db-max-size: 20M
    timer-db-max-size: 10M
key:
  - id: ${UPDATER.name}
    algorithm: ${UPDATER.algorithm}
    secret: ${UPDATER.secret}
  - id: ${OF_ADDRESSES.name}
    algorithm: ${OF_ADDRESSES.algorithm}
    secret: ${OF_ADDRESSES.secret}
acl:
  - id: updates
    key: ${UPDATER.name}
    action: update
  - id: addresses
    key: ${OF_ADDRESSES.name}
    action: update
    update-type: [A, AAAA]
  - id: transfers
    address: [${NAME_SERVERS.secondary.v4}, ${NAME_SERVERS.secondary.v6}]
    action: transfer
  - id: notified
    address: [${PRIMARY.v4}, ${PRIMARY.v6}, ${REGISTRY.v4}, ${REGISTRY.v6}]
    action: notify
remote:
  - id: primary
    address: ${PRIMARY.v4}@53
    via: ${NAME_SERVERS.secondary.v4}
  - id: registry
    address: ${REGISTRY.v4}@53
    via: ${NAME_SERVERS.secondary.v4}
  - id: secondary
    address: ${NAME_SERVERS.secondary.v4}@53
${POLICY}template:
  - id: default
    storage: ${DIRECTORY}
    semantic-checks: off
zone:
${served(who)
  .map((zone) => zoneBlock(who, zone))
  .join('')}`;
};

/** Signs the zone's file as it would have been signed then (kzonesign(8)). Whoever serves it signs nothing. */
const signLongAgo = async (host: ForeignHost, { name }: Zone, text: string): Promise<void> => {
  const [file, config] = [`/srv/unsigned/${name}zone`, '/srv/unsigned/knot.conf'];
  const zone = `zone:\n  - domain: ${name}\n    file: ${file}\n    zonefile-load: whole\n    journal-content: none\n    dnssec-signing: on\n    dnssec-policy: kept\n`;
  await host.room.put({
    [file]: text,
    [config]: `database:\n    storage: /srv/unsigned\n    kasp-db: ${KEYS}\n    kasp-db-max-size: 20M\n${POLICY}${zone}`,
  });
  await host.must(['kzonesign', '-c', config, '-t', String(Math.floor(Date.now() / 1000) - SIGNED_BEFORE_S), '-o', DIRECTORY, name]);
};

const prepare = async (host: ForeignHost, who: NameServerName, facts: Facts, lines: readonly ZoneLine[]): Promise<void> => {
  const zones = who === 'secondary' ? [] : served(who).map((zone) => [`${DIRECTORY}/${zone.name}zone`, zoneFile(zone, facts, lines)] as const);
  await host.room.put({ [CONFIG]: configuration(who), ...Object.fromEntries(zones) });
  await host.must(['mkdir', '-p', '/run/knot', `/srv/db-${who}`, DIRECTORY]);
  for (const zone of who === 'secondary' ? [] : served(who))
    if (zone.chain === 'expired') await signLongAgo(host, zone, zoneFile(zone, facts, lines));
};

/** Every zone that it serves has a start of authority. */
const answers = async (host: ForeignHost, who: NameServerName, without: readonly string[] = []): Promise<true | undefined> => {
  const zones = served(who).flatMap(({ name }) => (without.includes(name) ? [] : [name]));
  const { code, stdout } = await host.room.run(['kdig', `@${host.addresses.v4}`, '+short', '+retry=0', '+timeout=1', '-t', 'SOA', ...zones]);
  const told = stdout.split('\n').filter((line) => line !== '');
  return (code === 0 && told.length === zones.length) || undefined;
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

const commandsOf = (gone: readonly ZoneLine[], come: readonly ZoneLine[]): ReadonlyMap<Zone, readonly string[]> => {
  const each = [
    ...gone.map((line) => [homeOf(line), `del ${line}`] as const),
    ...come.map((line) => [homeOf(line), `add ${line.replace(' ', ` ${TTL} IN `)}`] as const),
  ];
  return new Map([...Map.groupBy(each, ([zone]) => zone)].map(([zone, some]) => [zone, some.map(([, command]) => command)]));
};

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
  const held = new Set<string>();
  const transferred = async ({ name, at }: Zone): Promise<void> => {
    const from = servers[at];
    const serial = await serialAt(from, from.addresses.v4, name);
    const same = async (): Promise<true | undefined> => (await serialAt(secondary, secondary.addresses.v4, name)) === serial || undefined;
    await until(`${name} is transferred`, same, 30_000, 100);
  };
  const send = async (gone: readonly ZoneLine[], come: readonly ZoneLine[]): Promise<void> => {
    const each = async (zone: Zone, commands: readonly string[]): Promise<void> => {
      const host = servers[zone.at];
      const input = [
        `server ${host.addresses.v4}`,
        `zone ${zone.name}`,
        `key ${UPDATER.algorithm}:${UPDATER.name} ${UPDATER.secret}`,
        ...commands,
        'send',
        '',
      ];
      await host.must(['knsupdate'], { input: input.join('\n') });
      if (zone.second === 'secondary' && !held.has(zone.name)) await transferred(zone);
    };
    await Promise.all([...commandsOf(gone, come)].map(([zone, commands]) => each(zone, commands)));
  };
  /** Knot 3.2.6 ignores a CNAME beside what the same update removes. */
  const replace: Names['replace'] = async (gone, come) => {
    if (![...gone, ...come].some((line) => line.includes(' CNAME'))) return send(gone, come);
    await send(gone, []);
    await send([], come);
  };
  const hold: Names['hold'] = async (zone) => {
    // knotc(8): what would change the zone waits until it is thawed. Without -b it answers before that is so, and what is under way goes on.
    const knotc = (action: string): Promise<unknown> => secondary.must(['knotc', '-b', '-c', CONFIG, action, zone]);
    await knotc('zone-freeze');
    held.add(zone);
    return async () => {
      held.delete(zone);
      await knotc('zone-thaw');
      await knotc('zone-refresh');
      await transferred(zoneOf(zone));
    };
  };
  return { servers, hold, replace, add: (...some) => send([], some), remove: (...some) => send(some, []) };
};
