/**
 * One change at a time. The lock is an abstract Unix socket (unix(7)): the kernel gives it to one process and takes it
 * back when that process ends, however it ends. Whoever connects is told who holds it.
 */
import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { environmentError } from '#base';

const NAME = '\0hauspost-lock';

const listen = (holder: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => undefined).end(holder));
    server.unref();
    server.on('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(NAME, () => resolve(server));
  });

const holder = (): Promise<string> => {
  const socket = connect(NAME);
  return text(socket).catch(() => ''); // it ended just now
};

/** Runs `work` alone on this machine; refuses at once, naming the holder, when another change is under way. */
export const withLock = async <T>(command: string, work: () => Promise<T>): Promise<T> => {
  const server = (await listen(`'${command}' (process ${process.pid})`)) ?? (await listenAgain(command));
  try {
    return await work();
  } finally {
    server.close();
  }
};

const listenAgain = async (command: string): Promise<Server> => {
  const who = await holder();
  const server = who === '' ? await listen(`'${command}' (process ${process.pid})`) : undefined;
  if (server !== undefined) return server;
  throw environmentError({
    code: 'lock.held',
    message: `another change is under way: ${who || 'unknown'}`,
    remedy: 'Wait until it has ended and try again.',
  });
};
