/** Whatever ends a test process, nothing of its machines stays on the host: looked for by namespace, owner and name. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { image, labAvailable, until } from '#lab';
import { memoryGroups, memoryObstacle } from './memory.ts';
import { cacheDirectory } from './owner.ts';
import { must } from './process.ts';

interface Held {
  readonly owner: string;
  readonly pids: readonly number[];
}

const NAMESPACES = ['net', 'mnt', 'pid'];

const namespacesOf = (pid: number | string): readonly string[] =>
  NAMESPACES.flatMap((kind) => {
    try {
      return [readlinkSync(`/proc/${pid}/ns/${kind}`)];
    } catch (error) {
      // It ended meanwhile, or is one that even root may not look at, and so none that we started.
      if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES'].includes(String(error.code))) return [];
      throw error;
    }
  });

const ownNamespaces = new Set(namespacesOf('self'));

/** In clock ticks since boot; infinite for one that has ended. Field 22 of proc(5) stat, counted after the command's name, which may hold spaces. */
const startOf = (pid: string): number => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[19]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};

const TICKS = 100;
const now = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * TICKS;

const entries = (directory: string): readonly string[] => readdirSync(join(cacheDirectory(), directory)).map((name) => `${directory}/${name}`);

const identity = (pid: string): string => `${pid} ${startOf(pid)}`;

const allProcesses = (): readonly string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

const livesIn = (pid: string, namespaces: ReadonlySet<string>): boolean => namespacesOf(pid).some((one) => namespaces.has(one));

/**
 * Tells other people's processes from `now` on, when the signal is sent, by that they begin later or lived elsewhere: the kernel gives the number of a
 * namespace that is gone to the next new one, which may also be made by a process that is there already.
 */
const othersFromNow = (namespaces: ReadonlySet<string>): ((pid: string) => boolean) => {
  const end = now();
  const elsewhere = new Set(allProcesses().flatMap((pid) => (livesIn(pid, namespaces) ? [] : [identity(pid)])));
  return (pid) => startOf(pid) > end || elsewhere.has(identity(pid));
};

/** Everything on the host that belongs to the owner, or lives in one of the namespaces and is nobody else's, one line each. */
const leftovers = async (
  { owner, pids }: Held,
  namespaces: ReadonlySet<string>,
  isOthers = (_pid: string): boolean => false,
): Promise<readonly string[]> => {
  const processes = allProcesses()
    .filter((pid) => livesIn(pid, namespaces) && !isOthers(pid))
    .map((pid) => `process ${pid}`);
  const groups = (await must(['unshare', '--mount', 'sh', '-c', 'mount -t cgroup2 cgroup2 /mnt && ls /mnt'])).stdout
    .split('\n')
    .map((name) => `cgroup ${name}`);
  const tables = (await must(['nft', 'list', 'tables'])).stdout.split('\n');
  const underscored = owner.replace('-', '_');
  const limited = memoryGroups().map((path) => `limited ${path}`);
  const named = [...groups, ...limited, ...tables, ...entries('building'), ...entries('layers')].filter(
    (line) => line.includes(owner) || line.includes(underscored),
  );
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(cacheDirectory()));
  const links = (await must(['ip', '-o', 'link'])).stdout.split('\n').filter((line) => pids.some((pid) => line.includes(` hpl${pid.toString(36)}@`)));
  return [...processes, ...named, ...mounts, ...links.map((line) => line.replace(/^\d+: /, 'link '))];
};

/** What must be there while the process lives: the test would prove nothing if it could not see it. */
const visible = (what: string, during: readonly string[]): void => {
  const limited = memoryObstacle() === undefined ? ['limited ', 'building/memory-'] : [];
  const expected =
    what === 'layer' ? ['building/interrupted-'] : ['process ', 'cgroup hauspost-lab.', 'table inet hauspost_lab_', 'link hpl', ...limited];
  for (const start of expected)
    assert.ok(
      during.some((one) => one.startsWith(start)),
      `no ${start} in\n${during.join('\n')}`,
    );
};

const interrupted = async (what: string, signal: NodeJS.Signals): Promise<void> => {
  const argv = [join(import.meta.dirname, 'leftovers.child.ts'), what];
  const child = spawn(process.execPath, argv, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  try {
    const [line]: Buffer[] = await once(child.stdout, 'data');
    const held: Held = JSON.parse(String(line));
    const namespaces = new Set(held.pids.flatMap(namespacesOf).filter((one) => !ownNamespaces.has(one)));
    visible(what, await leftovers(held, namespaces));
    const isOthers = othersFromNow(namespaces);
    // SIGINT as a terminal sends it: to the whole process group.
    process.kill(signal === 'SIGINT' ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
    await exit;
    let left: readonly string[] = [];
    const clean = async (): Promise<true | undefined> => {
      left = await leftovers(held, namespaces, isOthers);
      return left.length === 0 ? true : undefined;
    };
    await until('nothing is left', clean, 30_000, 100).catch((error: unknown) => assert.fail(`${String(error)}:\n${left.join('\n')}`));
  } finally {
    child.kill('SIGKILL');
  }
};

const reason = await labAvailable();
const options = reason === undefined ? {} : { skip: reason };

before(async () => {
  if (reason === undefined) await image({ release: 'bookworm', init: 'systemd' }, 'bare');
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
  test(`a machine, a network and open sockets are gone after ${signal}`, options, () => interrupted('machine', signal));
}

test('an interrupted build leaves neither a layer nor its beginnings', options, () => interrupted('layer', 'SIGKILL'));
