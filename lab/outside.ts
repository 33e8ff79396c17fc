/**
 * A mail server somewhere else, of outside.test where nothing else is said: takes every message and keeps it, except for recipients whose
 * local part is `refused`, or `later-N`, who is told so many times to come later. It offers neither TLS nor anything else.
 */
import type { Socket } from 'node:net';
import { until } from './process.ts';
import type { Sockets } from './sockets.ts';

export interface Received {
  /** The address that it came from. */
  readonly client: string;
  readonly from: string;
  readonly to: readonly string[];
  /** Octets as latin1, dots as they were before they were stuffed. */
  readonly source: string;
  /** As they came, up to the line that ends the data. */
  readonly raw: string;
}

export interface Outside extends AsyncDisposable {
  readonly received: readonly Received[];
  /** Recipients that were told to come later, each time. */
  readonly putOff: readonly string[];
  /** The first message whose text holds `mark`; waits for it. */
  message(mark: string, ms?: number): Promise<Received>;
}

const ADDRESS = /<([^>]*)>/;

/** Whether the recipient is to come later; notes it. */
const isPutOff = (address: string, putOff: string[]): boolean => {
  const times = Number(/^later-(\d+)@/.exec(address)?.[1] ?? 0);
  if (putOff.filter((each) => each === address).length >= times) return false;
  putOff.push(address);
  return true;
};

/** One client; `keep` gets each of its messages. */
const serveClient = (socket: Socket, keep: (received: Received) => void, putOff: string[]): void => {
  let rest = '';
  let from = '';
  let to: string[] = [];
  let inData = false;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  const answer = (verb: string, address: string): string => {
    if (verb === 'RCPT' && address.startsWith('refused@')) return '550 5.1.1 not here';
    if (verb === 'RCPT' && isPutOff(address, putOff)) return '451 4.3.0 later';
    if (verb === 'MAIL') [from, to] = [address, []];
    if (verb === 'RCPT') to.push(address);
    inData = verb === 'DATA';
    return { DATA: '354 go on', QUIT: '221 bye' }[verb] ?? '250 fine';
  };
  const advance = (): void => {
    for (;;) {
      const end = rest.indexOf(inData ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const piece = rest.slice(0, end);
      rest = rest.slice(end + (inData ? 5 : 2));
      if (!inData) say(answer(piece.slice(0, 4).toUpperCase(), ADDRESS.exec(piece)?.[1] ?? ''));
      else {
        inData = false;
        const raw = `${piece}\r\n`;
        keep({ client: socket.remoteAddress ?? '', from, to, source: raw.replace(/^\.\./gm, '.'), raw });
        say('250 kept');
      }
    }
  };
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    advance();
  });
  socket.on('error', () => socket.destroy());
  say('220 mail.outside.test ESMTP');
};

export const outside = async (where: Pick<Sockets, 'listen'>, host = '127.0.0.9'): Promise<Outside> => {
  const [received, putOff]: [Received[], string[]] = [[], []];
  const open = new Set<Socket>();
  const server = await where.listen({ host, port: 25 });
  server.on('connection', (socket) => {
    open.add(socket.on('close', () => open.delete(socket)));
    serveClient(socket, (one) => received.push(one), putOff);
  });
  return {
    received,
    putOff,
    message: (mark, ms = 30_000) => until(`a message with ${mark} is outside`, () => received.find(({ source }) => source.includes(mark)), ms, 50),
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
