/** M19: versions and suites of TLS: 1.2 or newer everywhere, Mozilla's intermediate profile on the ports of clients. Both releases. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls, createServer, type SecureVersion, type TLSSocket } from 'node:tls';
import { type Release, type Server, serve, until } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

const GOOD = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305'];
/** Good ciphers, but with CBC. */
const WEAK = ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA', 'ECDHE-ECDSA-AES128-SHA256', 'ECDHE-ECDSA-AES256-SHA384'];
/** How a refusal is told to the client, and what Dovecot says of it in its log. */
const TOO_OLD = { alert: /^ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION$/, words: 'unsupported protocol' };
const NO_COMMON_SUITE = { alert: /^ERR_SSL_SSL(?:V3|\/TLS)_ALERT_HANDSHAKE_FAILURE$/, words: 'no shared cipher' };

const versions = (version: SecureVersion): ConnectionOptions => ({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' });
const suite = (name: string): ConnectionOptions => ({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: `${name}:@SECLEVEL=0` });

/** Rejects with the alert of the other side. */
const handshake = async (socket: Socket, options: ConnectionOptions): Promise<TLSSocket> => {
  const secure = connectTls({ socket, ...options });
  await once(secure, 'secureConnect');
  return secure;
};

/** Reads clear text until `pattern` fits; what follows is left for TLS. */
const said = async (socket: Socket, pattern: RegExp): Promise<void> => {
  const signal = AbortSignal.timeout(30_000);
  for (let text = ''; !pattern.test(text); ) {
    const data = once(socket, 'data', { signal });
    socket.resume();
    text += String(((await data) as [Buffer])[0]);
    socket.pause();
  }
};

const startTls =
  (greeting: RegExp, dialogue: readonly (readonly [string, RegExp])[]) =>
  async (socket: Socket): Promise<void> => {
    await said(socket, greeting);
    for (const [line, answer] of dialogue) {
      socket.write(`${line}\r\n`);
      await said(socket, answer);
    }
  };

const smtp = startTls(/^220 .*\r\n$/, [
  ['EHLO mail.outside.test', /^250 .*\r\n$/m],
  ['STARTTLS', /^220 .*\r\n$/m],
]);
const fromTheStart = (): Promise<void> => Promise.resolve();

interface Port {
  readonly port: number;
  readonly begin: (socket: Socket) => Promise<void>;
  /** Other servers come here too, for whom any encryption is better than none. */
  readonly lenient?: true;
}

const PORTS: readonly Port[] = [
  { port: 443, begin: fromTheStart },
  { port: 465, begin: fromTheStart },
  { port: 993, begin: fromTheStart },
  { port: 25, begin: smtp, lenient: true },
  { port: 587, begin: smtp },
  { port: 143, begin: startTls(/^\* OK .*\r\n$/, [['a STARTTLS', /^a OK .*\r\n$/m]]) },
  { port: 4190, begin: startTls(/^OK .*\r\n$/m, [['STARTTLS', /^OK .*\r\n$/m]]) },
];

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    before(async () => {
      server = await serve(release);
    });
    after(() => server?.[Symbol.asyncDispose]());

    const speak = async ({ port, begin }: Port, options: ConnectionOptions): Promise<string> => {
      const socket = await server.machine.dial({ host: '127.0.0.1', port });
      try {
        await begin(socket);
        const secure = await handshake(socket, { ...server.trust, ...options });
        assert.equal(secure.authorized, true, 'our own authority signed');
        return `${secure.getProtocol()} ${secure.getCipher().name}`;
      } finally {
        socket.destroy();
      }
    };

    /** Dovecot 2.3 hangs up without the alert; then its log tells that it refused, and mostly why (docs/dovecot.md). */
    const refuses = async (port: Port, options: ConnectionOptions, { alert, words }: typeof TOO_OLD): Promise<void> => {
      const hangsUp = release === 'bookworm' && [143, 993, 4190].includes(port.port);
      const told = new RegExp(`${words}|SSL_accept\\(\\) syscall failed: Invalid argument`, 'g');
      const count = async (): Promise<number> => (await server.machine.journal()).match(told)?.length ?? 0;
      const before = hangsUp ? await count() : 0;
      await assert.rejects(speak(port, options), { code: hangsUp ? 'ECONNRESET' : alert }, options.ciphers ?? '');
      if (hangsUp) await until(`the log says ${told}`, async () => (await count()) > before || undefined, 10_000);
    };

    test('the client of these tests speaks TLS 1.0, 1.1 and weak suites to a server that does', async () => {
      const [key, cert] = await Promise.all(
        ['key', 'chain'].map(async (name) => (await server.machine.run(['cat', `/var/lib/hauspost/tls/${name}.pem`])).stdout),
      );
      const lenient = createServer({ key, cert, minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' });
      lenient.listen(0, '127.0.0.1');
      await once(lenient, 'listening');
      const address = lenient.address();
      assert.ok(typeof address === 'object' && address !== null);
      for (const options of [versions('TLSv1'), versions('TLSv1.1'), ...WEAK.map(suite)])
        (await handshake(connect(address.port, '127.0.0.1'), { ...server.trust, ...options })).destroy();
      lenient.close();
    });

    for (const port of PORTS) {
      test(`M19: port ${port.port} speaks TLS 1.2 and 1.3, and neither 1.1 nor 1.0`, async () => {
        assert.match(await speak(port, versions('TLSv1.2')), /^TLSv1\.2 ECDHE-/);
        assert.match(await speak(port, versions('TLSv1.3')), /^TLSv1\.3 TLS_/);
        await refuses(port, versions('TLSv1.1'), TOO_OLD);
        await refuses(port, versions('TLSv1'), TOO_OLD);
      });
    }

    for (const port of PORTS.filter(({ lenient }) => lenient === undefined)) {
      test(`M19: port ${port.port} takes the suites of the intermediate profile, and no CBC`, async () => {
        for (const name of GOOD) assert.equal(await speak(port, suite(name)), `TLSv1.2 ${name}`);
        for (const name of WEAK) await refuses(port, suite(name), NO_COMMON_SUITE);
      });
    }
  });
}
