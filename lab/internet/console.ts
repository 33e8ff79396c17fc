/** What can be asked of `npm run lab`, a line at a time, and what is shown. */
import { spawn } from 'node:child_process';
import { entering } from '../enter.ts';
import { ended } from '../process.ts';
import { told } from './recorder.ts';
import type { Lab, Station } from './stations.ts';

export const HELP = `hosts            who is there
shell NAME       a login shell on a host; exit comes back
run NAME WORDS   one command there
log NAME         what its daemons wrote
dialogues        what was said by SMTP so far, and under which TLS
help             this
quit             ends all of it; so does Ctrl-C
NAME may be the beginning of a name.
`;

const padded = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

/** For whoever has a second terminal: `nsenter` with the namespaces of a host, as root. */
const fromOutside = ({ pid, name }: Station): string =>
  `nsenter --target ${pid} --mount --uts --ipc --net --pid --root --wd bash --login    # ${name}`;

export const table = (stations: readonly Station[]): string =>
  [
    padded([
      ['NAME', 'IPV4', 'IPV6', 'TLS', 'WHAT'],
      ...stations.map(({ name, addresses, tls, what }) => [name, addresses.v4, addresses.v6, tls, what]),
    ]),
    '\nFrom another terminal, as root:',
    ...stations.map(fromOutside),
    '',
  ].join('\n');

/** The host of that name, or the only one whose name begins so. */
const found = ({ stations }: Lab, name: string): Station => {
  const candidates = name === '' ? [] : stations.filter((station) => station.name.startsWith(name));
  const one = candidates.find((station) => station.name === name) ?? candidates[0];
  if (one === undefined) throw new Error(`no host is called "${name}"; "hosts" lists them`);
  if (one.name !== name && candidates.length > 1) throw new Error(`${name} may be ${candidates.map((station) => station.name).join(', ')}`);
  return one;
};

/**
 * A terminal of the host's own around the command (script(1)): job control and Ctrl-C are between that and whoever types, and come to an
 * end with it.
 */
const withTerminal = (command: string): readonly string[] => ['script', '--quiet', '--return', '--command', command, '/dev/null'];

const inherited = async (station: Station, argv: readonly string[], input: 'inherit' | 'ignore'): Promise<number> => {
  const term = process.env['TERM'];
  const [program = '', ...rest] = entering(station.pid, argv, { cwd: '/root', env: term === undefined ? {} : { TERM: term } });
  return ended(spawn(program, rest, { stdio: [input, 'inherit', 'inherit'] }));
};

export interface Console {
  /** Somebody sits there and types. */
  readonly terminal: boolean;
  say(text: string): void;
}

/** `command` is for a shell there; answers with its exit status. */
export const runOn = (lab: Lab, name: string, command: string, terminal: boolean): Promise<number> => {
  const station = found(lab, name);
  return terminal ? inherited(station, withTerminal(command), 'inherit') : inherited(station, ['sh', '-c', command], 'ignore');
};

const shell = async (lab: Lab, name: string, { terminal, say }: Console): Promise<void> => {
  if (!terminal) throw new Error('a shell needs a terminal; without one, "run NAME WORDS"');
  await runOn(lab, name, 'bash --login', true);
  say(`Back from ${found(lab, name).name}.\n`);
};

/** Carries out one line; answers whether there are to be more. What is wrong with the line is an exception. */
export const obey = async (lab: Lab, line: string, console: Console): Promise<boolean> => {
  const [verb = '', name = ''] = line.trim().split(/\s+/);
  const { say } = console;
  if (verb === '') return true;
  if (verb === 'quit') return false;
  if (verb === 'help') say(HELP);
  else if (verb === 'hosts') say(table(lab.stations));
  else if (verb === 'dialogues') say(`${told(await lab.net.conversations())}\n`);
  else if (verb === 'log') say(await found(lab, name).log());
  else if (verb === 'shell') await shell(lab, name, console);
  else if (verb === 'run') await runOn(lab, name, line.replace(/^\s*run\s+\S+\s*/, ''), console.terminal);
  else throw new Error(`${verb} is none of: hosts, shell, run, log, dialogues, help, quit`);
  return true;
};
