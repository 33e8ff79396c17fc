/**
 * A message of DNS and its reply (RFC 1035 section 4.2). The socket is connected, so that the kernel passes on only what comes from that address and port,
 * and says at once where nobody listens or no way leads. Its port is the kernel's choice, by chance: with the id that is what a forger would have to guess
 * (RFC 5452 section 9.2). Any error on the way is that no reply came.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import type { Correspondent, Machine } from './machine.ts';

/** Where sockets come from: this machine has its own, tests those of another network. */
export interface Openers {
  /** Not connected. */
  readonly datagrams: (family: 'udp4' | 'udp6') => Promise<DatagramSocket>;
  /** Connected, or about to be. */
  readonly stream: (to: { readonly host: string; readonly port: number }) => Promise<Socket>;
}

type Read<T> = (message: Buffer) => T | 'cut' | undefined;

const byDatagrams = async <T>(open: Openers['datagrams'], message: Uint8Array, to: Correspondent, read: Read<T>): Promise<T | 'cut' | undefined> => {
  const socket = await open(isIPv6(to.address) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    let over = false;
    const finish = (reply?: T | 'cut'): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.close();
      resolve(reply);
    };
    const send = (left: number): void => {
      if (left === 0) {
        finish();
        return;
      }
      timer = setTimeout(send, to.ms, left - 1);
      socket.send(message, (error) => error !== null && finish());
    };
    socket.on('error', () => finish());
    socket.on('message', (got) => {
      const reply = read(got);
      if (reply !== undefined) finish(reply);
    });
    socket.on('connect', () => send(to.tries));
    socket.connect(to.port, to.address);
  });
};

/** RFC 1035 section 4.2.2: in front of each message stands its length. */
const LENGTH_OCTETS = 2;

/** TCP tries again by itself, for the same time as all tries together. */
const byStream = async <T>(open: Openers['stream'], message: Uint8Array, to: Correspondent, read: Read<T>): Promise<T | 'cut' | undefined> => {
  const socket = await open({ host: to.address, port: to.port });
  return new Promise((resolve) => {
    const finish = (reply?: T | 'cut'): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reply);
    };
    const timer = setTimeout(finish, to.ms * to.tries);
    let got = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      got = Buffer.concat([got, chunk]);
      const end = got.length < LENGTH_OCTETS ? Number.POSITIVE_INFINITY : LENGTH_OCTETS + got.readUInt16BE(0);
      if (got.length >= end) finish(read(got.subarray(LENGTH_OCTETS, end)));
    });
    socket.on('error', () => finish());
    socket.on('close', () => finish());
    const length = Buffer.alloc(LENGTH_OCTETS);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
  });
};

export const exchangeBy =
  ({ datagrams, stream }: Openers): Machine['exchange'] =>
  async (message, to, read) => {
    const reply = await byDatagrams(datagrams, message, to, read);
    const whole = reply === 'cut' ? await byStream(stream, message, to, read) : reply;
    return whole === 'cut' ? undefined : whole;
  };

export const exchange: Machine['exchange'] = exchangeBy({
  datagrams: (family) => Promise.resolve(createSocket(family)),
  stream: (to) => Promise.resolve(connect(to)),
});
