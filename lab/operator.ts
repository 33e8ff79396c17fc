/** The operator of a served machine: writes its file, calls commands, reads plans, and sees what has come of it. */
import assert from 'node:assert/strict';
import { oneDocument } from './command.ts';
import type { Machine } from './machine.ts';
import { HAUSPOST, type Server } from './mail.ts';
import { collect, ended, hasSaid, type Output } from './process.ts';

export interface Change {
  readonly kind: string;
  readonly target: string;
  readonly action: string;
  readonly needs: readonly string[];
  readonly drift: boolean;
  readonly diff: string;
}

export interface Finding {
  readonly level: string;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** Of a served machine of profile local: the resolver in its /etc/resolv.conf is in no network that it has, and so never answered. */
export const UNANSWERED: Finding = {
  level: 'warning',
  code: 'resolver.not-validated',
  message:
    'names are not validated (DNSSEC), and mail to others goes without DANE: not all resolvers in /etc/resolv.conf (192.0.2.53) have answered so far whether they pass signatures on',
  remedy: "Once they do, 'hauspost plan' shows what changes; validate = false below [resolver] in hauspost.toml says that it shall be so.",
};

export interface Plan {
  readonly changes: readonly Change[];
  readonly generation: number;
  readonly findings: readonly Finding[];
  readonly under_way?: string;
  readonly interrupted?: number;
}

export interface Failure {
  readonly error: { readonly blame: string; readonly code: string; readonly message: string; readonly remedy: string };
}

/** The whole `hauspost.toml` of profile local; `more` begins with keys of `[server]`. */
export const configure = async ({ machine }: Server, more: string): Promise<void> => {
  const script = 'cat >/etc/hauspost/hauspost.toml';
  assert.equal((await machine.run(['sh', '-c', script], { input: `[server]\nprofile = "local"\n${more}` })).code, 0);
};

/** The same server, where each command is a process of its own: the program, its clock or its surroundings change. */
export const inOwnProcesses = (server: Server): Server => ({
  ...server,
  hauspost: (words, input = '') => server.machine.run([HAUSPOST, ...words], { ms: 120_000, input }),
});

/** Exit code and JSON document. */
export const answered = async <T>(server: Server, ...words: readonly string[]): Promise<{ readonly code: number; readonly document: T }> => {
  const output = await server.hauspost([...words, '--json']);
  return { code: output.code, document: oneDocument(output) as T };
};

export const exits = async (server: Server, code: number, ...words: readonly string[]): Promise<Output> => {
  const output = await server.hauspost(words);
  assert.equal(output.code, code, `${words.join(' ')}: ${output.stdout}${output.stderr}`);
  return output;
};

/** Numbers of those that were in place once. */
export const generations = async (server: Server): Promise<readonly number[]> =>
  (await answered<readonly { number: number }[]>(server, 'generations')).document.map(({ number }) => number);

/** The size that the running daemon announces (RFC 1870). */
export const announcedSize = async (server: Server): Promise<string> => {
  const smtp = await server.stranger();
  const { lines } = await smtp.command('EHLO mail.outside.test');
  smtp.close();
  return lines.find((line) => line.startsWith('SIZE ')) ?? '';
};

export interface Launched {
  /** Of the command, in the machine. */
  readonly pid: string;
  readonly ended: Promise<number>;
  /** Once it has said that, at that very moment, or has ended. */
  says(words: string): Promise<void>;
  /** What it has said on standard error so far. */
  said(): string;
  /** What it has printed. */
  result(): string;
}

/** Begins a command, and waits until it says that. It may be held up by SIGSTOP: it is no child of nsenter(1), which would stop with it. */
export const launched = async (machine: Machine, words: readonly string[], saying: string): Promise<Launched> => {
  const child = machine.spawn(['sh', '-c', '"$@" & echo $!; wait $!', 'sh', HAUSPOST, ...words]);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  await hasSaid(child, stderr, saying);
  return {
    pid: stdout.text().split('\n')[0] ?? '',
    ended: ended(child),
    says: (further) => hasSaid(child, stderr, further),
    said: stderr.text,
    result: () => stdout.text().slice(stdout.text().indexOf('\n') + 1),
  };
};
