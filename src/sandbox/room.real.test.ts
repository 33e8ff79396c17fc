/** The private view on real mounts, each in a namespace of its own. Needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

/** What the view shows of what lies at /mnt. */
const LOOK = `
  const { thisMachine } = await import(${JSON.stringify(import.meta.resolve('../machine/index.ts'))});
  const { openRoom } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))});
  await using room = await openRoom(thisMachine(), '/mnt/stage', []);
  const { code, stdout, stderr } = await room.run(['sh', '-c', 'cd /mnt && find . -type f | sort; cat /staged']);
  process.stdout.write(JSON.stringify([code, stdout, stderr]));
`;

const OPEN_FUSE = `$^F = 99; open my $fuse, "+<", "/dev/fuse" or die "/dev/fuse: $!"; $ENV{FUSE} = fileno $fuse; exec @ARGV`;
const PREPARED =
  'mount -t tmpfs none /run; mount -t tmpfs none /mnt; mkdir /mnt/stage /mnt/theirs /mnt/disk; echo staged >/mnt/stage/staged; mount -t tmpfs none /mnt/disk; echo >/mnt/disk/file';

const seen = async (mounting: string): Promise<unknown> => {
  const script = `set -e; ${PREPARED}; ${mounting}; exec "$0" --input-type=module --eval "$1"`;
  const argv = ['--mount', 'perl', '-e', OPEN_FUSE, 'sh', '-c', script, process.execPath, LOOK];
  const child = spawn('unshare', argv, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output);
};

const ALL = [0, './disk/file\n./stage/staged\nstaged\n', ''];

test('file systems below the root are there', async () => {
  assert.deepEqual(await seen('true'), ALL);
});

test("a user's own, which root may not even look at (mount.fuse3(8), allow_other), stays empty", async () => {
  const mine = 'mount -i -t fuse -o fd=$FUSE,rootmode=40000,user_id=1000,group_id=1000 none /mnt/theirs';
  assert.deepEqual(await seen(`${mine}; ! stat /mnt/theirs 2>/dev/null`), ALL);
});
