/**
 * A host that hears everything on the network (the switch sends each frame to everybody) and keeps what belongs to mail. What it heard is
 * told by tshark(1): what each packet brought, and of TLS what both sides showed before it began.
 */
import { type Child, collect, doNotWaitFor, until } from '../process.ts';
import { dialogueOf, type Piece } from './dialogues.ts';
import type { ForeignHost } from './host.ts';
import { RESOLVER } from './topology.ts';

/** One TCP connection. */
export interface Conversation {
  /** Addresses; of IPv4 and IPv6. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** `C: EHLO mail.house.example`, `S: 250 fine`, in the order in which they were heard. Passwords are left out. */
  readonly lines: readonly string[];
  /** When the last packet of it was heard. */
  readonly last: Date;
  /** What the server chose, as tshark names it (`TLS 1.3`), and the name that the client asked for. */
  readonly tls: { readonly version: string; readonly serverName: string } | undefined;
}

export interface Recorder {
  /** All that began before this is asked. */
  conversations(): Promise<readonly Conversation[]>;
}

const FILE = '/srv/heard.pcapng';
/** Those of mail, and the one (discard, RFC 863) to which the recorder itself says how far it has come. */
const PORTS = 'tcp port 25 or tcp port 465 or tcp port 587 or udp port 9';

const FIELDS = [
  ...['tcp.stream', 'frame.time_epoch', 'ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'tcp.srcport', 'tcp.dstport'],
  ...['tcp.seq', 'tcp.payload'],
  ...['tls.handshake.type', 'tls.handshake.extensions.supported_version', 'tls.handshake.version', 'tls.handshake.extensions_server_name'],
  'udp.payload',
] as const;

type Packet = Readonly<Record<(typeof FIELDS)[number], string>>;

const VERSIONS: Readonly<Record<string, string>> = { '0x0301': 'TLS 1.0', '0x0302': 'TLS 1.1', '0x0303': 'TLS 1.2', '0x0304': 'TLS 1.3' };
const [CLIENT_HELLO, SERVER_HELLO] = ['1', '2'];

const packetsOf = (stdout: string): readonly Packet[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Object.fromEntries(line.split('\t').map((value, index) => [FIELDS[index] ?? '', value])) as Packet);

const isClient = (packet: Packet): boolean => ['25', '465', '587'].includes(packet['tcp.dstport']);

/** Between the values of a field that a packet has more than once; nobody says it. */
const UNIT = '\x1f';

const valuesOf = (packet: Packet, field: (typeof FIELDS)[number]): readonly string[] => packet[field].split(UNIT).filter((value) => value !== '');

/** What each packet adds to what its sender had said: what is sent again counts once. */
const piecesOf = (packets: readonly Packet[]): readonly Piece[] => {
  const next = { client: 0, server: 0 };
  return packets.flatMap((packet) => {
    const [octets, client] = [Buffer.from(packet['tcp.payload'], 'hex').toString('latin1'), isClient(packet)];
    const [who, from] = [client ? 'client' : 'server', Number(packet['tcp.seq'])] as const;
    const more = octets.slice(Math.max(0, next[who] - from));
    next[who] = Math.max(next[who], from + octets.length);
    return more === '' ? [] : [{ client, octets: more }];
  });
};

const tlsOf = (packets: readonly Packet[]): Conversation['tls'] => {
  const shows = (type: string) => (packet: Packet) => valuesOf(packet, 'tls.handshake.type').includes(type);
  const [asked, answered] = [packets.find(shows(CLIENT_HELLO)), packets.find(shows(SERVER_HELLO))];
  if (asked === undefined || answered === undefined) return undefined;
  const code = [...valuesOf(answered, 'tls.handshake.extensions.supported_version'), ...valuesOf(answered, 'tls.handshake.version')][0] ?? '';
  return { version: VERSIONS[code] ?? code, serverName: valuesOf(asked, 'tls.handshake.extensions_server_name')[0] ?? '' };
};

const conversationOf = (packets: readonly Packet[]): Conversation | undefined => {
  const first = packets.find(isClient);
  if (first === undefined) return undefined;
  return {
    from: first['ip.src'] || first['ipv6.src'],
    to: first['ip.dst'] || first['ipv6.dst'],
    port: Number(first['tcp.dstport']),
    lines: dialogueOf(piecesOf(packets), first['tcp.dstport'] === '465'),
    last: new Date(Math.max(...packets.map((packet) => Number(packet['frame.time_epoch']))) * 1000),
    tls: tlsOf(packets),
  };
};

interface Reader {
  readonly child: Child;
  readonly stdout: { text(): string };
  readonly stderr: { text(): string };
}

/** tshark(1) takes longer to start than to read: one reads on, and tells of each packet once. */
const beginReading = ({ room }: ForeignHost): Reader => {
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const read = ['tshark', '-n', '-l', '-r', '-', '-Y', 'tcp or udp', '-T', 'fields', '-E', 'occurrence=a', '-E', `aggregator=${UNIT}`, ...fields];
  const child = room.spawn(['sh', '-c', 'file=$1; shift; tail -c +1 -f "$file" | "$@"', 'sh', FILE, ...read]);
  doNotWaitFor(child);
  return { child, stdout: collect(child.stdout), stderr: collect(child.stderr) };
};

/** What was heard before a word of our own, which dumpcap(1), who writes twice a second, and the reader pass on after that. */
const packetsSoFar = (host: ForeignHost): (() => Promise<readonly Packet[]>) => {
  let reader: Reader | undefined;
  let last = 0;
  return async () => {
    reader ??= beginReading(host);
    const { child, stdout, stderr } = reader;
    const word = `so far ${++last} of ${process.pid}.`;
    await host.must(['bash', '-c', 'printf %s "$1" >"/dev/udp/$2/9"', 'say', word, RESOLVER.v4]);
    const end = Buffer.from(word).toString('hex');
    const before = (): string | undefined => {
      if (child.exitCode !== null) throw new Error(`tshark ended: ${stderr.text()}`);
      const [heard, more] = stdout.text().split(end);
      return more === undefined ? undefined : heard;
    };
    const heard = await until('the recorder has written', before, 30_000, 50);
    return packetsOf(heard).filter((packet) => packet['tcp.stream'] !== '');
  };
};

export const recorder = async (host: ForeignHost): Promise<Recorder> => {
  const child = host.daemon(['dumpcap', '-q', '-i', 'host0', '-f', PORTS, '-w', FILE]);
  await until(
    'the recorder hears',
    async () => {
      if (child.child.exitCode !== null) throw new Error('dumpcap ended');
      return (await host.room.run(['test', '-s', FILE])).code === 0 || undefined;
    },
    30_000,
    100,
  );
  const packets = packetsSoFar(host);
  return {
    conversations: async () => {
      const streams = Map.groupBy(await packets(), (packet) => packet['tcp.stream']);
      return [...streams.values()].flatMap((all) => conversationOf(all) ?? []);
    },
  };
};

/** For people: who spoke to whom, and what. */
export const told = (conversations: readonly Conversation[]): string =>
  conversations
    .map(({ from, to, port, lines, tls }) => {
      const secure = tls === undefined ? 'in clear' : `${tls.version}, for ${tls.serverName || 'no name'}`;
      return [`${from} -> ${to} port ${port} (${secure})`, ...lines.map((line) => `    ${line}`)].join('\n');
    })
    .join('\n');
