/**
 * A stranger who hands over numbered messages on several connections, as a sender with a queue does: what is put off comes again after a
 * pause, and what was answered with 250 is told, so that it can be looked for.
 */
import { type Server, STRANGER } from './mail.ts';
import { Smtp } from './smtp.ts';

/** What a client does not send a further message on; then it comes anew, as the many senders of a busy hour would. */
const A_CONNECTION = 10;
/** A number is given up after so long. */
export const PATIENCE_MS = 240_000;
/** Before a number comes again, as senders do it: longer each time, and not for all alike, so that those that were put off together do not come back together. */
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;
/** For the answer to the end of the data. */
const ANSWER_MS = 120_000;

export interface Tally {
  /** Numbers that were answered with 250. */
  readonly answered: Set<number>;
  /** Numbers whose end of data got no answer: the server may have them or not. */
  readonly unanswered: Set<number>;
  /** How often which words put an attempt off. */
  readonly later: Map<string, number>;
  readonly refused: string[];
}

export const emptyTally = (): Tally => ({ answered: new Set(), unanswered: new Set(), later: new Map(), refused: [] });

/** The source of each number. */
export type TextOf = (number: number) => string;

class Refused extends Error {}

/** One client; `undefined` while it has no connection. */
class Sender {
  #smtp: Smtp | undefined;
  #sent = 0;
  readonly #server: Server;
  readonly #tally: Tally;

  constructor(server: Server, tally: Tally) {
    this.#server = server;
    this.#tally = tally;
  }

  async #connected(): Promise<Smtp> {
    if (this.#sent >= A_CONNECTION) this.close();
    if (this.#smtp !== undefined) return this.#smtp;
    const socket = await this.#server.machine.dial({ host: '127.0.0.1', port: 25, localAddress: STRANGER });
    const { smtp, greeting } = await Smtp.open(socket);
    this.#smtp = smtp;
    this.#sent = 0;
    this.#agreed('greeting', greeting, 220);
    this.#agreed('EHLO', await smtp.command('EHLO mail.outside.test'), 250);
    return smtp;
  }

  #agreed(what: string, { code, lines }: { readonly code: number; readonly lines: readonly string[] }, wanted: number): void {
    if (code === wanted) return;
    const words = `${what}: ${code} ${lines.join(' ')}`;
    if (code >= 500) this.#tally.refused.push(words);
    throw new Refused(words);
  }

  /** Whether the message was answered with 250; `text` is asked once the server wants it. A connection on which something went wrong is over. */
  async send(number: number, text: () => string): Promise<boolean> {
    let asked = false;
    try {
      const smtp = await this.#connected();
      this.#agreed('MAIL', await smtp.command('MAIL FROM:<friend@outside.test>'), 250);
      this.#agreed('RCPT', await smtp.command('RCPT TO:<demo@hauspost.test>'), 250);
      asked = true;
      this.#agreed('end of data', await smtp.data(text(), ANSWER_MS), 250);
      this.#sent += 1;
      this.#tally.answered.add(number);
      return true;
    } catch (error) {
      const answered = error instanceof Refused;
      if (asked && !answered) this.#tally.unanswered.add(number);
      const words = answered ? error.message : 'no answer';
      this.#tally.later.set(words, (this.#tally.later.get(words) ?? 0) + 1);
      this.close();
      return false;
    }
  }

  close(): void {
    this.#smtp?.close();
    this.#smtp = undefined;
  }
}

const pause = (number: number, attempts: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.min(PAUSE_MS * 2 ** (attempts - 1), LONGEST_PAUSE_MS) * (1 + (number % 5) / 4)));

/** One client takes numbers until there are no more. */
export const handOver = async (server: Server, tally: Tally, textOf: TextOf, next: () => number | undefined): Promise<void> => {
  const sender = new Sender(server, tally);
  for (let number = next(); number !== undefined; number = next()) {
    const one = number;
    let made: string | undefined;
    // Once, and not for each attempt: some take as long to make as to scan.
    const text = (): string => {
      made ??= textOf(one);
      return made;
    };
    const limit = performance.now() + PATIENCE_MS;
    for (let attempts = 1; !(await sender.send(one, text)) && performance.now() < limit; attempts += 1) {
      // The test is over.
      if (!server.machine.isOn()) return;
      await pause(one, attempts);
    }
  }
  sender.close();
};

export const putOff = ({ later }: Tally): number => [...later.values()].reduce((sum, times) => sum + times, 0);
