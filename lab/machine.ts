/**
 * A test machine: Debian booted by systemd-nspawn over an overlay in memory, in its own network namespace, cut off from every network
 * unless joined to one. Killing it is a power cut; starting it again continues from what was written. Everything of it dies with the
 * process that made it.
 */
import { readFileSync } from 'node:fs';
import { type Inside, inside } from './enter.ts';
import { needLab } from './host.ts';
import { journalSoFar, wholeJournal } from './journal.ts';
import type { Init } from './kinds.ts';
import type { Memory } from './memory.ts';
import { type Holder, holdMachine, type MachineHolder } from './namespace.ts';
import { OWNER, script, undoAtEnd } from './owner.ts';
import { type Argv, type Child, collect, doNotWaitFor, ended, must, type Output, run, start, succeeded, until } from './process.ts';
import type { Changes } from './room.ts';
import { type Sockets, socketsOf } from './sockets.ts';
import { type Layer, layerOf } from './store.ts';
import { type Uplink, uplinkOf } from './uplink.ts';

export interface Image {
  readonly init: Init;
  readonly layer: Layer;
}

export interface BootOptions {
  readonly image: Image;
  /** The host name; the image's own is `debian`. */
  readonly name?: string;
  /** For images without init: the container's main process. Without it, process 1 only sleeps. */
  readonly main?: Argv;
  /** Directories on disk for what the machine writes; in memory if left out. */
  readonly changes?: Changes;
  /** Or its own disk of so many MB, which a power cut leaves with what was synced alone. */
  readonly disk?: number;
  /** Limited, with a disk of its own (systemd only); all of the host's if left out. */
  readonly memory?: Memory;
}

export interface Machine extends Inside, Sockets, Uplink, AsyncDisposable {
  readonly name: string;
  /** The machine's file system as the host sees it. Follow no absolute symbolic link through it: it would lead into the host. */
  readonly root: string;
  /** Holds the network namespace; valid also while the machine is off. */
  readonly holder: Holder;
  /** Copies the checkout (tracked files and new ones, nothing that git ignores), or what a tag of it holds, to /opt/hauspost. */
  checkout(tag?: string): Promise<void>;
  /** The journal; without systemd, what the main process said. */
  journal(): Promise<string>;
  /** Of a machine with systemd, for those who wait for a line: what was read since it was switched on is not read again, even if it was dropped meanwhile. */
  journalSoFar(): Promise<string>;
  /**
   * Shuts down in order (systemd: poweroff; else SIGTERM to the main process) and answers with its end. What was begun in it (`spawn`) must have
   * ended, or end by `beforeStop`: systemd-shutdown(8) stops all processes first, and nsenter(1) then waits to be continued.
   */
  stop(): Promise<Output>;
  /** Once, before the next `stop`. */
  beforeStop(end: () => Promise<void>): void;
  /** The end of the main process, whoever ends it. */
  ended(): Promise<Output>;
  /**
   * A power cut: all processes at once, and of a disk of its own what was not synced. With such a disk it is not one moment: for some hundredths of a second
   * processes run on whose disk is gone, and an fsync(2) that was under way then may end as if it had worked. So what the machine says from the call on
   * (`isOn` says no) promises nothing.
   */
  kill(): Promise<void>;
  isOn(): boolean;
  /** Switches it on again after `stop` or `kill`. */
  start(): Promise<void>;
}

/** One run of a machine between power on and power off. */
interface Session {
  readonly child: Child;
  /** Process 1 of the machine, and of the pid namespace around it, as the host counts. */
  readonly leader: number;
  readonly outer: number;
  readonly output: Promise<Output>;
  said(): string;
  losesPower?: true;
}

const SIGRTMIN_POWEROFF = 38; // SIGRTMIN+4 (systemd(1), "Signals"), as the C library counts
const STOP_MS = 90_000;
const BOOT_MS = 180_000;
const CHECKOUT = new URL('..', import.meta.url).pathname;

let booted = 0;

/** Process 1 of the machine as the host counts: in its control group, with number 1 in the innermost of its pid namespaces. */
const leaderIn = (group: string): number | undefined => {
  for (const path of [`${group}/payload/init.scope/cgroup.procs`, `${group}/payload/cgroup.procs`]) {
    try {
      const pids = readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '');
      const leader = pids.find((pid) => /^NSpid:(?:\s+\d+)+\s+1$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')));
      if (leader !== undefined) return Number(leader);
    } catch (error) {
      // Not made yet, or the process ended between the two reads.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH' || error.code === 'ENODEV'))) throw error;
    }
  }
  return undefined;
};

