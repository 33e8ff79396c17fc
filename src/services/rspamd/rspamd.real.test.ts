/** The real Rspamd, Redis and Nginx of both releases read what we render: their dumps equal it, and a change to it is noticed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checker, type Room } from '#lab';
import type { CheckRoom, RenderInput, Service } from '#model';
import { nginx } from '../nginx/index.ts';
import { redis } from '../redis/index.ts';
import { rspamd, rspamdPasswordHash } from './index.ts';
import { inputFor, LOCAL, PUBLIC } from '../test-input.lab.ts';

const PASSWORD = 'correct horse';
const HASH = rspamdPasswordHash(PASSWORD, Buffer.alloc(20, 7));

/** Rspamd's base32: five bits a character, the lowest first. */
const saltOf = (hash: string): Uint8Array => {
  const bits = [...(hash.split('$')[2] ?? '')].map((c) => 'ybndrfg8ejkmcpqxot1uwisza345h769'.indexOf(c).toString(2).padStart(5, '0'));
  const number = BigInt(`0b${bits.reverse().join('')}`);
  return Uint8Array.from({ length: 20 }, (_, index) => Number((number >> BigInt(8 * index)) & 255n));
};

const put = async (room: Room, services: readonly Service[], input: RenderInput): Promise<void> => {
  for (const item of services.flatMap((service) => service.items(input))) {
    if (item.kind === 'absent') await room.run(['rm', '-f', item.path]);
    if (item.kind === 'file') await room.put({ [item.path]: item.text.map((part) => (typeof part === 'string' ? part : HASH)).join('') });
  }
};

const certificate = async (room: Room, { wiring: { places } }: RenderInput): Promise<void> => {
  const [key, chain] = [places['tls-key'], places['tls-chain']];
  await room.put({ [key]: '', [chain]: '' });
  const made = await room.run([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=mail',
    '-keyout',
    key,
    '-out',
    chain,
  ]);
  assert.equal(made.code, 0, made.stderr);
};

for (const release of ['bookworm', 'trixie'] as const) {
  for (const [profile, config] of Object.entries({ local: LOCAL, public: PUBLIC })) {
    test(`all that is written is understood, on ${release}, profile ${profile}`, async () => {
      await using room = await checker(release);
      const view: CheckRoom = { run: (argv, options) => room.run(argv, options) };
      const input = inputFor(release, 'systemd', config);
      const codes = async (service: Service) => (await service.check(view, input)).map(({ code, message }) => `${code}: ${message}`);
      await certificate(room, input);
      await put(room, [rspamd, redis, nginx], input);
      for (const service of [rspamd, redis, nginx]) assert.deepEqual(await codes(service), [], service.name);

      await room.put({
        '/etc/rspamd/override.d/actions.conf': 'reject = 99;\nadd_header = 6;\ngreylist = 4;\ndiscard { flags = ["no_threshold"]; }\n',
      });
      assert.deepEqual(await codes(rspamd), ['rspamd.misread: actions.reject: written 15, understood 99']);
      await room.put({ '/etc/redis/redis.conf': 'port 0\nno-such-directive 1\n' });
      assert.match((await codes(redis)).join(), /^redis\.config-refused/);
      await room.put({ '/etc/nginx/nginx.conf': 'events {}\nhttp { include /etc/nginx/fastcgi.conf; }\n' });
      assert.equal((await codes(nginx)).length, 2);
    });
  }

  test(`rspamadm of ${release} makes the same hash with the same salt`, async () => {
    await using room = await checker(release);
    for (const password of ['q', PASSWORD, 'ü'.repeat(40)]) {
      const made = await room.run(['rspamadm', 'pw', '--encrypt', '--type', 'pbkdf2', '--password', password]);
      assert.equal(made.code, 0, made.stderr);
      const hash = made.stdout.trim();
      assert.equal(rspamdPasswordHash(password, saltOf(hash)), hash);
    }
  });
}
