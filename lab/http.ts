/** Requests written to the letter and answers read raw (RFC 9112): a library would mend what a test wants to say. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { TlsTrust } from './dialogue.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

const ANSWER_MS = 30_000;

/** A request for `target` whose connection ends with the answer. `headers` may bring their own Host. */
export const httpRequest = (target: string, { method = 'GET', headers = [], body = '' }: HttpParts = {}): string =>
  [
    `${method} ${target} HTTP/1.1`,
    ...(headers.some((header) => /^host:/i.test(header)) ? [] : ['Host: mail.hauspost.test']),
    ...(headers.some((header) => /^connection:/i.test(header)) ? [] : ['Connection: close']),
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
    '',
    body,
  ].join('\r\n');

export interface HttpParts {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

const answerIn = (text: string): HttpAnswer => {
  const [headers = '', ...body] = text.split('\r\n\r\n');
  const status = /^HTTP\/1\.[01] ([0-9]{3})/.exec(headers)?.[1];
  if (status === undefined) throw new Error(`no answer of HTTP: ${JSON.stringify(text.slice(0, 200))}`);
  return { status: Number(status), headers, body: body.join('\r\n\r\n') };
};

/** Sends `request` and reads until the other side ends. Rejects when nothing came. */
export const exchange = async (socket: Socket | TLSSocket, request: string): Promise<HttpAnswer> => {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  const timer = setTimeout(() => socket.destroy(new Error('no end of the answer')), ANSWER_MS);
  const closed = once(socket, 'close');
  socket.on('end', () => socket.end());
  socket.write(request);
  try {
    await closed;
  } finally {
    clearTimeout(timer);
  }
  return answerIn(Buffer.concat(chunks).toString('latin1'));
};

/** What the other side says first, whatever else it waits for. */
export const httpsFirstWords = async (socket: Socket, trust: TlsTrust, request: string): Promise<HttpAnswer> => {
  const secured = connectTls({ socket, ...trust });
  try {
    secured.write(request);
    const [chunk] = (await once(secured, 'data', { signal: AbortSignal.timeout(ANSWER_MS) })) as Buffer[];
    return answerIn(String(chunk));
  } finally {
    secured.destroy();
  }
};

export const httpsExchange = (socket: Socket, trust: TlsTrust, request: string): Promise<HttpAnswer> =>
  exchange(connectTls({ socket, ...trust }), request);