const firstChild = (pid: number): number | undefined => {
  const first = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0] ?? '';
  return first === '' ? undefined : Number(first);
};

/** Ends the outer pid namespace; its parent then waits until the kernel has ended every process in it. */
const cutPower = ({ child, outer }: Session): void => {
  if (child.exitCode === null && outer !== 0) process.kill(outer, 'SIGKILL');
};

const nspawnArguments = ({ image, main, memory }: BootOptions, name: string): Argv => {
  if (memory !== undefined) return [`--machine=${name}`];
  if (image.init === 'systemd') return [`--machine=${name}`, '--boot'];
  return main === undefined ? [`--machine=${name}`, '--as-pid2', '--', 'sleep', 'infinity'] : [`--machine=${name}`, '--', ...main];
};

const powerOn = async (options: BootOptions, holder: MachineHolder, name: string, group: string): Promise<Session> => {
  const limited = options.memory !== undefined;
  const child = start([
    ...(options.memory?.joining ?? []),
    ...['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--', 'unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'],
    ...['sh', script(limited ? 'boot-limited.sh' : 'boot.sh'), holder.mnt, group, ...nspawnArguments(options, name)],
  ]);
  doNotWaitFor(child);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const output = ended(child).then((code) => ({ code, stdout: stdout.text(), stderr: stderr.text() }));
  const said = (): string => stdout.text() + stderr.text();
  const outer = await until('systemd-nspawn', () => (child.exitCode !== null ? 0 : firstChild(child.pid ?? 0)), BOOT_MS, 5);
  const leader = await until(
    'process 1 of the machine',
    () => (child.exitCode !== null ? 0 : leaderIn(`/proc/${child.pid}/root/sys/fs/cgroup/${limited ? 'unified/' : ''}${group}`)),
    BOOT_MS,
    5,
  );
  return { child, leader, outer, output, said };
};

/** Once process 1 is systemd, and before it has started anything that asks. */
const tellMemory = async (machine: Inside, leader: number, memory: Memory): Promise<void> => {
  await until('systemd is process 1', () => readFileSync(`/proc/${leader}/comm`, 'utf8') === 'systemd\n' || undefined, BOOT_MS, 5);
  const bind = ['sh', '-c', 'cat >/run/meminfo && mount --bind /run/meminfo /proc/meminfo'];
  succeeded(bind, await machine.run(bind, { input: memory.meminfo() }));
};

const bootedUp = async ({ image, memory }: BootOptions, machine: Inside, leader: number, name: string): Promise<void> => {
  if (memory !== undefined) await tellMemory(machine, leader, memory);
  if (image.init !== 'systemd') return;
  const state = await until(
    `${name} has booted`,
    async () => {
      const { stdout } = await machine.run(['systemctl', 'is-system-running', '--wait'], { ms: BOOT_MS });
      return ['running', 'degraded'].find((word) => stdout.trim() === word);
    },
    BOOT_MS,
    50,
  );
  if (state === 'running') return;
  const { stdout } = await machine.run(['systemctl', 'list-units', '--failed', '--plain', '--no-legend', '--no-pager']);
  process.stderr.write(`lab: ${name} booted with failed units:\n${stdout}`);
};

/** Control groups stay when their processes are gone; an empty one can be removed by anyone who sees it. */
const removeGroup = (holder: Holder, group: string): Promise<Output> =>
  run(['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--', 'unshare', '--mount', '--', 'sh', script('rmgroup.sh'), group]);

