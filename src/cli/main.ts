/** The program. The first SIGINT or SIGTERM asks for an orderly end, the second one is left to the system. */
import manifest from '../../package.json' with { type: 'json' };
import { run } from './run.ts';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort(name));

process.exitCode = await run(process.argv.slice(2), manifest.version, interrupted.signal);
