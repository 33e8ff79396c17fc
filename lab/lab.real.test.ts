/** The machines are what scenarios take them for: bare, booted, cut off, and the same after a power cut. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { boot, checker, derive, type Image, image, type Kind, labAvailable, type Machine, network, until } from '#lab';
import { OWNER } from './owner.ts';
import { drop } from './store.ts';

const KINDS: readonly Kind[] = [
  { release: 'bookworm', init: 'systemd' },
  { release: 'trixie', init: 'systemd' },
  { release: 'bookworm', init: 'none' },
];

/** Programs that `up` brings, or needs; none may be there before. */
const FOREIGN = [
  'node',
  'nodejs',
  'npm',
  'postfix',
  'postconf',
  'dovecot',
  'doveconf',
  'rspamd',
  'redis-server',
  'mariadbd',
  'mysqld',
  'unbound',
  'nginx',
  'certbot',
  'runsv',
];
const MAJOR = { bookworm: '12', trixie: '13' };

/** Says over TCP who is calling; perl-base is on every Debian. */
const WHO = `$s = IO::Socket::INET->new(Listen => 5, LocalAddr => $ARGV[0], LocalPort => 2525, ReuseAddr => 1) or die;
$| = 1; print "listening\\n"; while ($c = $s->accept) { print $c $c->peerhost, "\\n"; close $c }`;

const reason = await labAvailable();
const options = reason === undefined ? {} : { skip: reason };

const text = async (socket: Socket): Promise<string> => {
  let said = '';
  for await (const chunk of socket) said += String(chunk);
  return said;
};

const who = async (machine: Machine, address: string): Promise<void> => {
  const server = machine.spawn(['perl', '-MIO::Socket::INET', '-e', WHO, address]);
  await once(server.stdout, 'data');
};

const bare = async (machine: Machine): Promise<void> => {
  const found = await machine.run([
    'sh',
    '-c',
    'for name; do command -v "$name"; done; ls /usr/lib/postfix /usr/lib/dovecot 2>/dev/null; true',
    'sh',
    ...FOREIGN,
  ]);
  assert.equal(found.stdout, '');
  assert.equal((await machine.run(['dpkg-query', '--show', 'nodejs', 'npm', 'postfix', 'dovecot-core'])).code, 1);
  assert.equal((await machine.run(['dpkg-query', '--show', 'apt'])).code, 0);
};

