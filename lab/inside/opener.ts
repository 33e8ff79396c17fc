/**
 * Runs in a machine's network namespace: opens what the test process asks for and hands the open socket over. It reads nothing from
 * a connection, so that a server's greeting is still there for the test. Ends when the test process does.
 */
import { flushCompileCache } from 'node:module';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Request {
  readonly id: number;
  readonly kind: 'dial' | 'listen';
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
}

export interface Answer {
  readonly id: number;
  readonly error?: { readonly code: string; readonly message: string };
}

const send = (answer: Answer, handle?: Server | Socket, sent?: () => void): void => {
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

process.on('message', (request: Request) => (request.kind === 'dial' ? dial(request) : listen(request)));
process.on('disconnect', () => process.exit(0));
// Ctrl-C is for the test process; its end is ours.
process.on('SIGINT', () => undefined);
// Now, since the end may be SIGKILL.
flushCompileCache();
