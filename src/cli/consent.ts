/**
 * What is asked of a person: consents at a terminal (without one, and without `--yes`, the answer is a refusal with exit 3), and
 * passwords, which are never shown and never changed on the way: what is no UTF-8 is refused, not mended.
 */
import { Writable } from 'node:stream';
import { createInterface, type Interface } from 'node:readline';
import { operatorError, readable } from '#base';
import type { Consent } from '#operations';

/**
 * Lines typed at the terminal, one to each of `asks`; fewer when it was left with Ctrl-D or Ctrl-C, or went away. A question is put
 * only when the terminal has been switched over: what is typed before is echoed, and a Ctrl-D becomes NUL when the switch comes (n_tty).
 */
const typed = (
  asks: readonly ((terminal: Interface) => void)[],
  options: { readonly output: NodeJS.WritableStream; readonly terminal?: boolean },
): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const terminal = createInterface({ input: process.stdin, ...options });
    const answers: string[] = [];
    const next = (): void => {
      const ask = asks[answers.length];
      if (ask === undefined) terminal.close();
      else ask(terminal);
    };
    terminal.on('line', (answer) => {
      if (answers.length < asks.length) answers.push(answer);
      next();
    });
    terminal.once('close', () => resolve(answers));
    next();
  });

/** What is agreed to by a yes, also where nobody can be asked: who answers by `--yes` has seen it. */
const show = ({ text }: Consent): void => {
  if (text !== '') process.stderr.write(readable(`${text}\n`));
};

const nobodyToAsk = (consents: readonly Consent[]): Error => {
  const asked = consents.map(({ text, question }) => ({ text, question }));
  return operatorError({
    code: 'consent.no-terminal',
    message: `there is a question and no terminal to ask at: ${asked[0]?.question ?? ''}`,
    remedy: 'Run it again with --yes to agree, or at a terminal.',
    detail: { asked },
  });
};

export const askFor = async (consents: readonly Consent[]): Promise<ReadonlySet<string>> => {
  if (consents.length === 0) return new Set();
  if (!process.stdin.isTTY) {
    consents.forEach(show);
    throw nobodyToAsk(consents);
  }
  for (const consent of consents) {
    show(consent);
    const ask = (terminal: Interface): void => {
      terminal.setPrompt(readable(`${consent.question} [y/N] `));
      terminal.prompt();
    };
    const [answer] = await typed([ask], { output: process.stderr });
    if (answer === undefined) {
      process.stderr.write('\n');
      throw left('question');
    }
    if (!/^y(es)?$/i.test(answer.trim()))
      throw operatorError({ code: 'consent.refused', message: 'not agreed; nothing was changed', remedy: 'Answer y to go on.' });
  }
  return new Set(consents.map((consent) => consent.id));
};

const left = (what: string): Error =>
  operatorError({
    code: 'consent.left',
    message: `the ${what} was left without an answer; nothing was changed`,
    remedy: 'Run it again when you like.',
  });

const none = (where: string): Error =>
  operatorError({ code: 'secret.none', message: `${where} held no password`, remedy: 'Write the password as one line.' });

/** More than any password or hash needs. */
const MOST_OCTETS = 65_536;

/** Up to the first line feed, or all of it. */
const firstLine = async (): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const octets = Buffer.from(chunk);
    const end = octets.indexOf('\n');
    chunks.push(end < 0 ? octets : octets.subarray(0, end + 1));
    size += octets.length;
    if (end >= 0 || size > MOST_OCTETS) break;
  }
  return Buffer.concat(chunks);
};

const fromStandardInput = async (): Promise<string> => {
  const octets = await firstLine();
  if (octets.length === 0) throw none('standard input');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets).replace(/\r?\n$/, '');
  } catch {
    throw operatorError({ code: 'secret.encoding', message: 'the line on standard input is not UTF-8', remedy: 'Write it as UTF-8.' });
  }
};

const UNSEEN = new Writable({ write: (_chunk, _encoding, done) => done() });

const fromTerminal = async (): Promise<string> => {
  if (!process.stdin.isTTY)
    throw operatorError({ code: 'secret.no-terminal', message: 'there is no terminal to type a password at', remedy: 'Use --password-stdin.' });
  const asks = ['Password: ', '\nThe same again: '].map((prompt) => () => void process.stderr.write(prompt));
  const [answer, again] = await typed(asks, { output: UNSEEN, terminal: true });
  process.stderr.write('\n');
  if (answer === undefined || again === undefined) throw left('password');
  if (answer === again) return answer;
  throw operatorError({ code: 'secret.differ', message: 'the two passwords differ; nothing was changed', remedy: 'Run it again.' });
};

/** One line, its terminator stripped; typed at the terminal it is not shown. */
export const secret = (from: 'stdin' | 'terminal'): Promise<string> => (from === 'stdin' ? fromStandardInput() : fromTerminal());
