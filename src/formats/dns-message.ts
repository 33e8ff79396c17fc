/**
 * Messages to name servers and what they answer (RFC 1035 section 4), by dns-packet. A reply that cannot be read is none. dns-packet knows nothing of
 * presentation form and is careless with octets: it reads labels as UTF-8, joined with dots, and past the end of a message takes what is left.
 */
import {
  type Answer,
  AUTHENTIC_DATA,
  CHECKING_DISABLED,
  type DecodedPacket,
  DNSSEC_OK,
  decode,
  encode,
  RECURSION_DESIRED,
  type RecordType,
  type TxtData,
} from 'dns-packet';
import ipaddr from 'ipaddr.js';
import { type FoundRecord, foundRecord, octetsOf, type Reply, undotted } from './reply.ts';
import { quoted } from './zone.ts';

export interface QuestionMessage {
  /** Two octets, which nobody can guess. */
  readonly id: number;
  /** Letters, digits, `-`, `_`, `/` and dots between labels; the root is `.`. */
  readonly name: string;
  /** One that dns-packet knows: A, MX, ... */
  readonly type: string;
  /** By asking others (RFC 1035 section 4.1.1, RD). */
  readonly recursive: boolean;
  /** Also what could not be validated (RFC 4035 section 3.2.2). */
  readonly checkingDisabled: boolean;
  /** Signatures beside the records (RFC 4035 section 3.2.1). */
  readonly signatures: boolean;
  /** Left out for servers that know nothing of it. */
  readonly edns: boolean;
}

/** What comes through everywhere in one piece (RFC 9715). */
const UDP_OCTETS = 1232;

/** AD asks whether the answer was validated, without signatures (RFC 6840 section 5.7). */
export const questionMessage = ({ id, name, type, recursive, checkingDisabled, signatures, edns }: QuestionMessage): Buffer => {
  const flags = AUTHENTIC_DATA | (recursive ? RECURSION_DESIRED : 0) | (checkingDisabled ? CHECKING_DISABLED : 0);
  const opt = { udpPayloadSize: UDP_OCTETS, extendedRcode: 0, ednsVersion: 0, flags: signatures ? DNSSEC_OK : 0, flag_do: signatures, options: [] };
  return encode({
    ...{ type: 'query', id, flags },
    questions: [{ name, type: type as RecordType }],
    additionals: edns ? [{ type: 'OPT', name: '.', ...opt }] : [],
  });
};

/** Octets of labels that stand for themselves wherever a name is written. */
const PLAIN = /[!#%&'*+,/0-9:<=>?A-Z[\]^_`a-z{|}~-]/;

const spelled = (octets: Uint8Array): string =>
  [...octets]
    .map((octet) => {
      const itself = String.fromCharCode(octet);
      return PLAIN.test(itself) ? itself : `\\${String(octet).padStart(3, '0')}`;
    })
    .join('');

/** A copy of which dns-packet gets labels and strings with `\DDD` for odd octets, and behind which more can be read than a record can be long. */
const readable = (message: Buffer): Buffer =>
  Object.assign(Buffer.concat([message, Buffer.alloc(0x1_0000)]), {
    toString: (_: unknown, start?: number, end?: number) => spelled(message.subarray(start, end)),
  });

/** A long one in several, as dig does it. */
const inWords = (text: string): string => (text.match(/.{1,56}/g) ?? []).join(' ');

const hex = (octets: Buffer): string => inWords(octets.toString('hex').toUpperCase());

/** Octets that dig writes behind a backslash as they are. */
const SIGNS = '"$().;@\\';

const printed = (name: string): string =>
  name.replace(/\\(\d{3})/g, (spelt, code: string) => {
    const sign = String.fromCharCode(Number(code));
    return SIGNS.includes(sign) ? `\\${sign}` : spelt;
  });

const dotted = (name: string): string => (name === '.' ? name : `${printed(name)}.`);

const typeName = (type: string): string => type.replace(/^UNKNOWN_/, 'TYPE');

const strings = (data: TxtData): string =>
  [data]
    .flat()
    .map((each) => quoted(Buffer.from(each)))
    .join(' ');

/** `YYYYMMDDHHmmSS` (RFC 4034 section 3.2). */
const moment = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14);

/** RFC 3597 section 5. */
const unknown = (octets: Buffer): string => `\\# ${octets.length} ${hex(octets)}`.trimEnd();

