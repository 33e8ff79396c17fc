/** The program. The first SIGINT or SIGTERM asks for an orderly end; the second one is left to the system. */
import { fileURLToPath } from 'node:url';
import { path } from '#base';
import { thisMachine } from '#machine';
import { z } from 'zod';
import { failed, run } from './run.ts';

/** Two levels above this folder. */
const INSTALLATION = fileURLToPath(new URL('../..', import.meta.url));

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(name));

const words = process.argv.slice(2);
// What escapes from a callback is a defect as much as what is thrown.
process.on('uncaughtException', (thrown) => process.exit(failed(thrown, words)));
// Nobody reads any more (`| head`); a change that is under way goes on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

const manifest = (await thisMachine().read(path(`${INSTALLATION}/package.json`)))?.toString() ?? '{}';
const { version } = z.object({ version: z.string() }).parse(JSON.parse(manifest));
process.exitCode = await run(words, { version, program: path(`${INSTALLATION}/hauspost`), signal: interrupted.signal });
