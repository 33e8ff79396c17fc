/** M23, M22, M19: what can be reached over the network, and what stands behind it. Profile local, both releases. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Release, type Server, serve } from '../index.ts';

const RELEASES: readonly Release[] = ['bookworm', 'trixie'];

/** The contract's list, on loopback only. */
const TCP = [25, 53, 80, 143, 443, 465, 587, 993, 4190].flatMap((port) => [`tcp 127.0.0.1 ${port}`, `tcp ::1 ${port}`]);
const EXPECTED = [...TCP, 'tcp 127.0.0.1 11334', 'udp 127.0.0.1 53', 'udp ::1 53'].toSorted();

/** Hexadecimal words of /proc/net in the machine's order, as an address. */
const address = (hex: string): string => {
  const octets = Buffer.concat((hex.match(/.{8}/g) ?? []).map((word) => Buffer.from(word, 'hex').reverse()));
  if (octets.length === 4) return octets.join('.');
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2).toString(16));
  return groups.join(':') === '0:0:0:0:0:0:0:1' ? '::1' : groups.join(':');
};

/** Every listening TCP socket and every unconnected UDP socket of the machine, from the kernel's own tables. */
const listening = async ({ machine }: Server): Promise<readonly string[]> => {
  const found = new Set<string>();
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    const { stdout } = await machine.run(['cat', `/proc/net/${table}`]);
    for (const line of stdout.split('\n').slice(1)) {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/);
      const [host = '', port = ''] = local.split(':');
      const listens = table.startsWith('tcp') ? state === '0A' : remote.endsWith(':0000') && state === '07';
      if (host !== '' && listens) found.add(`${table.slice(0, 3)} ${address(host)} ${Number.parseInt(port, 16)}`);
    }
  }
  return [...found].toSorted();
};

interface Answer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** One request, written to the letter. */
const https = async (server: Server, request: string): Promise<Answer> => {
  const socket = connectTls({ socket: await server.machine.dial({ host: '127.0.0.1', port: 443, localAddress: '127.0.0.9' }), ...server.trust });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(request);
  await new Promise((resolve, reject) => socket.on('end', resolve).on('close', resolve).on('error', reject));
  const [headers = '', ...body] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n');
  return { status: Number(/^HTTP\/1\.[01] ([0-9]{3})/.exec(headers)?.[1]), headers, body: body.join('\r\n\r\n') };
};

const get = (path: string, headers: readonly string[] = [], method = 'GET'): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: mail.hauspost.test', 'Connection: close', ...headers, '', ''].join('\r\n');

/** Paths that show or change something, so that an answer without a password is a hole. */
const SECRET_PATHS = ['/rspamd/stat', '/rspamd/history', '/rspamd/auth', '/rspamd/symbols', '/rspamd/errors', '/rspamd/maps', '/rspamd/neighbours'];
const FORGED: readonly (readonly string[])[] = [
  ['X-Forwarded-For: 127.0.0.1'],
  ['X-Real-IP: 127.0.0.1'],
  ['X-Forwarded-For: ::1', 'X-Real-IP: ::1'],
  ['Forwarded: for=127.0.0.1'],
  ['X-Forwarded-For:'],
  ['Password: q1'],
  ['Password: wrong'],
  ['IP: 127.0.0.1'],
  ['X-Forwarded-For: 127.0.0.1, 127.0.0.1', 'Client-IP: 127.0.0.1'],
];

for (const release of RELEASES) {
  describe(release, () => {
    let server: Server;
    let password: string;
    before(async () => {
      server = await serve(release);
      password = (await server.machine.run(['cat', '/var/lib/hauspost/secrets/rspamd.controller.password'])).stdout;
    });
    after(() => server?.[Symbol.asyncDispose]());

    test('M23: listeners are exactly the contract’s, UDP included, on loopback only', async () => {
      assert.deepEqual(await listening(server), EXPECTED);
    });

    for (const port of [3306, 6379, 11332, 11333, 8953, 2000, 110, 995, 24, 10025, 8891]) {
      test(`M23: nothing answers on TCP ${port}`, async () => {
        await assert.rejects(server.machine.dial({ host: '127.0.0.1', port }), { code: 'ECONNREFUSED' });
      });
    }

    test('M23: the twin: 25 answers', async () => {
      (await server.machine.dial({ host: '127.0.0.1', port: 25 })).destroy();
    });

    for (const path of SECRET_PATHS) {
      test(`M22: ${path} wants the password, and opens with it`, async () => {
        const without = await https(server, get(path));
        assert.ok([401, 403].includes(without.status), `${without.status} ${without.body}`);
        const right = await https(server, get(path, [`Password: ${password}`]));
        assert.equal(right.status, 200, `${right.status} ${right.body}`);
      });
    }

    for (const headers of FORGED) {
      test(`M22: forged: ${headers.join(', ')}`, async () => {
        const { status, body } = await https(server, get('/rspamd/stat', headers));
        assert.ok([401, 403].includes(status), `${status} ${body}`);
      });
    }

    for (const path of ['/rspamd/../stat', '/rspamd/%2e%2e/stat', '//rspamd//stat', '/rspamd/./stat', '/rspamd/stat/', '/stat']) {
      test(`M22: no way around: ${path}`, async () => {
        const { status } = await https(server, get(path));
        assert.notEqual(status, 200);
      });
    }

    test('M22: learning and changing need the password, too', async () => {
      for (const path of ['/rspamd/learnspam', '/rspamd/saveactions', '/rspamd/statreset', '/rspamd/savemap']) {
        const { status, body } = await https(server, get(path, ['Content-Length: 0'], 'POST'));
        assert.ok([401, 403].includes(status), `${path}: ${status} ${body}`);
      }
    });

    test('M22: plain HTTP shows nothing and leads to HTTPS', async () => {
      const socket = await server.machine.dial({ host: '127.0.0.1', port: 80 });
      socket.end(get('/rspamd/stat', [`Password: ${password}`]));
      const chunks: Buffer[] = [];
      for await (const chunk of socket) chunks.push(chunk as Buffer);
      const answer = Buffer.concat(chunks).toString('latin1');
      assert.match(answer, /^HTTP\/1\.1 301 /);
      assert.match(answer, /^Location: https:\/\/mail\.hauspost\.test\/rspamd\/stat\r$/m);
    });

    test('M22: the loopback port itself wants the password', async () => {
      for (const [headers, wanted] of [
        [[], [401, 403]],
        [[`Password: ${password}`], [200]],
      ] as const) {
        const socket = await server.machine.dial({ host: '127.0.0.1', port: 11334 });
        socket.write(get('/stat', headers));
        const first = await new Promise<string>((resolve, reject) =>
          socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1'))).once('error', reject),
        );
        socket.destroy();
        assert.ok(
          wanted.some((status) => first.startsWith(`HTTP/1.1 ${status}`)),
          first.slice(0, 100),
        );
      }
    });

    for (const port of [443, 465, 993]) {
      test(`M19: port ${port} takes TLS 1.2 and 1.3, and nothing older`, async () => {
        for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
          const socket = connectTls({
            socket: await server.machine.dial({ host: '127.0.0.1', port }),
            ...server.trust,
            minVersion: version,
            maxVersion: version,
          });
          await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
          assert.equal(socket.getProtocol(), version);
          socket.destroy();
        }
        const old = connectTls({
          socket: await server.machine.dial({ host: '127.0.0.1', port }),
          ...server.trust,
          minVersion: 'TLSv1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        });
        await assert.rejects(new Promise((resolve, reject) => old.once('secureConnect', resolve).once('error', reject)));
      });
    }
  });
}