/** Undefined for what dns-packet reads and nobody asks for: HINFO, NAPTR, NSEC, NSEC3, RP, SSHFP. */
const textOf = (record: Answer): string | undefined => {
  switch (record.type) {
    case 'A':
      return record.data;
    case 'AAAA':
      return ipaddr.parse(record.data).toString();
    case 'CNAME':
    case 'DNAME':
    case 'NS':
    case 'PTR':
      return dotted(record.data);
    case 'MX':
      return `${record.data.preference} ${dotted(record.data.exchange)}`;
    case 'TXT':
      return strings(record.data);
    case 'SRV':
      return `${record.data.priority} ${record.data.weight} ${record.data.port} ${dotted(record.data.target)}`;
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return [dotted(mname), dotted(rname), serial, refresh, retry, expire, minimum].join(' ');
    }
    case 'TLSA':
      return `${record.data.usage} ${record.data.selector} ${record.data.matchingType} ${hex(record.data.certificate)}`;
    case 'CAA':
      return `${record.data.flags} ${record.data.tag} ${quoted(octetsOf(record.data.value))}`;
    case 'DS':
      return `${record.data.keyTag} ${record.data.algorithm} ${record.data.digestType} ${hex(record.data.digest)}`;
    case 'DNSKEY':
      // The protocol is always 3 (RFC 4034 section 2.1.2).
      return `${record.data.flags} 3 ${record.data.algorithm} ${inWords(record.data.key.toString('base64'))}`;
    case 'RRSIG': {
      const { typeCovered, algorithm, labels, originalTTL, expiration, inception, keyTag, signersName, signature } = record.data;
      const numbers = [algorithm, labels, originalTTL, moment(expiration), moment(inception), keyTag].join(' ');
      return `${typeName(typeCovered)} ${numbers} ${dotted(signersName)} ${inWords(signature.toString('base64'))}`;
    }
    default:
      return 'data' in record && Buffer.isBuffer(record.data) ? unknown(record.data) : undefined;
  }
};

const recordsOf = (answers: readonly Answer[] = []): readonly FoundRecord[] =>
  answers.flatMap((record) => {
    if (record.type === 'OPT' || record.class !== 'IN') return [];
    const text = textOf(record);
    return text === undefined ? [] : [foundRecord({ name: printed(record.name), ttl: record.ttl ?? 0, type: typeName(record.type), text })];
  });

/** The types of dns-packet leave out what it says in words. */
type Packet = DecodedPacket & { readonly rcode: string };

const packetOf = (message: Buffer): Packet | undefined => {
  try {
    const packet = decode(readable(message)) as Packet;
    return decode.bytes <= message.length ? packet : undefined;
  } catch {
    return undefined;
  }
};

const FLAGS = ['qr', 'aa', 'tc', 'rd', 'ra', 'ad', 'cd'] as const;

const HEADER_OCTETS = 12;
const [QR, TC] = [0x8000, 0x0200];

type Asked = Pick<QuestionMessage, 'id' | 'name' | 'type'>;

/** A server that cannot read the question may leave it out. */
const isOf = ({ questions = [], rcode }: Packet, { name, type }: Asked): boolean => {
  const [question, ...more] = questions;
  if (question === undefined) return rcode === 'FORMERR';
  return more.length === 0 && undotted(question.name) === name.toLowerCase() && question.type === type && (question.class ?? 'IN') === 'IN';
};

/** Of the reply to that question; `cut` where it did not fit (TC), however much of it there is. Undefined for anything else. */
export const replyMessage = (message: Buffer, asked: Asked): Reply | 'cut' | undefined => {
  if (message.length < HEADER_OCTETS || message.readUInt16BE(0) !== asked.id) return undefined;
  const bits = message.readUInt16BE(2);
  if ((bits & QR) === 0) return undefined;
  if ((bits & TC) !== 0) return 'cut';
  const packet = packetOf(message);
  if (packet === undefined || !isOf(packet, asked)) return undefined;
  return {
    question: { name: asked.name, type: asked.type },
    status: packet.rcode,
    flags: new Set(FLAGS.filter((flag) => packet[`flag_${flag}`])),
    answer: recordsOf(packet.answers),
    authority: recordsOf(packet.authorities),
    additional: recordsOf(packet.additionals),
    tsig: undefined,
  };
};
