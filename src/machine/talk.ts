/** Opens a connection, says something, reads until an answer is complete: what probes look through. */
import { connect } from 'node:net';

/** `from`: an address of this machine; without one the system chooses. */
export type Target = { readonly host: string; readonly port: number; readonly from?: string } | { readonly socket: string };

export interface Talk {
  readonly send?: string | Uint8Array;
  readonly until: (answer: string) => boolean;
  readonly ms: number;
}

/** What came back, as latin1 text. Rejects when nothing listens or the answer is not complete in time. */
export const talk = (target: Target, { send, until, ms }: Talk): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = 'socket' in target ? connect(target.socket) : connect({ port: target.port, host: target.host, localAddress: target.from });
    const timer = setTimeout(() => socket.destroy(new Error(`no complete answer within ${ms} ms`)), ms);
    let answer = '';
    const finish = (): void => {
      clearTimeout(timer);
      socket.destroy();
    };
    socket.setEncoding('latin1');
    socket.on('connect', () => {
      if (send !== undefined) socket.write(send);
    });
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (!until(answer)) return;
      finish();
      resolve(answer);
    });
    socket.on('error', (error) => {
      finish();
      reject(error);
    });
    socket.on('end', () => {
      finish();
      if (until(answer)) resolve(answer);
      else reject(new Error('the connection was closed before the answer was complete'));
    });
  });
