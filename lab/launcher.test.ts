/**
 * The launcher, in a checkout of its own with an npm that only notes how it was called and puts a Node in place that says how it was called. Fetching Debian's
 * npm needs a bare machine and is tried there.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';

const PACKAGE = `node-linux-${process.arch}`;

/** Stands for Node, and says how it was called: the folder and the arguments after the program, each ended by NUL. */
const NODE = `#!/bin/sh
case $1 in --max-semi-space-size=*) shift ;; esac
case $1 in
  -e) exec ${process.execPath} "$@" ;;
  --version) exit ;;
  */src/cli/main.ts) shift ;;
esac
printf '%s\\0' "$PWD" "$@"
[ $# -lt 2 ] || exit 7
`;

/** What npm would have put there. */
const lock = (left: string): string =>
  JSON.stringify(
    {
      packages: {
        '': { name: 'hauspost' },
        'node_modules/left': { version: left },
        'node_modules/linter': { version: '1.0.0', dev: true },
        [`node_modules/${PACKAGE}`]: { version: process.versions.node, optional: true },
      },
    },
    null,
    1,
  );

const NPM = `#!/bin/sh
[ "$1" = --version ] && { echo 11.0.0; exit; }
echo "$*" >>npm.calls
[ ! -e npm.fails ] || exit 1
rm -rf node_modules && mkdir -p node_modules/${PACKAGE}/bin && cp bin/node node_modules/${PACKAGE}/bin/node
case "$*" in *--omit=dev*) sed 's/"dev": true/"dev": false/' package-lock.json ;; *) cat package-lock.json ;; esac >node_modules/.package-lock.json
echo 'added 3 packages'
`;