/** A tar archive. */
const presentCheckout = async (): Promise<Output> => {
  const { stdout } = await must(['git', '-C', CHECKOUT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  const pack = ['tar', '-C', CHECKOUT, '--null', '--no-recursion', '--ignore-failed-read', '--owner=0', '--group=0', '-T', '-', '-cf', '-'];
  return must(pack, { input: stdout, encoding: 'latin1' });
};

const copyCheckout = async (machine: Inside, tag?: string): Promise<void> => {
  const archive = await (tag === undefined ? presentCheckout() : must(['git', '-C', CHECKOUT, 'archive', tag], { encoding: 'latin1' }));
  const unpack = ['tar', '-C', '/opt/hauspost', '-xf', '-'];
  succeeded(unpack, await machine.run(['mkdir', '-p', '/opt/hauspost']));
  succeeded(unpack, await machine.run(unpack, { input: Buffer.from(archive.stdout, 'latin1') }));
  // The power may go at any time from now on.
  const sync = ['sync', '--file-system', '/opt/hauspost'];
  succeeded(sync, await machine.run(sync));
};

const nameIt = async (holder: MachineHolder, name: string): Promise<void> => {
  await must(['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--', 'sh', script('name.sh'), `${holder.mnt}/root`, name]);
};

const changesOf = ({ disk, memory, changes }: BootOptions): Parameters<typeof holdMachine>[1] =>
  disk === undefined ? (memory?.changes ?? changes) : { megabytes: disk };

/** What is to be done once, before something else; `last` each time. */
const endingsOf = (last: () => Promise<void>): { readonly add: Machine['beforeStop']; readonly run: () => Promise<void> } => {
  const waiting = new Set<() => Promise<void>>();
  return {
    add: (end) => void waiting.add(end),
    run: async () => {
      for (const end of waiting) await end();
      waiting.clear();
      await last();
    },
  };
};

const switchedOn = async (machine: Machine): Promise<Machine> => {
  try {
    await machine.start();
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
};

/** Makes a machine of an image and switches it on; it is up when this resolves. */
export const boot = async (options: BootOptions): Promise<Machine> => {
  await needLab();
  const name = options.name ?? 'debian';
  const group = options.memory?.group ?? `hauspost-lab.${++booted}.${OWNER}`;
  const holder = await holdMachine(options.image.layer.lower, changesOf(options));
  await nameIt(holder, name);
  let session: Session | undefined;
  const current = (): Session => {
    if (session === undefined) throw new Error(`${name} is off`);
    return session;
  };
  const { leave, ...into } = inside(() => current().leader, options.memory?.joining);

  const switchOn = async (): Promise<void> => {
    if (session !== undefined) throw new Error(`${name} is on`);
    undoAtEnd('cgroup', group);
    session = await powerOn(options, holder, name, group);
    await bootedUp(options, into, session.leader, name);
  };
  const gone = async (was: Session): Promise<Output> => {
    was.child.ref();
    const output = await was.output;
    if (session === was) {
      session = undefined;
      await removeGroup(holder, group);
    }
    return output;
  };
  const end = (was = current()): Promise<Output> => {
    cutPower(was);
    return gone(was);
  };
  const kill = async (): Promise<void> => {
    current().losesPower = true;
    await holder.disk?.cut();
    await end();
    await holder.disk?.mountAgain();
  };
  const endings = endingsOf(leave);
  const stop = async (): Promise<Output> => {
    await endings.run();
    const was = current();
    if (options.image.init === 'none' && options.main === undefined) cutPower(was);
    else if (was.leader !== 0) process.kill(was.leader, options.image.init === 'systemd' ? SIGRTMIN_POWEROFF : 'SIGTERM');
    const timer = setTimeout(() => cutPower(was), STOP_MS);
    return gone(was).finally(() => clearTimeout(timer));
  };
  const machine: Machine = {
    ...into,
    ...socketsOf(holder.netns),
    ...uplinkOf(holder, into),
    name,
    get root() {
      return `/proc/${current().leader}/root`;
    },
    holder,
    checkout: (tag) => copyCheckout(into, tag),
    journal: async () => (options.image.init === 'systemd' ? wholeJournal(into) : current().said()),
    journalSoFar: journalSoFar(into, () => current().leader),
    stop,
    beforeStop: endings.add,
    kill,
    isOn: () => session !== undefined && session.losesPower === undefined,
    ended: () => gone(current()),
    start: switchOn,
    [Symbol.asyncDispose]: async () => {
      if (session !== undefined) await end();
      await holder.close();
    },
  };
  return switchedOn(machine);
};

/**
 * A further image, made by `build` on a machine booted from `image`, which is then shut down in order and saved.
 * `recipe` is all that decides the outcome besides the image (the sources that take part, say), as text.
 */
export const derive = async (image: Image, name: string, recipe: string, build: (machine: Machine) => Promise<void>): Promise<Image> => {
  const layer = await layerOf({ parent: image.layer, name, recipe }, async (changes) => {
    await using machine = await boot({ image, changes });
    await build(machine);
    await machine.stop();
  });
  return { init: image.init, layer };
};
