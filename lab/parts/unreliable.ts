/**
 * A mail server that stops in the middle: at each of its addresses at another place of the dialogue, until it is mended. It speaks the least
 * that SMTP needs (RFC 5321), without pipelining, so that each command waits for its answer. What came whole it keeps, also where it never says so.
 */
import type { Socket } from 'node:net';
import type { ForeignHost } from '../internet/index.ts';

/**
 * What it does not answer any more: the connection, a command, the client's part of the TLS handshake, the beginning of a message's text,
 * its end. Only at `handshake` it offers STARTTLS.
 */
export type Phase = 'greeting' | 'EHLO' | 'handshake' | 'MAIL' | 'RCPT' | 'DATA' | 'text' | 'end';

export interface Fault {
  readonly at: Phase;
  readonly by: 'silence' | 'closing';
}

export interface Unreliable extends AsyncDisposable {
  /** Each message whose end came, as often as it came; octets as latin1. */
  readonly texts: readonly string[];
  /** Whoever connects from now on is served to the end, in clear. */
  mend(): void;
}

const ANSWERS: Readonly<Record<string, string>> = { MAIL: '250 go on', RCPT: '250 go on', DATA: '354 go on', QUIT: '221 bye', STARTTLS: '220 go on' };

const serveClient = (socket: Socket, fault: Fault | undefined, keep: (text: string) => void): void => {
  let rest = '';
  let inText = false;
  let isStuck = false;
  const stop = (): void => {
    isStuck = true;
    if (fault?.by === 'closing') socket.destroy();
  };
  const answer = (phase: string, line: string): void => {
    if (phase === fault?.at) stop();
    else socket.write(`${line}\r\n`);
  };
  const obey = (command: string): void => {
    const verb = command.split(/[ :]/)[0]?.toUpperCase() ?? '';
    if (verb === 'EHLO') answer(verb, fault?.at === 'handshake' ? '250-hello\r\n250 STARTTLS' : '250 hello');
    else answer(verb, ANSWERS[verb] ?? '250 fine');
    if (verb === 'STARTTLS') stop();
    inText = verb === 'DATA';
  };
  const advance = (): void => {
    while (!isStuck) {
      const isText = inText && rest !== '';
      if (isText && fault?.at === 'text') stop();
      const end = rest.indexOf(inText ? '\r\n.\r\n' : '\r\n');
      if (isStuck || end < 0) return;
      const piece = rest.slice(0, end);
      rest = rest.slice(end + (inText ? 5 : 2));
      if (!inText) obey(piece);
      else {
        inText = false;
        keep(piece);
        answer('end', '250 kept');
      }
    }
  };
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.toString('latin1');
    advance();
  });
  socket.on('error', () => socket.destroy());
  answer('greeting', '220 unreliable ESMTP');
};

/** `faults` by address of the host, IPv4 or IPv6. */
export const unreliable = async (host: ForeignHost, faults: ReadonlyMap<string, Fault>): Promise<Unreliable> => {
  const texts: string[] = [];
  const open = new Set<Socket>();
  let isMended = false;
  const listen = async ([address, fault]: readonly [string, Fault]) => {
    const server = await host.listen({ host: address, port: 25 });
    server.on('connection', (socket) => {
      open.add(socket.on('close', () => open.delete(socket)));
      serveClient(socket, isMended ? undefined : fault, (text) => texts.push(text));
    });
    return server;
  };
  const servers = await Promise.all([...faults].map(listen));
  return {
    texts,
    mend: () => {
      isMended = true;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
};
