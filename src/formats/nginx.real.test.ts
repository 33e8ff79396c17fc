import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { test } from 'node:test';
import { checker, until } from '#lab';
import { hostileValues, sorted } from './hostile.lab.ts';
import { renderNginx } from './nginx.ts';
import type { Node } from './types.ts';

const SEED = 13;
const location = (value: string, index: number): Node => ({ block: 'location', name: `= /${index}`, rows: [{ set: 'return', to: [200, value] }] });
const { held, refused } = sorted(hostileValues(SEED, 1900), (value) => renderNginx([location(value, 0)], '1.22'));

test(`nginx.conf refuses dollar signs where they are expanded, NUL, and tokens beyond nginx's buffer (seed ${SEED})`, () => {
  assert.ok(held.length >= 1000, `${held.length} values held`);
  for (const value of refused) assert.match(value, /[\0$]/);
  for (const value of held) assert.doesNotMatch(value, /[\0$]/);
});

const body = (socketPath: string, path: string, agent: Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    get({ socketPath, path, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => resolve(Buffer.concat(chunks).toString()))
        .on('error', reject);
    }).on('error', reject);
  });

for (const release of ['bookworm', 'trixie'] as const) {
  test(`a running nginx answers with ${held.length} values on ${release} (seed ${SEED})`, async () => {
    await using room = await checker(release);
    const nodes: Node[] = [
      { set: 'daemon', to: false },
      { set: 'pid', to: '/tmp/nginx.pid' },
      { set: 'error_log', to: ['stderr', 'emerg'] },
      { block: 'events', rows: [] },
      {
        block: 'http',
        rows: [
          { set: 'access_log', to: false },
          {
            block: 'server',
            rows: [{ set: 'listen', to: 'unix:/tmp/nginx.sock' }, { set: 'keepalive_requests', to: 10_000 }, ...held.map(location)],
          },
        ],
      },
    ];
    await room.put({ '/tmp/nginx.conf': renderNginx(nodes, '1.22').join('') });
    const tested = await room.run(['nginx', '-t', '-c', '/tmp/nginx.conf']);
    assert.equal(tested.code, 0, tested.stderr);
    const server = room.spawn(['nginx', '-c', '/tmp/nginx.conf']);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const socket = `${room.root}/tmp/nginx.sock`;
      await until('nginx answers', () => body(socket, '/0', agent).catch(() => undefined), 10_000);
      for (const [index, value] of held.entries()) assert.equal(await body(socket, `/${index}`, agent), value);
    } finally {
      agent.destroy();
      server.kill('SIGTERM');
    }
  });
}
