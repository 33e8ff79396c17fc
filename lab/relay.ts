/** A provider's server that relays for whoever logs in, at an address inside a machine's network: the `smtp-server` library with TLS. */
import type { Server } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { Machine } from './machine.ts';
import { until } from './process.ts';

export interface Relayed {
  readonly port: number;
  readonly user: string | undefined;
  readonly secure: boolean;
  readonly to: readonly string[];
  readonly source: string;
}

/** PEM. */
export interface Pair {
  readonly key: string;
  readonly cert: string;
}

export interface RelayHost extends AsyncDisposable {
  readonly received: readonly Relayed[];
  /** User and password of each attempt. */
  readonly attempts: readonly (readonly [string, string])[];
  /** The message whose text holds `mark`; waits for it. */
  message(mark: string): Promise<Relayed>;
}

/** A key and a certificate for `name` that signs itself. */
export const selfSigned = async (machine: Machine, name: string): Promise<Pair> => {
  const script =
    'cd $(mktemp -d) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 -subj "/CN=$1" -addext "subjectAltName=DNS:$1" 2>/dev/null && cat key && echo %% && cat cert';
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script, 'sh', name]);
  if (code !== 0) throw new Error(stderr);
  const [key = '', cert = ''] = stdout.split('%%\n');
  return { key, cert };
};

/** On 25 without a login, on 587 with STARTTLS, on 465 with TLS from the start; these two only for `login`, or for everybody. */
export const relayHost = async (machine: Machine, host: string, pair: Pair, login: readonly [string, string] | 'none'): Promise<RelayHost> => {
  const received: Relayed[] = [];
  const attempts: (readonly [string, string])[] = [];
  const isOpen = (port: number): boolean => port === 25 || login === 'none';
  const options = (port: number): SMTPServerOptions => ({
    ...pair,
    logger: false,
    secure: port === 465,
    needsUpgrade: false,
    authOptional: isOpen(port),
    allowInsecureAuth: true,
    disabledCommands: isOpen(port) ? ['AUTH'] : [],
    disableReverseLookup: true,
    onAuth: ({ username = '', password = '' }, _session, done) => {
      attempts.push([username, password ?? '']);
      if (username === login[0] && password === login[1]) done(null, { user: username });
      else done(new Error('wrong'));
    },
    onData: (stream, { envelope, secure, user }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = envelope.rcptTo.map(({ address }) => address);
        received.push({ port, user: typeof user === 'string' ? user : undefined, secure, to, source: Buffer.concat(chunks).toString('latin1') });
        done();
      });
    },
  });
  const open = async (port: number): Promise<Server> => {
    const smtp = new SMTPServer(options(port));
    smtp.on('error', () => undefined); // a client that does not trust us hangs up
    const server = await machine.listen({ host, port });
    server.on('connection', (socket) => smtp.server.emit('connection', socket));
    return server;
  };
  const servers = [await open(25), await open(587), await open(465)];
  return {
    received,
    attempts,
    message: (mark) => until(`a message with ${mark} is relayed`, () => received.find(({ source }) => source.includes(mark)), 30_000, 50),
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) server.close();
    },
  };
};
