/**
 * Questions to name servers. A message asks one question, from a port and with an id that nobody can guess (RFC 5452); by TCP again where the answer does
 * not fit (RFC 7766). Many are on their way at a time, few of them to the same server, so that nobody waits long for one that is not there.
 */
import { isIP } from 'node:net';
import { questionMessage, type Reply, replyMessage } from '#formats';
import type { Machine } from '#machine';
import type { Wiring } from '#model';
import { turns } from './turns.ts';

export interface Question {
  readonly name: string;
  readonly type: string;
  /** The IP address of a name server, which is asked for what it knows itself. Without one the machine's resolver is asked, which looks it up. */
  readonly server?: string;
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

/** What asking takes of the machine. */
export type AskingHands = Pick<Machine, 'exchange' | 'random'>;

/** Questions on their way. Each has a socket. */
const AT_ONCE = { all: 64, server: 8 } as const;

/** A resolver asks others meanwhile, some of which may be dead. */
const PATIENCE = { server: { ms: 2000, tries: 2 }, resolver: { ms: 5000, tries: 2 } } as const;

const PORT = 53;

/** RFC 1035 section 2.3.4; `/`: RFC 2317. */
const ASKABLE = /^(?=.{1,253}$)(?:[a-z0-9_/-]{1,63}\.)*[a-z0-9_/-]{1,63}$/;

export const isName = (name: string): boolean => name === '.' || ASKABLE.test(name);

const isAskable = ({ name, server }: Question): boolean => isName(name) && (server === undefined || isIP(server) > 0);

const put = async (hands: AskingHands, resolver: Wiring['resolver'], question: Question): Promise<Reply | undefined> => {
  const { name, type, server, checkingDisabled = false, signatures = false } = question;
  const whom = server === undefined ? { ...resolver, ...PATIENCE.resolver } : { address: server, port: PORT, ...PATIENCE.server };
  const send = (edns: boolean): Promise<Reply | undefined> => {
    const id = hands.random(2).readUInt16BE();
    const message = questionMessage({ id, name, type, recursive: server === undefined, checkingDisabled, signatures, edns });
    return hands.exchange(message, whom, (reply) => replyMessage(reply, { id, name, type }));
  };
  const reply = await send(true);
  // A server that knows nothing of EDNS says so to it (RFC 6891 section 7).
  return reply?.status === 'FORMERR' ? send(false) : reply;
};

const placed = ({ name, type, server, checkingDisabled, signatures, again }: Question): string =>
  JSON.stringify([name, type, server, checkingDisabled, signatures, again]);

export const asker = (hands: AskingHands, resolver: Wiring['resolver']): Asker => {
  const inTurn = turns(AT_ONCE.all);
  const turnsAt = new Map<string | undefined, ReturnType<typeof turns>>();
  const asked = new Map<string, Promise<Reply | undefined>>();
  const begin = (question: Question): Promise<Reply | undefined> => {
    const atServer = turnsAt.get(question.server) ?? turns(AT_ONCE.server);
    turnsAt.set(question.server, atServer);
    // In this order: who waits for one server takes no place from the others.
    return atServer(() => inTurn(() => put(hands, resolver, question)));
  };
  const one: Asker['one'] = (question) => {
    if (!isAskable(question)) return Promise.resolve(undefined);
    const key = placed(question);
    const reply = asked.get(key) ?? begin(question);
    asked.set(key, reply);
    return reply;
  };
  return { one, ask: (questions) => Promise.all(questions.map(one)) };
};
