/**
 * A name server whose root zone is signed with a key of its own (RFC 4034, ECDSA P-256 as in RFC 6605), on a served machine: its Unbound in
 * a second process, which serves the zone as a file. Names are host names with one address each; what is forged has a signature, of another
 * address. That a name does not exist is not signed.
 */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Machine } from './machine.ts';
import { ended, until } from './process.ts';

const TYPES = { A: 1, NS: 2, SOA: 6, DNSKEY: 48 } as const;
const TTL = 3600;
const ALGORITHM = 13;

interface ResourceRecord {
  /** Ends with a dot. */
  readonly name: string;
  readonly type: keyof typeof TYPES;
  /** As in a zone file, and as it is signed. */
  readonly text: string;
  readonly data: Buffer;
}

const numbers = (...of: readonly (readonly [number, 1 | 2 | 4])[]): Buffer =>
  Buffer.concat(
    of.map(([value, octets]) => {
      const buffer = Buffer.alloc(octets);
      buffer.writeUIntBE(value, 0, octets);
      return buffer;
    }),
  );

const labelsOf = (name: string): readonly string[] => name.split('.').filter((label) => label !== '');
const encodedName = (name: string): Buffer =>
  Buffer.concat([...labelsOf(name).map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')), Buffer.alloc(1)]);

const address = (name: string, text: string): ResourceRecord => ({ name, type: 'A', text, data: Buffer.from(text.split('.').map(Number)) });

/** RFC 4034 appendix B. */
const keyTag = (data: Buffer): number => {
  const sum = data.reduce((total, octet, index) => total + (index % 2 === 0 ? octet << 8 : octet), 0);
  return (sum + (sum >> 16)) & 0xffff;
};

interface Key {
  readonly secret: KeyObject;
  readonly record: ResourceRecord;
}

const newKey = (): Key => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  const data = Buffer.concat([numbers([257, 2], [3, 1], [ALGORITHM, 1]), point]);
  return { secret: privateKey, record: { name: '.', type: 'DNSKEY', text: `257 3 ${ALGORITHM} ${point.toString('base64')}`, data } };
};

/** RFC 4034 section 3.1.8.1, of a set of one record. */
const signatureOf = ({ secret, record: key }: Key, { name, type, data }: ResourceRecord): string => {
  const now = Math.floor(Date.now() / 1000);
  const [from, to, tag, labels] = [now - 86_400, now + 7 * 86_400, keyTag(key.data), labelsOf(name).length];
  const head = numbers([TYPES[type], 2], [ALGORITHM, 1], [labels, 1], [TTL, 4], [to, 4], [from, 4], [tag, 2]);
  const record = Buffer.concat([encodedName(name), numbers([TYPES[type], 2], [1, 2], [TTL, 4], [data.length, 2]), data]);
  const signature = sign('sha256', Buffer.concat([head, encodedName('.'), record]), { key: secret, dsaEncoding: 'ieee-p1363' });
  return `${name} ${TTL} IN RRSIG ${type} ${ALGORITHM} ${labels} ${TTL} ${to} ${from} ${tag} . ${signature.toString('base64')}`;
};

const root = (server: string): readonly ResourceRecord[] => {
  const soa = Buffer.concat([encodedName('ns.example.'), encodedName('host.example.'), numbers([1, 4], [3600, 4], [600, 4], [86_400, 4], [60, 4])]);
  return [
    { name: '.', type: 'SOA', text: 'ns.example. host.example. 1 3600 600 86400 60', data: soa },
    { name: '.', type: 'NS', text: 'ns.example.', data: encodedName('ns.example.') },
    address('ns.example.', server),
  ];
};

const configuration = (server: string): string => `server:
  interface: ${server}
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  username: ""
  chroot: ""
  directory: "/srv"
  pidfile: ""
  use-syslog: no
  do-daemonize: no
remote-control:
  control-enable: no
auth-zone:
  name: "."
  zonefile: "/srv/signed.zone"
  for-downstream: yes
  for-upstream: no
`;

export interface SignedServer extends AsyncDisposable {
  /** The key, as it stands in a zone file: what whoever validates has to trust. */
  readonly anchor: string;
}

/** On port 53 of `at`, an address of 127/8. Names end with a dot. */
export const signedServer = async (
  machine: Machine,
  at: string,
  right: Readonly<Record<string, string>>,
  forged: Readonly<Record<string, string>>,
): Promise<SignedServer> => {
  const key = newKey();
  const line = ({ name, type, text }: ResourceRecord): string => `${name} ${TTL} IN ${type} ${text}`;
  const signed = [...root(at), key.record, ...Object.entries(right).map(([name, text]) => address(name, text))];
  const lines = [
    ...signed.flatMap((record) => [line(record), signatureOf(key, record)]),
    ...Object.entries(forged).flatMap(([name, text]) => [line(address(name, text)), signatureOf(key, address(name, '192.0.2.254'))]),
  ];
  const put = async (file: string, input: string): Promise<void> => void (await machine.run(['tee', file], { input }));
  await put('/srv/signed.zone', `${lines.join('\n')}\n`);
  await put('/srv/signed.conf', configuration(at));
  const child = machine.spawn(['unbound', '-d', '-c', '/srv/signed.conf']);
  await until(
    'the signed zone is served',
    async () => {
      if (child.exitCode !== null) throw new Error(`Unbound ended with ${child.exitCode}`);
      return machine.dial({ host: at, port: 53 }).then(
        (socket) => socket.destroy(),
        () => undefined,
      );
    },
    20_000,
    100,
  );
  return {
    anchor: line(key.record),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await ended(child);
    },
  };
};

export interface NameAnswer {
  /** RFC 1035 section 4.1.1: 0 is well, 2 is SERVFAIL. */
  readonly code: number;
  /** The resolver vouches for it (RFC 4035 section 3.2.3). */
  readonly validated: boolean;
  readonly answers: number;
}

/** Asks `server` for the address of `name`, over TCP, with the bit that asks for AD (RFC 6840 section 5.7). */
export const askForName = async (machine: Machine, server: string, name: string): Promise<NameAnswer> => {
  const question = Buffer.concat([Buffer.from('2a2a01200001000000000000', 'hex'), encodedName(name), numbers([TYPES.A, 2], [1, 2])]);
  const socket = await machine.dial({ host: server, port: 53 });
  socket.write(Buffer.concat([numbers([question.length, 2]), question]));
  let reply = Buffer.alloc(0);
  for await (const chunk of socket) {
    reply = Buffer.concat([reply, chunk as Buffer]);
    if (reply.length >= 14) break;
  }
  socket.destroy();
  return { code: reply.readUInt8(5) & 15, validated: (reply.readUInt8(5) & 0x20) !== 0, answers: reply.readUInt16BE(8) };
};
