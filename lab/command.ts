/**
 * The command line as a person or a script meets it: one JSON document, answers at a terminal, many wrong inputs in one go, and a look at
 * all that a refused command must leave alone.
 */
import assert from 'node:assert/strict';
import type { Inside } from './enter.ts';
import { HAUSPOST } from './mail.ts';
import { collect, ended, type Output, succeeded, until } from './process.ts';

/** Every key of every object is snake_case. */
const checkKeys = (value: unknown): void => {
  if (Array.isArray(value)) value.forEach(checkKeys);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, below] of Object.entries(value)) {
      assert.match(key, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
      checkKeys(below);
    }
  }
};

/** The one document on standard output. Its shape is the caller's to check. */
export const oneDocument = ({ stdout }: Pick<Output, 'stdout'>): unknown => {
  assert.match(stdout, /^[^\n]+\n$/, 'exactly one line on standard output');
  const document: unknown = JSON.parse(stdout);
  checkKeys(document);
  return document;
};

const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

/** Runs a command at a terminal, and types `answer` (`\u0004` is Ctrl-D) once it shows `prompt`. All it shows is in `stdout`. */
export const atTerminal = async (machine: Inside, words: readonly string[], prompt: string, answer: string): Promise<Output> => {
  const child = machine.spawn(['script', '--quiet', '--return', '--command', [HAUSPOST, ...words].map(quoted).join(' '), '/dev/null']);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const shown = (): string => stdout.text() + stderr.text();
  await until(
    () => `${words.join(' ')} asks; it shows ${shown()}`,
    () => child.exitCode !== null || stdout.text().includes(prompt) || undefined,
    60_000,
    50,
  );
  child.stdin.write(answer);
  const code = await until(
    () => `${words.join(' ')} ends; it shows ${shown()}`,
    () => (child.exitCode === null && child.signalCode === null ? undefined : ended(child)),
    180_000,
    50,
  );
  child.stdin.end();
  return { code, stdout: stdout.text(), stderr: stderr.text() };
};

export interface Wrong {
  readonly words: readonly string[];
  /** What the message must name. */
  readonly names: string;
}

/** What would be agreed to stands before the refusal. */
const refusalOf = (stderr: string): string => stderr.slice(Math.max(0, stderr.indexOf('hauspost: there is a question and no terminal')));

/** Exit 3, nothing on standard output, one line that names the value, and one that says what to do. */
export const refusedInput = ({ code, stdout, stderr }: Output, { words, names }: Wrong): void => {
  const what = JSON.stringify(words);
  assert.equal(code, 3, `${what}: ${stderr}`);
  assert.equal(stdout, '', what);
  const refusal = refusalOf(stderr);
  assert.match(refusal, /^hauspost: [^\n]+\n {2}[^\n]+\n$/, what);
  assert.ok(refusal.split('\n')[0]?.includes(names), `${what} names ${names}: ${stderr}`);
};

/** All of the database, as SQL. Numbers that InnoDB gives out and takes back with a row that it refuses are no content. */
const directoryDump = async (machine: Inside): Promise<string> => {
  const argv = ['mariadb-dump', '--skip-comments', '--skip-dump-date', '--order-by-primary', 'vmail'];
  return succeeded(argv, await machine.run(argv)).stdout.replace(/ AUTO_INCREMENT=\d+/g, '');
};

/**
 * A digest of the configuration, of our state and of what lies under the mail: names, owners, modes, times, contents. Without the times of Rspamd's maps,
 * which dkim-keys touches where Rspamd has begun processes.
 */
export const filesDigest = async (machine: Inside): Promise<string> => {
  const archive = 'tar --sort=name --ignore-failed-read -C / -cf -';
  const script = `${archive} etc var/lib/hauspost | sha256sum; ${archive} --mtime=@0 var/lib/rspamd/dkim | sha256sum; find /var/vmail -maxdepth 3 | sort`;
  return succeeded(['sh', script], await machine.run(['sh', '-c', script])).stdout;
};

/** What a refusal leaves as it was. */
export type Seen = readonly [database: string, files: string];

const look = async (machine: Inside): Promise<Seen> => [await directoryDump(machine), await filesDigest(machine)];

/** A refusal leaves everything as it was. Answers with what was seen afterwards; where nothing was done since then, that can be the next one's `before`. */
export const unchanged = async (machine: Inside, work: () => Promise<void>, before?: Seen): Promise<Seen> => {
  const earlier = before ?? (await look(machine));
  await work();
  const later = await look(machine);
  assert.deepEqual(later, earlier, 'nothing changed');
  return later;
};
