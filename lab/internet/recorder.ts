/**
 * A host that hears everything on the network (the switch sends each frame to everybody) and keeps what belongs to mail. What it heard is
 * told by tshark(1): who said what to whom in clear, and of TLS what both sides showed before it began.
 */
import { until } from '../process.ts';
import type { ForeignHost } from './host.ts';

/** One TCP connection. */
export interface Conversation {
  /** Addresses; of IPv4 and IPv6. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** `C: EHLO mail.house.example`, `S: 250 fine`, in the order in which they were heard. Passwords are left out. */
  readonly lines: readonly string[];
  /** What the server chose, as tshark names it (`TLS 1.3`), and the name that the client asked for. */
  readonly tls: { readonly version: string; readonly serverName: string } | undefined;
}

export interface Recorder {
  conversations(): Promise<readonly Conversation[]>;
}

const FILE = '/srv/heard.pcapng';
const PORTS = 'tcp port 25 or tcp port 465 or tcp port 587';

const FIELDS = [
  ...['tcp.stream', 'ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'tcp.srcport', 'tcp.dstport'],
  ...['smtp.command_line', 'smtp.response', 'smtp.auth.password', 'tls.handshake.type', 'tls.handshake.extensions.supported_version'],
  ...['tls.handshake.version', 'tls.handshake.extensions_server_name'],
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

/** The secret that follows AUTH is nobody's business. */
const redacted = (line: string): string => line.replace(/^(AUTH \S+) \S.*/i, '$1 ***');

const linesOf = (packet: Packet): readonly string[] => {
  if (packet['smtp.auth.password'] !== '') return ['C: ***'];
  const said = (text: string, who: string): readonly string[] =>
    text.split('\\r\\n').flatMap((line) => (line === '' ? [] : [`${who}: ${redacted(line)}`]));
  return [...said(packet['smtp.command_line'], 'C'), ...said(packet['smtp.response'], 'S')];
};

const typesOf = (packet: Packet): readonly string[] => packet['tls.handshake.type'].split('|');

const tlsOf = (packets: readonly Packet[]): Conversation['tls'] => {
  const asked = packets.find((packet) => typesOf(packet).includes(CLIENT_HELLO));
  const answered = packets.find((packet) => typesOf(packet).includes(SERVER_HELLO));
  if (asked === undefined || answered === undefined) return undefined;
  const version = answered['tls.handshake.extensions.supported_version'] || answered['tls.handshake.version'];
  const code = version.split('|')[0] ?? '';
  return { version: VERSIONS[code] ?? code, serverName: asked['tls.handshake.extensions_server_name'] };
};

const conversationOf = (packets: readonly Packet[]): Conversation | undefined => {
  const first = packets.find(isClient);
  if (first === undefined) return undefined;
  return {
    from: first['ip.src'] || first['ipv6.src'],
    to: first['ip.dst'] || first['ipv6.dst'],
    port: Number(first['tcp.dstport']),
    lines: packets.flatMap(linesOf),
    tls: tlsOf(packets),
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
  return {
    conversations: async () => {
      const fields = FIELDS.flatMap((field) => ['-e', field]);
      const { stdout } = await host.must(['tshark', '-n', '-r', FILE, '-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=|', ...fields]);
      const streams = Map.groupBy(packetsOf(stdout), (packet) => packet['tcp.stream']);
      return [...streams.values()].flatMap((packets) => conversationOf(packets) ?? []);
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
