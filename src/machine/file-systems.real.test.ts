/** Real file systems that take nothing more, each mounted in a namespace of its own: what the hands say then. Needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

/** Calls the hands one after the other; prints `ok` or what each said. The last must work when there is room again. */
const CALLS = `
  const { thisMachine } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))});
  const machine = thisMachine();
  const at = (name) => '/mnt/' + name;
  const root = { owner: 'root:root', mode: 0o600 };
  const said = [];
  const call = async (work) => said.push(await work().then(() => 'ok', ({ blame, code, message, remedy }) => ({ blame, code, message, remedy })));
  await call(() => machine.write(at('file'), 'x'.repeat(100_000), root));
  await call(() => machine.makeDir(at('a/b/c/d'), root));
  await call(() => machine.remove(at('there')));
  said.push((await machine.list('/mnt')).filter((name) => name !== 'lost+found'));
  console.log(JSON.stringify(said));
`;

interface Said {
  readonly blame: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

const onMount = async (mounting: string): Promise<readonly unknown[]> => {
  const script = `set -e; ${mounting}; exec "$0" --input-type=module --eval "$1"`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, process.execPath, CALLS], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return JSON.parse(output) as readonly unknown[];
};

const refused = (said: unknown, code: string, message: RegExp, remedy: RegExp): void => {
  const { blame, code: told, ...words } = said as Said;
  assert.deepEqual([blame, told], ['environment', code]);
  assert.match(words.message, message);
  assert.match(words.remedy, remedy);
};

test('with room all of it works', async () => {
  assert.deepEqual(await onMount('mount -t tmpfs -o size=1m none /mnt; echo >/mnt/there'), ['ok', 'ok', 'ok', ['a', 'file']]);
});

test('without a free block: which file system is full, and nothing half written stays', async () => {
  const [write, , remove, left] = await onMount('mount -t tmpfs -o size=64k none /mnt; echo >/mnt/there');
  refused(
    write,
    'disk.full',
    /^the file system at \/mnt is full \(0 MB of 1 MB are free\): \/mnt\/file could not be written$/,
    /^Make room there \('du .* \/mnt' shows what takes it\)/,
  );
  assert.deepEqual([remove, left], ['ok', ['a']]);
});

test('without a free inode it says that, since df shows room', async () => {
  const [write, makeDir, remove] = await onMount('mount -t tmpfs -o size=1m,nr_inodes=2 none /mnt; echo >/mnt/there');
  const why = /^the file system at \/mnt can hold no more files \(no inode is free\): \/mnt\/[a-z/]+ could not be (written|made)$/;
  refused(write, 'disk.full', why, /^Remove files there .* \/mnt/);
  refused(makeDir, 'disk.full', why, /^Remove files there/);
  assert.equal(remove, 'ok');
});

test('mounted read-only: which one, and why that may be', async () => {
  const said = await onMount('mount -t tmpfs -o size=1m none /mnt; echo >/mnt/there; mount -o remount,ro /mnt');
  for (const one of said.slice(0, 3))
    refused(
      one,
      'disk.read-only',
      /^the file system at \/mnt is read-only: \/mnt\/\S+ could not be (written|made|removed)$/,
      /'dmesg'.*'mount -o remount,rw \/mnt'/,
    );
  assert.deepEqual(said[3], ['there']);
});

test('a disk that answers nothing any more', async () => {
  const broken = [
    'mount -t tmpfs none /mnt; truncate -s 8M /mnt/image; mkfs.ext4 -q /mnt/image; mkdir /mnt/on; mount -o loop /mnt/image /mnt/on; echo >/mnt/on/there',
    `perl -e 'open my $f, "<", "/mnt/on/there"; my $how = pack "L", 2; ioctl $f, 0x8004587d, $how or die $!'`, // EXT4_IOC_SHUTDOWN
    'mount --bind /mnt/on /mnt',
  ];
  const [write, makeDir, remove] = await onMount(broken.join('; '));
  refused(write, 'disk.broken', /^the disk under \/mnt\/file does not work: \/mnt\/file could not be written$/, /dmesg/);
  for (const one of [makeDir, remove]) assert.equal((one as Said).code, 'disk.broken');
});
