/**
 * A name server (RFC 1035) in a network namespace: answers from a list, and says of every other name that it does not exist. UDP only,
 * without DNSSEC. Arguments: address to listen on, records as JSON (see ../names.ts). Says `ready` once it listens.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { NameRecord } from '../names.ts';

const TYPES = { A: 1, PTR: 12, MX: 15, TXT: 16, AAAA: 28 } as const;
const NXDOMAIN = 3;
const AUTHORITATIVE = 0x8480; // QR, AA, RA

const encodedName = (name: string): Buffer => {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]), Buffer.from([0])]);
};

const encodedV6 = (address: string): Buffer => {
  const [head = '', tail = ''] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
};

const encoded = ({ type, data }: NameRecord): Buffer => {
  if (type === 'A') return Buffer.from(data.split('.').map(Number));
  if (type === 'AAAA') return encodedV6(data);
  if (type === 'PTR') return encodedName(data);
  if (type === 'TXT') return Buffer.concat((data.match(/.{1,255}/g) ?? []).flatMap((part) => [Buffer.from([part.length]), Buffer.from(part)]));
  const [preference, exchange = ''] = data.split(' ');
  return Buffer.concat([Buffer.from([0, Number(preference)]), encodedName(exchange)]);
};

interface Question {
  readonly name: string;
  readonly type: number;
  /** As it came, to be sent back. */
  readonly octets: Buffer;
}

const questionOf = (message: Buffer): Question => {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), octets: message.subarray(12, at + 5) };
};

const answerTo = (message: Buffer, records: readonly NameRecord[]): Buffer => {
  const { name, type, octets } = questionOf(message);
  const exists = records.some((record) => record.name === name || record.name.endsWith(`.${name}`));
  const found = records.filter((record) => record.name === name && TYPES[record.type] === type);
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  header.writeUInt16BE(AUTHORITATIVE | (message.readUInt16BE(2) & 0x0100) | (exists ? 0 : NXDOMAIN), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(found.length, 6);
  const answers = found.map((record) => {
    const data = encoded(record);
    const fixed = Buffer.from('c00c000000010000003c0000', 'hex'); // the question's name, IN, 60 s
    fixed.writeUInt16BE(type, 2);
    fixed.writeUInt16BE(data.length, 10);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([header, octets, ...answers]);
};

const [address = '', list = '[]'] = process.argv.slice(2);
const records = JSON.parse(list) as readonly NameRecord[];
const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
socket.on('message', (message, { port, address: from }) => socket.send(answerTo(message, records), port, from));
socket.bind(53, address, () => process.stdout.write('ready\n'));
