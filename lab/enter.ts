/**
 * Commands inside the namespaces of a process: as if typed there by root at a fresh login. Nothing of the host's environment
 * goes along. A command whose waiting parent here dies is killed with it.
 */
import { type Argv, type Child, DIES_WITH_PARENT, finish, type Output, type RunOptions, start } from './process.ts';

const CLEAN = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8', TERM: 'dumb' };

export interface InsideOptions extends RunOptions {
  /** A user of the room or machine, by name; default root. */
  readonly user?: string;
  /** Working directory; default `/`. */
  readonly cwd?: string;
}

/** The namespaces of a room or machine. */
export interface Inside {
  run(argv: Argv, options?: InsideOptions): Promise<Output>;
  /** Starts and does not wait. Kill the child, or let it end with the room. */
  spawn(argv: Argv, options?: Omit<InsideOptions, 'input' | 'ms' | 'encoding'>): Child;
}

/** What to start on the host so that `argv` runs there. */
export const entering = (pid: number, argv: Argv, options: InsideOptions): Argv => [
  ...['nsenter', '--target', String(pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd', '--'],
  // nsenter forks to get into the pid namespace: its child needs the tie, too.
  ...DIES_WITH_PARENT,
  ...['env', '-i', '-C', options.cwd ?? '/'],
  ...Object.entries({ ...CLEAN, ...options.env }).map(([name, value]) => `${name}=${value}`),
  ...(options.user === undefined ? [] : ['setpriv', `--reuid=${options.user}`, `--regid=${options.user}`, '--init-groups', '--']),
  ...argv,
];

/** Ways into the namespaces of the process `pid` (as the host counts); `prefix` stands before each command, on the host. */
export const inside = (pid: () => number, prefix: Argv = []): Inside => ({
  run: (argv, options = {}) => finish(start([...prefix, ...entering(pid(), argv, options)]), argv, options),
  spawn: (argv, options = {}) => start([...prefix, ...entering(pid(), argv, options)]),
});
