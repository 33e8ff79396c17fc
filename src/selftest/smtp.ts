/** One SMTP dialogue by nodemailer's connection (RFC 5321): what was accepted, and the words and code of what was not. */
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import type { Login, Place, Target } from './target.ts';

export interface Envelope {
  readonly from: string;
  readonly to: string;
}

export type Outcome =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly code: number; readonly stage: string; readonly words: string };

type Port = 25 | 587 | 465;

const connection = (target: Target, port: Port, localAddress: string | undefined): SMTPConnection =>
  new SMTPConnection({
    host: target.host,
    port,
    secure: port === 465,
    requireTLS: port === 587,
    name: port === 25 ? target.stranger.helo : 'selftest.localdomain',
    localAddress: localAddress ?? target.host,
    tls: { servername: target.servername, ...target.trust },
    connectionTimeout: 10_000,
    greetingTimeout: 20_000,
    socketTimeout: 60_000,
  });

const refused = (error: Error): Outcome => {
  const { responseCode, command, response } = error as Error & { responseCode?: number; command?: string; response?: string };
  if (responseCode === undefined) throw error; // not an answer of the server
  return { accepted: false, code: responseCode, stage: command ?? '', words: response ?? error.message };
};

/**
 * What is answered to each thing asked over this connection: undefined where it was taken, else why not; also where the connection ends
 * before the answer, of which nodemailer itself tells nobody who waits for a login.
 */
export const answersOf = (smtp: SMTPConnection): ((ask: (done: (error?: Error | null) => void) => void) => Promise<Error | undefined>) => {
  const lost = new Promise<Error>((resolve) => {
    smtp.on('error', resolve);
    smtp.once('end', () => resolve(new Error('the connection ended before the answer')));
  });
  const answer = (ask: (done: (error?: Error | null) => void) => void): Promise<Error | undefined> =>
    new Promise((resolve) => ask((error) => resolve(error ?? undefined)));
  return (ask) => Promise.race([answer(ask), lost]);
};

/** Rejects only when there was no dialogue. */
export const converse = async (smtp: SMTPConnection, login: Login | undefined, envelope: Envelope, message: string): Promise<Outcome> => {
  const answer = answersOf(smtp);
  try {
    const unreached = await answer((done) => smtp.connect(done));
    if (unreached !== undefined) throw unreached;
    const stranger = login === undefined ? undefined : await answer((done) => smtp.login({ user: login.address, pass: login.password }, done));
    if (stranger !== undefined) return refused(stranger);
    const error = await answer((done) => smtp.send({ from: envelope.from, to: [envelope.to] }, message, done));
    return error === undefined ? { accepted: true } : refused(error);
  } finally {
    smtp.close();
  }
};

/**
 * Connects, logs in when `login` is given, sends `message` (CRLF lines). Rejects only when there was no dialogue.
 * `place`: the address to come from, where it matters.
 */
export const submit = (
  target: Target,
  port: Port,
  login: Login | undefined,
  envelope: Envelope,
  message: string,
  place: Place = port === 25 ? target.stranger : {},
): Promise<Outcome> => converse(connection(target, port, place.localAddress), login, envelope, message);
