/** The host's resolvers, and whether they pass DNSSEC records on: asked for the root's DNSKEY with the DO bit (RFC 4035 3.2.1). */
import { createSocket } from 'node:dgram';
import { isIP, SocketAddress } from 'node:net';
import { path } from '#base';
import type { Machine } from './machine.ts';

/** As inet_ntop(3) spells it, with its zone (RFC 4007) where it has one, without which nothing link-local is reached. */
const spelled = (address: string): string => {
  const [plain = '', ...zone] = address.split('%');
  return [new SocketAddress({ address: plain, family: isIP(plain) === 6 ? 'ipv6' : 'ipv4' }).address, ...zone].join('%');
};

/** `nameserver` lines of resolv.conf(5), each once, that could be somebody else: 127.0.0.1 and ::1 on port 53 will be us. */
export const hostResolvers = async (machine: Machine): Promise<readonly string[]> => {
  const text = (await machine.read(path('/etc/resolv.conf')))?.toString() ?? '';
  const addresses = text
    .split('\n')
    .flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((address) => isIP(address) > 0)
    .map(spelled);
  return [...new Set(addresses)].filter((address) => address !== '127.0.0.1' && address !== '::1');
};

/** Header with RD, question `. DNSKEY IN`, OPT with DO and 1232 octets (RFC 6891 6.1). */
const QUERY = Buffer.from('a55a01000001000000000001' + '0000300001' + '00002904d0000080000000', 'hex');
const RRSIG = 46;

/** Types of the answer section; names there are the root (one zero octet) or compressed (two octets). */
const answerTypes = (message: Buffer): readonly number[] => {
  const types: number[] = [];
  let at = QUERY.length - 11;
  for (let n = message.readUInt16BE(6); n > 0; n -= 1) {
    at += (message[at] ?? 0) >= 0xc0 ? 2 : 1;
    if (at + 10 > message.length) return types; // cut off
    types.push(message.readUInt16BE(at));
    at += 10 + message.readUInt16BE(at + 8);
  }
  return types;
};

/** Null when no answer came. */
const carriesDnssec = (address: string): Promise<boolean | null> =>
  new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    const finish = (answer: boolean | null): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(null), 2_000);
    socket.on('error', () => finish(null));
    socket.on('message', (message) => finish(message.length > QUERY.length && answerTypes(message).includes(RRSIG)));
    socket.on('connect', () => socket.send(QUERY));
    // Connected, the socket is told at once where nobody listens or no way leads.
    socket.connect(53, address);
  });

/** Null where one did not answer and none of the others stands in the way. */
export const allCarryDnssec = async (addresses: readonly string[]): Promise<boolean | null> => {
  const answers = await Promise.all(addresses.map(carriesDnssec));
  if (answers.includes(false) || answers.length === 0) return false;
  return answers.includes(null) ? null : true;
};