for (const kind of KINDS) {
  test(`${kind.release}, init ${kind.init}: bare, booted, and the same after a power cut`, options, async (t) => {
    const from = await image(kind, 'bare');
    const began = performance.now();
    await using machine = await boot({ image: from, name: 'mail' });
    t.diagnostic(`booted in ${Math.round(performance.now() - began)} ms`);
    await bare(machine);
    assert.match((await machine.run(['cat', '/etc/debian_version'])).stdout, new RegExp(`^${MAJOR[kind.release]}\\.`));
    assert.equal((await machine.run(['cat', '/proc/1/comm'])).stdout === 'systemd\n', kind.init === 'systemd');
    assert.deepEqual((await machine.run(['env'], { env: { A: 'b c' } })).stdout.split('\n').sort(), [
      ...['', 'A=b c', 'HOME=/root', 'LANG=C.UTF-8', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=dumb'].sort(),
    ]);
    assert.deepEqual(await machine.run(['sh', '-c', 'cat; echo on error >&2; exit 3'], { input: 'a\0é' }), {
      code: 3,
      stdout: 'a\0é',
      stderr: 'on error\n',
    });

    await who(machine, '127.0.0.1');
    assert.equal(await text(await machine.dial({ host: '127.0.0.1', port: 2525, localAddress: '127.0.0.9' })), '127.0.0.9\n');
    assert.equal(await text(await machine.dial({ host: '127.0.0.1', port: 2525 })), '127.0.0.1\n');
    await assert.rejects(machine.dial({ host: '127.0.0.1', port: 2526 }), { code: 'ECONNREFUSED' });
    await assert.rejects(machine.dial({ host: '192.0.2.1', port: 25 }), { code: 'ENETUNREACH' });

    await machine.run(['tee', '/root/kept'], { input: 'before\n' });
    await machine.kill();
    await machine.start();
    assert.equal((await machine.run(['cat', '/root/kept'])).stdout, 'before\n');
    await assert.rejects(machine.dial({ host: '127.0.0.1', port: 2525 }), { code: 'ECONNREFUSED' });
    await machine.stop();
    await assert.rejects(async () => machine.run(['true']), /is off/);
    await machine.start();
    assert.equal((await machine.run(['cat', '/root/kept'])).stdout, 'before\n');
  });
}

test("a container's main process gets SIGTERM; its output and status come back", options, async () => {
  const from = await image({ release: 'bookworm', init: 'none' }, 'bare');
  const main = ['sh', '-c', 'trap "echo bye; exit 7" TERM; echo up as $$; while :; do sleep 0.1; done'];
  await using machine = await boot({ image: from, main });
  await until('it is up', async () => ((await machine.journal()).includes('up as') ? true : undefined), 10_000);
  assert.deepEqual(await machine.stop(), { code: 7, stdout: 'up as 1\nbye\n', stderr: '' });
  await machine.start();
  await machine.kill();
});

test('a stranger on the network is seen by its own address, and a machine reaches the stranger', options, async () => {
  await using lan = await network();
  await using machine = await boot({ image: await image({ release: 'trixie', init: 'systemd' }, 'bare') });
  const { v4 } = await lan.join(machine);
  const stranger = await lan.host('stranger', { v4: '10.99.7.7', v6: 'fd99::7' });
  await who(machine, v4);
  assert.equal(await text(await stranger.dial({ host: v4, port: 2525 })), '10.99.7.7\n');
  const server = await stranger.listen({ host: 'fd99::7', port: 25 });
  server.on('connection', (socket: Socket) => socket.end('220 stranger\r\n'));
  assert.equal(await text(await machine.dial({ host: 'fd99::7', port: 25 })), '220 stranger\r\n');
  server.close();
});

test('what is still open ends with its host: connections, and those that a server took', options, async () => {
  await using lan = await network();
  const [near, far] = [await lan.host('near', { v4: '10.99.7.8', v6: 'fd99::8' }), await lan.host('far', { v4: '10.99.7.9', v6: 'fd99::9' })];
  const server = await far.listen({ host: '10.99.7.9', port: 25 });
  const connections = once(server, 'connection');
  const dialled = await near.dial({ host: '10.99.7.9', port: 25 });
  const [taken] = (await connections) as [Socket];
  const datagrams = await near.datagrams({ host: '10.99.7.8', port: 53 });
  const ends = Promise.all([server, dialled, taken, datagrams].map((open) => once(open, 'close')));
  dialled.write('nobody reads this');
  await near[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
  await ends;
});

for (const kind of KINDS) {
  test(`${kind.release}, init ${kind.init}: apt installs without a network`, options, async () => {
    await using machine = await boot({ image: await image(kind, 'packages') });
    await bare(machine);
    const install = await machine.run(['apt-get', 'install', '-y', '--no-install-recommends', 'redis-tools'], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
    assert.equal(install.code, 0, install.stderr);
    assert.match((await machine.run(['redis-cli', '--version'])).stdout, /^redis-cli \d/);
  });
}

test('online, a machine reaches its package sources; offline again, it does not', options, async () => {
  await using machine = await boot({ image: await image({ release: 'trixie', init: 'systemd' }, 'bare') });
  const resolvers = (await machine.run(['cat', '/etc/resolv.conf'])).stdout;
  await machine.online();
  const update = await machine.run(['apt-get', 'update', '--error-on=any']);
  assert.equal(update.code, 0, update.stderr);
  await machine.offline();
  assert.equal((await machine.run(['cat', '/etc/resolv.conf'])).stdout, resolvers);
  assert.notEqual((await machine.run(['apt-get', 'update', '--error-on=any'])).code, 0);
});

test('an image derived from a booted machine keeps what was done there, and is made once', options, async () => {
  const from = await image({ release: 'bookworm', init: 'systemd' }, 'bare');
  let times = 0;
  const served = (): Promise<Image> =>
    derive(from, 'lab-test', OWNER, async (machine) => {
      times++;
      assert.equal((await machine.run(['sh', '-c', 'echo kept > /root/made; rm -r /etc/cron.d'])).code, 0);
    });
  await served();
  const again = await served();
  assert.equal(times, 1);
  await using machine = await boot({ image: again });
  assert.equal((await machine.run(['cat', '/root/made'])).stdout, 'kept\n');
  assert.equal((await machine.run(['test', '-e', '/etc/cron.d'])).code, 1);
  await drop(again.layer);
});

for (const release of ['bookworm', 'trixie'] as const) {
  test(`${release}: a room runs checkers, and daemons that are reached by their Unix socket`, options, async () => {
    await using room = await checker(release);
    assert.match((await room.run(['postconf', '-h', 'mail_version'])).stdout, /^3\./);
    const files = { '/etc/hauspost.test/a b': 'one\n', '/lib/hauspost.test': new Uint8Array([0, 255]) };
    assert.equal((await room.run(['od', '-An', '-tx1', '/usr/lib/hauspost.test'], { files })).stdout, ' 00 ff\n');
    assert.equal((await room.run(['stat', '-c', '%U %a', '/etc/hauspost.test/a b', '/'])).stdout, 'root 644\nroot 755\n');
    room.spawn(['redis-server', '--port', '0', '--unixsocket', '/tmp/redis.sock', '--save', ''], { user: 'redis' });
    const answer = await until(
      'redis answers',
      async () => {
        const { stdout } = await room.run(['redis-cli', '-s', '/tmp/redis.sock', 'ping']);
        return stdout === 'PONG\n' ? stdout : undefined;
      },
      15_000,
    );
    assert.equal(answer, 'PONG\n');
  });
}
