/**
 * What the processes of a machine have in memory, by control group, from the kernel's own tables (proc_pid_smaps(5), smaps_rollup). Read from outside: nothing
 * in the machine is asked, and nothing is started in it. A page that several processes have counts for each in part (PSS), those of other machines included.
 */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { isGone } from './listening.ts';
import type { Machine } from './machine.ts';
import { until } from './process.ts';

interface Named {
  /** As the machine counts. */
  readonly pid: string;
  /** Its control group as the machine names it: `/system.slice/rspamd.service`. */
  readonly group: string;
  readonly program: string;
}

export interface Process extends Named {
  /** PSS in kB. */
  readonly kb: number;
  /** Of these, its own: heap and stack, but no pages of files, which other machines of the lab share, and which lie in memory here. */
  readonly own: number;
}

const text = (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: unknown) => {
    if (isGone(error)) return '';
    throw error;
  });

const namedAt = async (proc: string, pid: string): Promise<readonly Named[]> => {
  const group = /\/payload(\/\S*)$/.exec((await text(`${proc}/${pid}/cgroup`)).trimEnd())?.[1];
  return group === undefined ? [] : [{ pid, group, program: (await text(`${proc}/${pid}/comm`)).trimEnd() }];
};

/** Nothing where it has ended. */
const withMemory = async (proc: string, named: Named): Promise<readonly Process[]> => {
  const rollup = await text(`${proc}/${named.pid}/smaps_rollup`);
  const kb = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]);
  return rollup === '' ? [] : [{ ...named, kb: kb('Pss'), own: kb('Pss_Anon') }];
};

/** Of a machine with systemd. One after the other, here and below, so that a test that measures time is not held up. */
const named = async ({ root }: Pick<Machine, 'root'>, below = '/'): Promise<readonly Named[]> => {
  const proc = `${root}/proc`;
  const found: Named[] = [];
  for (const pid of await readdir(proc)) if (/^\d+$/.test(pid)) found.push(...(await namedAt(proc, pid)));
  return found.filter(({ group }) => group.startsWith(below));
};

/** All in control groups below that one. */
export const processes = async (machine: Pick<Machine, 'root'>, below = '/'): Promise<readonly Process[]> => {
  const found: Process[] = [];
  for (const one of await named(machine, below)) found.push(...(await withMemory(`${machine.root}/proc`, one)));
  return found;
};

/** The last part of a control group's path, without `.service`. */
export const unitOf = (group: string): string => group.slice(group.lastIndexOf('/') + 1).replace(/\.service$/, '');

/** Of the services of a machine at one moment: what somebody runs by hand does not count. */
export interface Resident {
  readonly processes: readonly Process[];
  /** MB of PSS. */
  readonly all: number;
  /** MB; of these, their own. */
  readonly own: number;
}

const summed = (all: readonly Process[], what: 'kb' | 'own'): number => all.reduce((sum, each) => sum + each[what] / 1024, 0);

const SERVICES = '/system.slice/';

export const resident = async (machine: Pick<Machine, 'root'>): Promise<Resident> => {
  const found = await processes(machine, SERVICES);
  return { processes: found, all: summed(found, 'kb'), own: summed(found, 'own') };
};

/** `247 MB in 42 processes (rspamd 99, mariadb 89, ...)`. */
export const shown = ({ processes: its, all }: Resident): string => {
  const units = [...Map.groupBy(its, ({ group }) => unitOf(group))].map(([unit, some]) => [unit, summed(some, 'kb')] as const);
  const sorted = units.filter(([, mb]) => mb >= 1).toSorted(([, a], [, b]) => b - a);
  return `${all.toFixed(0)} MB in ${its.length} processes (${sorted.map(([unit, mb]) => `${unit} ${mb.toFixed(mb < 10 ? 1 : 0)}`).join(', ')})`;
};

/** MB of its own that each time has, of those processes alone that are in all of them. */
export const ownOfLasting = (...times: readonly Resident[]): readonly number[] => {
  const pids = times.map(({ processes: its }) => new Set(its.map(({ pid }) => pid)));
  return times.map(({ processes: its }) =>
    summed(
      its.filter(({ pid }) => pids.every((all) => all.has(pid))),
      'own',
    ),
  );
};

/** A look at hundreds of processes takes half a second of a processor. */
const LOOK_MS = 10_000;

/** Looks again and again; the function that it answers with ends that, and answers with the most that was seen. */
export const watchResident = (machine: Pick<Machine, 'root'>): (() => Promise<Resident>) => {
  const over = new AbortController();
  const looking = (async () => {
    let most = await resident(machine);
    while (!over.signal.aborted) {
      await pause(LOOK_MS, undefined, { signal: over.signal }).catch(() => undefined);
      const now = await resident(machine);
      if (now.all > most.all) most = now;
    }
    return most;
  })();
  return () => {
    over.abort();
    return looking;
  };
};

const programOf = ({ group, program }: Named): string => `${unitOf(group)}/${program}`;

/** How often each program runs in its unit. */
const countsOf = (all: readonly Named[]): ReadonlyMap<string, number> =>
  new Map([...Map.groupBy(all, programOf)].map(([name, some]) => [name, some.length]));

/** They stay for five minutes without work (Dovecot's AUTH_WORKER_MAX_IDLE_SECS). */
const WORKERS = 'dovecot/auth';

/** MB of its own, of all but those workers. */
export const ownBesideWorkers = ({ processes: its }: Resident): number =>
  summed(
    its.filter((each) => programOf(each) !== WORKERS),
    'own',
  );

/**
 * Once no program but those workers runs more often than it did then, or once. Dovecot's processes wait for 60 s without work, Postfix' for 100 (max_idle),
 * and some of these for others: smtpd has trivial-rewrite at its service, and that proxymap.
 */
export const atRest = async (machine: Pick<Machine, 'root'>, before: Resident, ms = 600_000): Promise<Resident> => {
  const usual = countsOf(before.processes);
  let more: readonly string[] = [];
  const areAsBefore = (all: readonly Named[]): boolean => {
    more = [...countsOf(all)].flatMap(([name, count]) => (name !== WORKERS && count > Math.max(usual.get(name) ?? 0, 1) ? [`${name} ${count}`] : []));
    return more.length === 0;
  };
  return until(
    () => `processes are as they were; more often: ${more.join(', ')}`,
    async () => {
      // Their memory takes the kernel far longer than their names, and is asked for once.
      if (!areAsBefore(await named(machine, SERVICES))) return undefined;
      const now = await resident(machine);
      return areAsBefore(now.processes) ? now : undefined;
    },
    ms,
    5000,
  );
};
