/** Asks for consents at a terminal; without one, and without `--yes`, the answer is a refusal with exit 3. */
import { Writable } from 'node:stream';
import { createInterface } from 'node:readline/promises';
import { operatorError } from '#base';
import type { Consent } from '#operations';

export const askFor = async (consents: readonly Consent[]): Promise<ReadonlySet<string>> => {
  if (consents.length === 0) return new Set();
  if (!process.stdin.isTTY) {
    throw operatorError({
      code: 'consent.no-terminal',
      message: `there is a question and no terminal to ask at: ${consents[0]?.question ?? ''}`,
      remedy: 'Run it with --yes to agree, or at a terminal.',
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (const { text, question } of consents) {
      const answer = await terminal.question(`${text}\n${question} [y/N] `);
      if (!/^y(es)?$/i.test(answer.trim()))
        throw operatorError({ code: 'consent.refused', message: 'not agreed; nothing was changed', remedy: 'Answer y to go on.' });
    }
  } finally {
    terminal.close();
  }
  return new Set(consents.map((consent) => consent.id));
};

/** One line, its terminator stripped; typed at the terminal it is not shown. */
export const secret = async (from: 'stdin' | 'terminal'): Promise<string> => {
  if (from === 'terminal' && !process.stdin.isTTY) {
    throw operatorError({ code: 'secret.no-terminal', message: 'there is no terminal to type a password at', remedy: 'Use --password-stdin.' });
  }
  if (from === 'terminal') process.stderr.write('Password: ');
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: from === 'terminal' });
  try {
    for await (const line of lines) return line;
  } finally {
    lines.close();
    if (from === 'terminal') process.stderr.write('\n');
  }
  throw operatorError({ code: 'secret.none', message: 'standard input held no password', remedy: 'Write the password as one line.' });
};
