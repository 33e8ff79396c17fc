/**
 * For the tests of this folder: a conversation with a daemon in a room, line by line, over a Unix socket, in clear or with TLS, from
 * inside the room's network namespace.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Room, type Sockets, socketsOf, until } from '#lab';

const LIMIT_MS = 15_000;

export interface Conversation extends Disposable {
  readonly socket: Socket | TLSSocket;
  /** Waits until what came since the last answer matches. */
  answer(wanted: RegExp): Promise<string>;
  /** Sends the line (octets) and waits for the answer. */
  say(line: string, wanted: RegExp): Promise<string>;
  send(raw: string | Uint8Array): void;
  /** Everything until `enough` or until the other end hangs up; fails after `ms`. */
  until(enough: (answer: string) => boolean, ms: number): Promise<string>;
}

const converse = (socket: Socket | TLSSocket): Conversation => {
  let heard = '';
  let over = false;
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  socket.on('close', () => {
    over = true;
  });
  socket.on('error', () => undefined);
  const take = async (enough: (answer: string) => boolean, ms: number): Promise<string> => {
    const answer = await until('an answer', () => (over || enough(heard) ? heard : undefined), ms, 2).catch((error: unknown) => {
      throw new Error(`not the answer that was waited for: ${JSON.stringify(heard)}`, { cause: error });
    });
    heard = '';
    return answer;
  };
  const answer = (wanted: RegExp): Promise<string> => take((text) => wanted.test(text), LIMIT_MS);
  return {
    socket,
    answer,
    until: take,
    send: (raw) => socket.write(raw),
    say: (line, wanted) => {
      socket.write(`${line}\r\n`, 'latin1');
      return answer(wanted);
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
};

/** Dovecot makes a client wait that failed before; so every conversation over TLS has an address of its own, not the server's. */
let clients = 1;
const freshAddress = (): string => {
  clients += 1;
  return `127.0.${clients >> 8}.${clients & 255}`;
};

const openers = new WeakMap<Room, Sockets>();
const socketsIn = (room: Room): Sockets => {
  const sockets = openers.get(room) ?? socketsOf(`/proc/${room.pid}/ns/net`);
  openers.set(room, sockets);
  return sockets;
};

/** TCP without TLS. */
export const inClear = async (room: Room, port: number, host = '127.0.0.1', localAddress?: string): Promise<Conversation> =>
  converse(await socketsIn(room).dial({ host, port, ...(localAddress === undefined ? {} : { localAddress }) }));

const secured = async (clear: Socket, ca: string): Promise<Conversation> => {
  clear.removeAllListeners('data');
  const socket = connectTls({ socket: clear, ca, servername: 'mail.hauspost.test' });
  await once(socket, 'secureConnect');
  return converse(socket);
};

/** TLS at once, or after `starttls` was said to a greeting; the certificate must be signed by `ca` (PEM). */
export const overTls = async (
  room: Room,
  port: number,
  ca: string,
  starttls?: { readonly greeting: RegExp; readonly say: string; readonly answer: RegExp },
): Promise<Conversation> => {
  const clear = await inClear(room, port, '127.0.0.1', freshAddress());
  if (starttls === undefined) return secured(clear.socket, ca);
  await clear.answer(starttls.greeting);
  await clear.say(starttls.say, starttls.answer);
  return secured(clear.socket, ca);
};

export const overSocket = async (room: Room, path: string): Promise<Conversation> => {
  const socket = connect({ path: `${room.root}${path}` });
  await once(socket, 'connect');
  return converse(socket);
};
