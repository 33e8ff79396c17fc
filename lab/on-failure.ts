/** A test that fails tells what the daemons of its machines wrote meanwhile, and what mail still waits: afterwards nobody can ask them. */
import { afterEach, beforeEach, type TestContext } from 'node:test';
import type { Machine } from './machine.ts';

interface Watched {
  readonly machine: Machine;
  /** Left out of what is told. */
  readonly secret: string;
}

const LINES = 150;
const WIDTH = 400;
const LIMIT_MS = 20_000;
const WRITTEN = `journalctl --no-pager --output=short-precise --since="@$1" | cut -c 1-${WIDTH} | tail -n ${LINES}; postqueue -p | tail -n 20`;

const watched = new Set<Watched>();
/** Seconds since 1970. */
const begun = new WeakMap<object, number>();

const written = async ({ machine, secret }: Watched, since: number): Promise<string> => {
  if (!machine.isOn()) return `--- ${machine.name} is off\n`;
  const told = await machine.run(['sh', '-c', WRITTEN, 'sh', String(since)], { ms: LIMIT_MS }).catch((error: unknown) => ({ stdout: String(error) }));
  return `--- ${machine.name}\n${told.stdout.replaceAll(secret, '***')}`;
};

/** Until the end of what is answered. */
export const tellOnFailure = (machine: Machine, secret: string): Disposable => {
  const entry = { machine, secret };
  watched.add(entry);
  return { [Symbol.dispose]: () => void watched.delete(entry) };
};

// In a program that holds no tests, hooks would make node:test believe that it does, and report on its standard output.
if (/\.(?:test|child)\.ts$/.test(process.argv[1] ?? '')) {
  beforeEach((context) => void begun.set(context, Date.now() / 1000));
  afterEach(async (context) => {
    // Node's types do not know it yet (nodejs.org/api/test.html, context.passed).
    if ((context as TestContext & { readonly passed: boolean }).passed) return;
    const since = begun.get(context) ?? 0;
    for (const each of watched) console.log(await written(each, since));
  });
}
