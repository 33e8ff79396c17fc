/**
 * Signed questions (TSIG, RFC 8945) to a name server that takes changes, and may show others another zone: by dig(1), which reads the key itself. A process
 * takes many questions from its standard input, and some processes run at a time. Who knows signatures knows EDNS, too.
 */
import { type AbsPath, failure, HauspostError } from '#base';
import { parseDig, type Reply } from '#formats';
import type { Machine } from '#machine';
import { isName } from './asking.ts';
import { turns } from './turns.ts';

export interface Signing {
  readonly address: string;
  readonly port: number;
  readonly keyFile: AbsPath;
}

interface Asked {
  readonly name: string;
  readonly type: string;
}

const AT_ONCE = 8;
const PER_PROCESS = 25;
const PROCESS_MS = 120_000;

/** What every name server takes, two tries of two seconds each, and what comes back in a form that does not depend on root's ~/.digrc. */
const FIXED = [
  ...['-r', '+noall', '+comments', '+question', '+answer', '+authority', '+additional', '+nosearch', '+noidnin', '+noidnout', '+nocookie'],
  ...['+bufsize=1232', '+norecurse', '+time=2', '+tries=2'],
];

const line = ({ name, type }: Asked): string => `-t ${type} -q ${name === '.' ? name : `${name}.`}\n`;

/** dig(1), RETURN CODES: 9 is that no answer came. */
const TOLD = new Set([0, 9]);

const dig = async (machine: Pick<Machine, 'run'>, { address, port, keyFile }: Signing, questions: readonly Asked[]): Promise<readonly Reply[]> => {
  const argv = ['dig', ...FIXED, `@${address}`, '-p', String(port), '-k', keyFile, '-f', '-'];
  try {
    const { code, stdout, stderr } = await machine.run(argv, { input: questions.map(line).join(''), ms: PROCESS_MS });
    if (TOLD.has(code)) return parseDig(stdout);
    throw failure({ code: 'dns.dig', message: `${argv.join(' ')}: status ${code}: ${stderr.trim()}`, remedy: 'See the lines above.' });
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'exec.timeout') return [];
    throw error;
  }
};

const keyOf = ({ name, type }: Asked): string => `${type} ${name}`;

/** In the order of the questions; undefined where no answer came. dig gives up all questions for one that is no name. */
export const askSigned = async (
  machine: Pick<Machine, 'run'>,
  signing: Signing,
  questions: readonly Asked[],
): Promise<readonly (Reply | undefined)[]> => {
  const inTurn = turns(AT_ONCE);
  const askable = questions.filter(({ name }) => isName(name));
  const chunks = Array.from({ length: Math.ceil(askable.length / PER_PROCESS) }, (_, index) =>
    askable.slice(index * PER_PROCESS, (index + 1) * PER_PROCESS),
  );
  const replies = await Promise.all(chunks.map((chunk) => inTurn(() => dig(machine, signing, chunk))));
  const found = new Map(replies.flat().map((reply) => [keyOf(reply.question), reply]));
  return questions.map((question) => found.get(keyOf(question)));
};
