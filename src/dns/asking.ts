/**
 * Questions to name servers, by dig(1), which comes back with TCP where an answer does not fit (RFC 7766). A process takes many questions for one
 * server from its standard input, some processes run at a time, and nobody waits long for a server that is not there.
 */
import { isIP } from 'node:net';
import { type AbsPath, failure, HauspostError } from '#base';
import { parseDig, type Reply } from '#formats';
import type { Machine } from '#machine';
import type { Wiring } from '#model';
import { turns } from './turns.ts';

export interface Question {
  readonly name: string;
  readonly type: string;
  /** The IP address of a name server, which is asked for what it knows itself. Without one the machine's resolver is asked, which looks it up. */
  readonly server?: string;
  /** Of `server`; 53 if left out. */
  readonly port?: number;
  /** Signs the question (TSIG, RFC 8945), for `server`: it may show others another zone. */
  readonly keyFile?: AbsPath;
  /** Of the resolver: also what it could not validate (RFC 4035 section 3.2.2). */
  readonly checkingDisabled?: boolean;
  /** Of the resolver: with its signatures, records of the type RRSIG beside the others (RFC 4035 section 3.2.1). */
  readonly signatures?: true;
  /** Once more, though it was put before. */
  readonly again?: true;
}

export interface Asker {
  /** In the order of the questions; undefined where no answer came. Each is asked once, however often it is put. */
  readonly ask: (questions: readonly Question[]) => Promise<readonly (Reply | undefined)[]>;
  readonly one: (question: Question) => Promise<Reply | undefined>;
}

const AT_ONCE = 8;
/** A resolver may look for an answer in vain, and whatever stands behind that question waits. */
const PER_PROCESS = { server: 25, resolver: 5 } as const;

/** Seconds for one try, and tries. A resolver asks others meanwhile, some of which may be dead. */
const PATIENCE = { server: ['+time=2', '+tries=2'], resolver: ['+time=5', '+tries=2'] } as const;
const PROCESS_MS = 120_000;

/** What every name server takes and what comes back in a form that does not depend on root's ~/.digrc. */
const FIXED = [
  ...['-r', '+noall', '+comments', '+question', '+answer', '+authority', '+additional', '+nosearch', '+noidnin', '+noidnout', '+nocookie'],
  '+bufsize=1232',
];

/** RFC 1035 section 2.3.4; `/`: RFC 2317. dig gives up all questions for one that is no name. */
const ASKABLE = /^(?=.{1,253}$)(?:[a-z0-9_/-]{1,63}\.)*[a-z0-9_/-]{1,63}$/;

const isAskable = ({ name, server }: Question): boolean => (name === '.' || ASKABLE.test(name)) && (server === undefined || isIP(server) > 0);

const line = ({ name, type }: Question): string => `-t ${type} -q ${name === '.' ? name : `${name}.`}\n`;

/** Whom, and how. */
const manner = ({ server, port = 53, keyFile, checkingDisabled, signatures }: Question, resolver: Wiring['resolver']): readonly string[] =>
  server === undefined
    ? [
        `@${resolver.address}`,
        '-p',
        String(resolver.port),
        ...PATIENCE.resolver,
        ...(checkingDisabled === true ? ['+cdflag'] : []),
        ...(signatures === true ? ['+dnssec'] : []),
      ]
    : [`@${server}`, '-p', String(port), ...PATIENCE.server, '+norecurse', ...(keyFile === undefined ? [] : ['-k', keyFile])];

/** dig(1), RETURN CODES: 9 is that no answer came. */
const TOLD = new Set([0, 9]);

const dig = async (machine: Pick<Machine, 'run'>, words: readonly string[], questions: readonly Question[]): Promise<readonly Reply[]> => {
  const argv = ['dig', ...FIXED, ...words, '-f', '-'];
  try {
    const { code, stdout, stderr } = await machine.run(argv, { input: questions.map(line).join(''), ms: PROCESS_MS });
    if (TOLD.has(code)) return parseDig(stdout);
    throw failure({ code: 'dns.dig', message: `${argv.join(' ')}: status ${code}: ${stderr.trim()}`, remedy: 'See the lines above.' });
  } catch (error) {
    if (error instanceof HauspostError && error.code === 'exec.timeout') return [];
    throw error;
  }
};

const keyOf = ({ name, type }: Pick<Question, 'name' | 'type'>): string => `${type} ${name}`;

type Replies = ReadonlyMap<string, Reply>;

const byQuestion = (replies: readonly Reply[]): Replies => new Map(replies.map((reply) => [keyOf(reply.question), reply]));

/** A server that knows nothing of EDNS says FORMERR to it (RFC 6891 section 7). */
const withoutEdns = async (machine: Pick<Machine, 'run'>, words: readonly string[], questions: readonly Question[]): Promise<Replies> => {
  const replies = byQuestion(await dig(machine, words, questions));
  const again = questions.filter((question) => replies.get(keyOf(question))?.status === 'FORMERR');
  return again.length === 0 ? replies : new Map([...replies, ...byQuestion(await dig(machine, [...words, '+noedns'], again))]);
};

interface Chunk {
  readonly words: readonly string[];
  readonly questions: readonly Question[];
}

/** For one process each. */
const chunksOf = (questions: readonly Question[], resolver: Wiring['resolver']): readonly Chunk[] =>
  [...Map.groupBy(questions, (question) => manner(question, resolver).join(' ')).values()].flatMap((some) => {
    const [first] = some;
    if (first === undefined) return [];
    const [words, size] = [manner(first, resolver), PER_PROCESS[first.server === undefined ? 'resolver' : 'server']];
    return Array.from({ length: Math.ceil(some.length / size) }, (_, index) => ({
      words,
      questions: some.slice(index * size, (index + 1) * size),
    }));
  });

export const asker = (machine: Pick<Machine, 'run'>, resolver: Wiring['resolver']): Asker => {
  const inTurn = turns(AT_ONCE);
  const put = new Map<string, Promise<Reply | undefined>>();
  const placed = (question: Question): string =>
    [...manner(question, resolver), ...(question.again === true ? ['again'] : []), keyOf(question)].join(' ');
  const begin = (questions: readonly Question[]): void => {
    const fresh = new Map(questions.filter((question) => !put.has(placed(question))).map((question) => [placed(question), question]));
    for (const chunk of chunksOf([...fresh.values()], resolver)) {
      const replies = inTurn(() => withoutEdns(machine, chunk.words, chunk.questions));
      for (const question of chunk.questions)
        put.set(
          placed(question),
          replies.then((all) => all.get(keyOf(question))),
        );
    }
  };
  const ask: Asker['ask'] = (questions) => {
    begin(questions.filter(isAskable));
    return Promise.all(questions.map((question) => put.get(placed(question))));
  };
  return { ask, one: async (question) => (await ask([question]))[0] };
};