interface Checkout {
  readonly root: string;
  run(
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  readonly calls: () => readonly string[];
}

const finish = async (child: ChildProcess): Promise<number | null> => ((await once(child, 'close')) as [number | null])[0];

const checkout = (t: TestContext): Checkout => {
  const root = mkdtempSync(join(tmpdir(), 'hauspost-launcher-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'bin'));
  cpSync(join(import.meta.dirname, '../hauspost'), join(root, 'hauspost'));
  writeFileSync(join(root, 'package-lock.json'), lock('1.0.0'));
  for (const [name, program] of [
    ['npm', NPM],
    ['node', NODE],
  ] as const)
    writeFileSync(join(root, 'bin', name), program, { mode: 0o755 });
  return {
    root,
    calls: () => (existsSync(join(root, 'npm.calls')) ? readFileSync(join(root, 'npm.calls'), 'utf8').trim().split('\n') : []),
    run: async (args, env = {}) => {
      const PATH = `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`;
      const child = spawn(join(root, 'hauspost'), args, { cwd: tmpdir(), env: { ...process.env, PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
      const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), finish(child)]);
      return { code, stdout, stderr };
    },
  };
};

/** What the program prints. */
const said = (...args: readonly string[]): string => [tmpdir(), ...args].map((text) => `${text}\0`).join('');

const stampOf = ({ root }: Checkout): string => readFileSync(join(root, 'node_modules/.hauspost-ready'), 'utf8');

test('the first run prepares, the second starts at once; only the program writes to standard output', async (t) => {
  const here = checkout(t);
  const first = await here.run(['up']);
  assert.deepEqual([first.code, first.stdout], [0, said('up')], first.stderr);
  assert.deepEqual(here.calls(), ['ci --omit=dev --ignore-scripts --loglevel=error --no-progress']);
  assert.match(stampOf(here), /^[0-9a-f]{64} production\n$/);
  const second = await here.run(['up']);
  assert.deepEqual([second.code, second.stderr, here.calls().length], [0, '', 1]);
});

test('arguments and the exit status pass through unchanged', async (t) => {
  const here = checkout(t);
  const args = ['one two', '*', '', '\'"$HOME\\', '--help'];
  const { code, stdout } = await here.run(args);
  assert.deepEqual([code, stdout], [7, said(...args)]);
});

test('it can be called through a link', async (t) => {
  const here = checkout(t);
  symlinkSync(join(here.root, 'hauspost'), join(here.root, 'bin/hp'));
  const child = spawn(join(here.root, 'bin/hp'), ['up'], {
    cwd: tmpdir(),
    env: { ...process.env, PATH: `${here.root}/bin:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.deepEqual([await text(child.stdout), await finish(child)], [said('up'), 0]);
});

test('a lock file that asks for something else prepares again; one that asks for the same does not', async (t) => {
  const here = checkout(t);
  await here.run([]);
  writeFileSync(join(here.root, 'package-lock.json'), `${lock('1.0.0')}\n`);
  await here.run([]);
  assert.equal(here.calls().length, 1);
  writeFileSync(join(here.root, 'package-lock.json'), lock('1.0.1'));
  await here.run([]);
  assert.equal(here.calls().length, 2);
});

test("a developer's packages are kept, and brought when asked for", async (t) => {
  const here = checkout(t);
  const prepared = await here.run([], { HAUSPOST_PREPARE: 'development' });
  assert.deepEqual([prepared.code, prepared.stdout], [0, '']);
  assert.match(stampOf(here), / development\n$/);
  writeFileSync(join(here.root, 'package-lock.json'), lock('1.0.1'));
  await here.run([]);
  assert.deepEqual(
    here.calls().map((call) => call.split(' ')[1]),
    ['--include=dev', '--include=dev'],
  );
});

test('what npm was told to install by hand is accepted without another installation', async (t) => {
  const here = checkout(t);
  await here.run([], { HAUSPOST_PREPARE: 'development' });
  rmSync(join(here.root, 'node_modules/.hauspost-ready'));
  const { code } = await here.run([]);
  assert.deepEqual([code, here.calls().length], [0, 1]);
  assert.match(stampOf(here), / development\n$/);
});

test('an interrupted preparation is repeated', async (t) => {
  const here = checkout(t);
  await here.run([]);
  rmSync(join(here.root, 'node_modules/.package-lock.json'));
  rmSync(join(here.root, 'node_modules/.hauspost-ready'));
  const { code } = await here.run([]);
  assert.deepEqual([code, here.calls().length], [0, 2]);
});

test('of two at once one prepares and both run', async (t) => {
  const here = checkout(t);
  const both = await Promise.all([here.run(['a']), here.run(['b'])]);
  assert.deepEqual(
    both.map(({ code, stdout }) => [code, stdout]),
    [
      [0, said('a')],
      [0, said('b')],
    ],
  );
  assert.equal(here.calls().length, 1);
});

test('where npm fails or the machine is of another kind, it ends with 4 and says what to do', async (t) => {
  const here = checkout(t);
  writeFileSync(join(here.root, 'npm.fails'), '');
  const failed = await here.run([]);
  assert.deepEqual([failed.code, failed.stdout], [4, '']);
  assert.match(failed.stderr, /^hauspost: npm could not install .* run this again$/m);
  writeFileSync(join(here.root, 'bin/uname'), '#!/bin/sh\necho Linux riscv64\n');
  chmodSync(join(here.root, 'bin/uname'), 0o755);
  const other = await here.run([]);
  assert.deepEqual([other.code, other.stdout, other.stderr.split('\n').length], [4, '', 2]);
  assert.match(other.stderr, /^hauspost: Linux riscv64 is not supported; use a 64-bit Debian/);
});

test('for --json the reason is the one document on standard output', async (t) => {
  const here = checkout(t);
  const named = 'echo \'Linux "odd\\machine"\'';
  writeFileSync(join(here.root, 'bin/uname'), `#!/bin/sh\n${named}\n`);
  chmodSync(join(here.root, 'bin/uname'), 0o755);
  const { code, stdout, stderr } = await here.run(['plan', '--json']);
  assert.deepEqual([code, stdout.split('\n').length], [4, 2], stdout);
  const message = 'Linux "odd\\machine" is not supported';
  const remedy = 'use a 64-bit Debian 12 or 13 on x86-64 or ARM';
  assert.deepEqual(JSON.parse(stdout), { error: { blame: 'environment', code: 'launcher.lacks', message, remedy } });
  assert.equal(stderr, `hauspost: ${message}; ${remedy}\n`);
});
