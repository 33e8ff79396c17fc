/** Programs that the agent runs in a room: what goes in and comes out, statuses, limits, many at once, and nothing of it left behind. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { image } from './images.ts';
import { until } from './process.ts';
import { openRoom, type Room } from './room.ts';

let room: Room;
before(async () => {
  room = await openRoom({ lower: (await image({ release: 'trixie', init: 'systemd' }, 'bare')).layer.lower });
});
after(() => room?.[Symbol.asyncDispose]());

const shell = (script: string, ms?: number): ReturnType<Room['run']> => room.run(['sh', '-c', script], ms === undefined ? {} : { ms });

test('statuses: of the program, of a signal, of a program that is not there, or is none', async () => {
  const codes = async (...argvs: readonly (readonly string[])[]): Promise<readonly number[]> =>
    Promise.all(argvs.map(async (argv) => (await room.run(argv)).code));
  assert.deepEqual(
    await codes(['true'], ['sh', '-c', 'exit 3'], ['sh', '-c', 'kill -9 $$'], ['no-such-program'], ['/etc/passwd']),
    [0, 3, 137, 127, 126],
  );
  assert.match((await room.run(['no-such-program'])).stderr, /^no-such-program: No such file or directory\n$/);
});

test('each octet goes in and comes out, also many megabytes that the program reads slowly or not at all', async () => {
  const octets = Buffer.from(Array.from({ length: 2 ** 24 }, (_, index) => (index * 7 + (index >> 8)) % 256));
  const back = await room.run(['sh', '-c', 'sleep 0.1; cat'], { input: octets, encoding: 'latin1' });
  assert.ok(Buffer.from(back.stdout, 'latin1').equals(octets));
  assert.deepEqual(await room.run(['sh', '-c', 'exec <&-; echo done'], { input: octets }), { code: 0, stdout: 'done\n', stderr: '' });
});

test('surroundings: those of a fresh login, a user, a directory', async () => {
  const { stdout } = await room.run(['sh', '-c', 'id -un; pwd; echo "$WORD"; grep SigIgn /proc/self/status'], {
    user: 'www-data',
    cwd: '/usr',
    env: { WORD: 'a=b c' },
  });
  assert.equal(stdout, 'www-data\n/usr\na=b c\nSigIgn:\t0000000000000000\n');
});

test('many at a time, each with its own words and its own end', async () => {
  const outputs = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      shell(`sleep 0.${(40 - index) % 10}; echo out ${index}; echo err ${index} >&2; exec >&- 2>&-; sleep 0.1; exit ${index}`),
    ),
  );
  assert.deepEqual(
    outputs,
    outputs.map((_, index) => ({ code: index, stdout: `out ${index}\n`, stderr: `err ${index}\n` })),
  );
});

test('who holds the output is waited for; who exceeds its time is ended, and what it said is told', async () => {
  assert.equal((await shell('(sleep 0.3; echo later) & echo now')).stdout, 'now\nlater\n');
  await assert.rejects(shell('echo so far; exec sleep 98765', 5000), /not finished after 5000 ms\nso far\n/);
  await until('it is gone', async () => (await shell('grep -lx sleep /proc/[0-9]*/comm')).code === 1 || undefined, 10_000);
  assert.equal((await shell('echo on')).stdout, 'on\n');
});

test('a room that is gone answers as a program that was killed', async () => {
  await using other = await openRoom({ lower: (await image({ release: 'trixie', init: 'systemd' }, 'bare')).layer.lower });
  const under = other.run(['sleep', '98765']);
  await until('it runs', async () => (await other.run(['sh', '-c', 'grep -lx sleep /proc/[0-9]*/comm'])).stdout !== '' || undefined, 10_000);
  await other.close();
  assert.equal((await under).code, 137);
});
