/**
 * `npm run lab`: the private internet for people, with a mail server of ours on Debian 12 (`-- trixie`: 13, `-- both`, `-- none`).
 * Commands are read from the terminal or from standard input; `-- --run NAME WORDS` carries out one and ends with its status.
 * However it ends, nothing of it stays.
 */
import { createInterface } from 'node:readline';
import { labAvailable } from '../host.ts';
import type { Release } from '../kinds.ts';
import { type Console, HELP, obey, runOn, table } from './console.ts';
import { type Lab, openLab } from './stations.ts';

const KINDS: Readonly<Record<string, readonly Release[]>> = {
  bookworm: ['bookworm'],
  trixie: ['trixie'],
  both: ['bookworm', 'trixie'],
  none: [],
};

const USAGE = `usage: npm run lab [-- [${Object.keys(KINDS).join('|')}] [--run NAME WORDS...]]\n`;

interface Asked {
  readonly releases: readonly Release[];
  readonly run?: { readonly name: string; readonly command: string };
}

/** Undefined: not understood. */
const askedBy = (words: readonly string[]): Asked | undefined => {
  const at = words.indexOf('--run');
  const [kind = 'bookworm', ...more] = at < 0 ? words : words.slice(0, at);
  const releases = KINDS[kind];
  if (releases === undefined || more.length > 0) return undefined;
  if (at < 0) return { releases };
  const [name, ...command] = words.slice(at + 1);
  return name === undefined || command.length === 0 ? undefined : { releases, run: { name, command: command.join(' ') } };
};

/** Progress, apart from what commands say. */
const progress = (): ((step: string) => void) => {
  const begun = performance.now();
  return (step) => process.stderr.write(`lab: ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${step}\n`);
};

const terminal = process.stdin.isTTY && process.stdout.isTTY;

/** One line; undefined for Ctrl-C and Ctrl-D. Between two of them the terminal belongs to whatever runs. */
const typed = (history: readonly string[]): Promise<{ readonly line: string; readonly history: readonly string[] } | undefined> =>
  new Promise((resolve) => {
    const input = createInterface({ input: process.stdin, output: process.stdout, history: [...history] });
    let kept = history;
    input.on('history', (lines) => {
      kept = [...lines];
    });
    input.on('SIGINT', () => input.close());
    input.on('close', () => resolve(undefined));
    input.question('lab> ', (line) => {
      resolve({ line, history: kept });
      input.close();
    });
  });

async function* typedLines(): AsyncGenerator<string> {
  let history: readonly string[] = [];
  for (;;) {
    const one = await typed(history);
    if (one === undefined) {
      process.stdout.write('\n');
      return;
    }
    history = one.history;
    yield one.line;
  }
}

const converse = async (lab: Lab): Promise<void> => {
  const console: Console = { terminal, say: (text) => void process.stdout.write(text) };
  console.say(table(lab.stations));
  if (terminal) console.say(`\n${HELP}\n`);
  for await (const line of terminal ? typedLines() : createInterface({ input: process.stdin })) {
    try {
      if (!(await obey(lab, line, console))) return;
    } catch (error) {
      process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
};

const main = async (): Promise<number> => {
  const asked = askedBy(process.argv.slice(2));
  if (asked === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const obstacle = await labAvailable();
  if (obstacle !== undefined) {
    process.stderr.write(`lab: ${obstacle}\n`);
    return 1;
  }
  const tell = progress();
  await using lab = await openLab(asked.releases, tell);
  tell('all is up');
  if (asked.run !== undefined) return await runOn(lab, asked.run.name, asked.run.command, terminal);
  await converse(lab);
  tell('ending');
  return 0;
};

process.exitCode = await main();
// Somebody may hold the other end open.
process.stdin.destroy();
