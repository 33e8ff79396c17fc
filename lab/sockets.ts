/**
 * Sockets of another network namespace in this process. A small helper inside the namespace opens them and hands them over, so that
 * the server sees a client at an address of that namespace (127.0.0.9, say), and a test can be a server there. The helper is started
 * when first needed and dies with us. What was handed over ends with its namespace (`hangUp`): what a failed test left open would keep
 * its process from ending.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import type { Answer, Request } from './inside/opener.ts';
import { DIES_WITH_PARENT } from './process.ts';

export interface Target {
  /** An IP address: there is no resolver of the namespace's own. */
  readonly host: string;
  readonly port: number;
  /** The client's address; must be one that the namespace has (all of 127/8 is). */
  readonly localAddress?: string;
}

export interface Forward extends AsyncDisposable {
  /** On this host's 127.0.0.1. */
  readonly port: number;
  close(): Promise<void>;
}

export interface Sockets {
  /** An open TCP connection from inside; rejects with the system's error (`code`) as `net.connect` would. */
  dial(target: Target): Promise<Socket>;
  /** A TCP server inside; its connections arrive here. */
  listen(at: { readonly host: string; readonly port: number }): Promise<Server>;
  /** A UDP socket inside, not connected; port 0 is one by chance. */
  datagrams(at: { readonly host: string; readonly port: number }): Promise<DatagramSocket>;
  /** A port of the host that leads to `target`, for libraries that dial by themselves. */
  forward(target: Target): Promise<Forward>;
}

type Handed = Socket | Server | DatagramSocket;
interface Waiting {
  readonly resolve: (handed: Handed) => void;
  readonly reject: (error: Error) => void;
  /** Came with an answer that another one follows. */
  early?: unknown;
}

const isHanded = (handed: unknown): handed is Handed =>
  handed instanceof Socket || handed instanceof DatagramSocket || (typeof handed === 'object' && handed !== null && 'listening' in handed);

/** An answer from the helper; what it hands over is checked here, the message is our own program's. */
const settle = (waiting: Map<number, Waiting>, answer: Answer, handed: unknown): void => {
  const one = waiting.get(answer.id);
  if (one === undefined) return;
  if (answer.more === true) {
    one.early = handed;
    return;
  }
  waiting.delete(answer.id);
  const whole = handed ?? one.early;
  if (answer.error !== undefined) one.reject(Object.assign(new Error(answer.error.message), { code: answer.error.code }));
  else if (isHanded(whole)) one.resolve(whole);
  else one.reject(new Error('the connection ended before it was handed over'));
};

interface Opener {
  ask(request: Omit<Request, 'id'>): Promise<Handed>;
}

const startOpener = (netns: string): Opener => {
  const [program = '', ...rest] = [
    ...DIES_WITH_PARENT,
    'nsenter',
    `--net=${netns}`,
    '--',
    process.execPath,
    join(import.meta.dirname, 'inside/opener.ts'),
  ];
  // It is in another network only: what is compiled lies where we have it, too.
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child: ChildProcess = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { PATH, NODE_COMPILE_CACHE } });
  child.unref();
  child.channel?.unref();
  const waiting = new Map<number, Waiting>();
  let next = 0;
  child.on('message', (answer: Answer, handed: unknown) => settle(waiting, answer, handed));
  child.on('exit', () => {
    for (const one of waiting.values()) one.reject(new Error('the helper in the namespace ended'));
    waiting.clear();
  });
  const ask = async (request: Omit<Request, 'id'>): Promise<Handed> => {
    const id = next++;
    child.channel?.ref();
    try {
      return await new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        child.send({ ...request, id }, (error) => error === null || reject(error));
      });
    } finally {
      if (waiting.size === 0) child.channel?.unref();
    }
  };
  return { ask };
};

const forwardTo = async (dial: (target: Target) => Promise<Socket>, target: Target): Promise<Forward> => {
  const open = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (near) => {
    open.add(near.on('close', () => open.delete(near)));
    near.on('error', () => near.destroy());
    void dial(target).then(
      (far) => {
        open.add(far.on('close', () => open.delete(far)));
        far.on('error', () => near.destroy());
        near.on('close', () => far.destroy());
        near.pipe(far);
        far.pipe(near);
        near.resume();
      },
      () => near.resetAndDestroy(),
    );
  });
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const address = server.address();
  const close = async (): Promise<void> => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: typeof address === 'object' && address !== null ? address.port : 0, close, [Symbol.asyncDispose]: close };
};

/** By the path of the namespace, what is open of it here. */
const openOf = new Map<string, Set<Handed>>();

const keep = (netns: string, handed: Handed): Handed => {
  const open = openOf.get(netns) ?? new Set();
  openOf.set(netns, open.add(handed));
  handed.once('close', () => open.delete(handed));
  if (!(handed instanceof Socket) && !(handed instanceof DatagramSocket)) handed.on('connection', (socket) => keep(netns, socket));
  return handed;
};

/** Where the namespace at the path `netns` goes: nobody is left who would end its connections. */
export const hangUp = (netns: string): void => {
  for (const handed of openOf.get(netns) ?? []) {
    if (handed instanceof Socket) handed.destroy();
    else handed.close();
  }
  openOf.delete(netns);
};

/** Sockets of the namespace at the path `netns`. */
export const socketsOf = (netns: string): Sockets => {
  let opener: Opener | undefined;
  const ask: Opener['ask'] = async (request) => {
    opener ??= startOpener(netns);
    return keep(netns, await opener.ask(request));
  };
  const dial = async (target: Target): Promise<Socket> => {
    const socket = await ask({ kind: 'dial', ...target });
    if (!(socket instanceof Socket)) throw new Error('asked for a connection, got a server');
    return socket;
  };
  const listen = async (at: { readonly host: string; readonly port: number }): Promise<Server> => {
    const server = await ask({ kind: 'listen', ...at });
    if (server instanceof Socket || server instanceof DatagramSocket) throw new Error('asked for a server, got a socket');
    return server;
  };
  const datagrams = async (at: { readonly host: string; readonly port: number }): Promise<DatagramSocket> => {
    const socket = await ask({ kind: 'datagrams', ...at });
    if (!(socket instanceof DatagramSocket)) throw new Error('asked for a socket of datagrams, got a connection');
    return socket;
  };
  return { dial, listen, datagrams, forward: (target) => forwardTo(dial, target) };
};
