/**
 * Runs in a machine's network namespace: opens what the test process asks for and hands the open socket over. It reads nothing from
 * a connection, so that a server's greeting is still there for the test. Ends when the test process does.
 */
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { flushCompileCache } from 'node:module';
import { connect, createServer, isIPv6, type Server, type Socket } from 'node:net';

export interface Request {
  readonly id: number;
  readonly kind: 'dial' | 'listen' | 'datagrams';
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

export interface Answer {
  readonly id: number;
  readonly error?: { readonly code: string; readonly message: string };
  /** Another answer follows; what is handed over with this one is not to be used before. */
  readonly more?: true;
}

const send = (answer: Answer, handle?: Server | Socket | DatagramSocket, sent?: () => void): void => {
  process.send?.(answer, handle, {}, sent);
};

const refuse = (id: number) => (error: NodeJS.ErrnoException) => send({ id, error: { code: error.code ?? '', message: error.message } });

const dial = ({ id, host, port, localAddress }: Request): void => {
  const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
  // Paused before it is open: net.Socket then reads nothing.
  socket.pause();
  socket.once('error', refuse(id));
  socket.once('connect', () => {
    socket.removeAllListeners('error');
    socket.on('error', () => socket.destroy());
    send({ id }, socket);
  });
};

const listen = ({ id, host, port }: Request): void => {
  const server = createServer();
  server.once('error', refuse(id));
  // Our copy goes once theirs is on its way: two copies would share the connections.
  server.listen({ host, port }, () => send({ id }, server, () => server.close()));
};

const datagrams = ({ id, host, port }: Request): void => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.once('error', refuse(id));
  // Our copy would take messages from theirs: only when it is gone may they come.
  socket.bind({ address: host, port }, () => send({ id, more: true }, socket, () => socket.close(() => send({ id }))));
};

const OPEN = { dial, listen, datagrams } as const;

process.on('message', (request: Request) => OPEN[request.kind](request));
process.on('disconnect', () => process.exit(0));
// Ctrl-C is for the test process; its end is ours.
process.on('SIGINT', () => undefined);
// Now, since the end may be SIGKILL.
flushCompileCache();
