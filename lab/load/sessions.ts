/**
 * Ten senders with twenty connections each, all open at the same time, half of them by IPv6 and half of them under TLS. Each brings one message after the
 * other and stays. RFC 5321 (section 4.5.3.2) lets a sender wait for two to ten minutes; here the `Dialogue` gives up after two.
 */
import { called, FAMILIES, letter, said } from '../internet/index.ts';
import type { Login } from '../mail.ts';
import { Smtp } from '../smtp.ts';
import { sentence } from '../words.ts';
import { type LoadPlace, pause, type Sender, SMALL_OCTETS } from './place.ts';
import type { Waits } from './waits.ts';

export interface Session {
  readonly name: string;
  /** One of all: 0 and up. */
  readonly number: number;
  /** The answer must have that code. */
  say(what: string, text: string, wanted: number): Promise<void>;
  close(): void;
}

/** Messages by Message-ID, with the account that each was for. */
export type Taken = Map<string, string>;

/** Greeted, and greeted back; its first answer comes after postscreen's six seconds. */
export const session = async ({ street, server }: LoadPlace, { name, addresses }: Sender, number: number, answers: Waits): Promise<Session> => {
  const family = FAMILIES[number % 2] ?? 'v4';
  const socket = await called(street, server, addresses[family]);
  const { smtp, greeting } = await answers.of('greeting', Smtp.open(socket));
  if (greeting.code !== 220) throw new Error(`greeting: ${said(greeting)}`);
  const say: Session['say'] = async (what, text, wanted) => {
    smtp.send(text);
    const reply = await answers.of(what, smtp.reply());
    if (reply.code !== wanted) throw new Error(`${what} of ${name}: ${said(reply)}`);
  };
  const hello = `EHLO mail.${name}.example\r\n`;
  await say('EHLO', hello, 250);
  if (number % 4 >= 2) {
    await answers.of('STARTTLS', smtp.startTls(server.trust));
    await say('EHLO', hello, 250);
  }
  return { name, number, say, close: () => smtp.close() };
};

/** Some 2 kB; no line begins with a dot. */
const textOf = (id: string, from: string, to: string, seed: number): string =>
  `${letter(id, from, to)}${Array.from({ length: 15 }, (_, line) => `${sentence(seed * 100 + line)}\r\n`).join('')}.\r\n`;

/** Hears that there is no room (RFC 1870): the question goes to Dovecot, as for each recipient (M7). */
const asksForRoom = async ({ name, say }: Session, { user }: Login): Promise<void> => {
  await say('MAIL', `MAIL FROM:<friend@${name}.example> SIZE=${2 * SMALL_OCTETS}\r\n`, 250);
  await say('RCPT without room', `RCPT TO:<${user}>\r\n`, 452);
  await say('RSET', 'RSET\r\n', 250);
};

let sent = 0;

const bringOne = async ({ name, say }: Session, { user }: Login, mark: string, taken: Taken): Promise<void> => {
  const [seed, from] = [++sent, `friend@${name}.example`];
  const id = `${mark}-${seed}@${name}.example`;
  await say('MAIL', `MAIL FROM:<${from}>\r\n`, 250);
  await say('RCPT', `RCPT TO:<${user}>\r\n`, 250);
  await say('DATA', 'DATA\r\n', 354);
  await say('end of data', textOf(id, from, user, seed), 250);
  taken.set(`<${id}>`, user);
};

export interface Bringing {
  /** Begins each Message-ID. */
  readonly mark: string;
  /** From one message of a connection to the next. */
  readonly everyMs: number;
  /** Connections in all: each begins when it is its turn. */
  readonly among: number;
  readonly taken: Taken;
  readonly over: AbortSignal;
}

/** Until it is over; the connection stays open. Begins with a message for `small` that is too large. */
export const bring = async (one: Session, { people, small }: LoadPlace, { mark, everyMs, among, taken, over }: Bringing): Promise<void> => {
  let at = performance.now() + (everyMs * one.number) / among;
  for (let turn = one.number; ; turn += 1) {
    await pause(at - performance.now(), over);
    const to = people[turn % people.length];
    if (over.aborted || to === undefined) return;
    if (turn === one.number) await asksForRoom(one, small);
    await bringOne(one, to, mark, taken);
    at = Math.max(at + everyMs, performance.now());
  }
};

export const leave = async (one: Session): Promise<void> => {
  await one.say('QUIT', 'QUIT\r\n', 221);
  one.close();
};
