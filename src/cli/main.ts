/** The program. A signal asks for an orderly end, also when the terminal goes away; one that comes a second later ends it at once. */
import { fileURLToPath } from 'node:url';
import { path } from '#base';
import { thisMachine } from '#machine';
import { z } from 'zod';
import { failed, run } from './run.ts';

/** Two levels above this folder. */
const INSTALLATION = fileURLToPath(new URL('../..', import.meta.url));

const interrupted = new AbortController();
/** A terminal and sudo(8) may each pass on the same Ctrl-C. */
const SAME_MS = 1000;
const STATUS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const machine = thisMachine();
let first = 0;
const end = (name: keyof typeof STATUS): void => {
  const now = machine.now().getTime();
  if (first !== 0 && now - first > SAME_MS) process.exit(STATUS[name]);
  if (first !== 0) return;
  first = now;
  // Who pressed the keys waits for an answer; a package that is being installed takes a while.
  if (name === 'SIGINT') process.stderr.write('\nhauspost: it ends in order after what it is doing now; once more ends it at once\n');
  interrupted.abort(name);
};
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, end);

const words = process.argv.slice(2);
// What escapes from a callback is a defect as much as what is thrown.
process.on('uncaughtException', (thrown) => process.exit(failed(thrown, words)));
// Nobody reads any more (`| head`, a closed terminal); a change that is under way goes on, or back.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

const manifest = (await machine.read(path(`${INSTALLATION}/package.json`)))?.toString() ?? '{}';
const { version } = z.object({ version: z.string() }).parse(JSON.parse(manifest));
process.exitCode = await run(words, { version, program: path(`${INSTALLATION}/hauspost`), signal: interrupted.signal });
