/**
 * Commands inside the namespaces of a process: as if typed there by root at a fresh login. Nothing of the host's environment
 * goes along. A command whose waiting parent here dies is killed with it.
 */
import { type Agent, startAgent } from './agent.ts';
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

const into = (pid: number): Argv => ['nsenter', '--target', String(pid), '--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd', '--'];

const as = (user: string | undefined): Argv => (user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--init-groups', '--']);

/** What to start on the host so that `argv` runs there. */
export const entering = (pid: number, argv: Argv, options: InsideOptions): Argv => [
  ...into(pid),
  // nsenter forks to get into the pid namespace: its child needs the tie, too.
  ...DIES_WITH_PARENT,
  ...['env', '-i', '-C', options.cwd ?? '/'],
  ...Object.entries({ ...CLEAN, ...options.env }).map(([name, value]) => `${name}=${value}`),
  ...as(options.user),
  ...argv,
];

/**
 * Ways into the namespaces of the process `pid` (as the host counts). What is waited for is run by an agent there, unless `prefix` stands before each
 * command, on the host: what that does holds for the command alone. `leave` ends the agent.
 */
export const inside = (pid: () => number, prefix: Argv = []): Inside & { leave(): Promise<void> } => {
  let agent: { readonly of: number; readonly it: Agent } | undefined;
  const agentOf = (of: number): Agent => {
    if (agent?.of !== of) agent = { of, it: startAgent(into(of)) };
    return agent.it;
  };
  return {
    run: async (argv, options = {}) => {
      if (prefix.length > 0) return finish(start([...prefix, ...entering(pid(), argv, options)]), argv, options);
      const errand = { argv: [...as(options.user), ...argv], directory: options.cwd ?? '/', environment: { ...CLEAN, ...options.env } };
      return agentOf(pid()).run(errand, options);
    },
    spawn: (argv, options = {}) => start([...prefix, ...entering(pid(), argv, options)]),
    leave: async () => {
      await agent?.it.end();
      agent = undefined;
    },
  };
};
