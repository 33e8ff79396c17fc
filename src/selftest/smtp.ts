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
    ...(localAddress === undefined ? {} : { localAddress }),
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

const settle = (work: (done: (error?: Error | null) => void) => void): Promise<Error | undefined> =>
  new Promise((resolve) => work((error) => resolve(error ?? undefined)));

/**
 * Connects, logs in when `login` is given, sends `message` (CRLF lines). Rejects only when there was no dialogue.
 * `place`: the address to come from, where it matters.
 */
export const submit = async (
  target: Target,
  port: Port,
  login: Login | undefined,
  envelope: Envelope,
  message: string,
  place: Place = port === 25 ? target.stranger : {},
): Promise<Outcome> => {
  const smtp = connection(target, port, place.localAddress);
  try {
    await new Promise<void>((resolve, reject) => {
      smtp.once('error', reject);
      smtp.connect(() => resolve());
    });
    if (login !== undefined) {
      const error = await settle((done) => smtp.login({ user: login.address, pass: login.password }, done));
      if (error !== undefined) return refused(error);
    }
    const error = await settle((done) => smtp.send({ from: envelope.from, to: [envelope.to] }, message, done));
    return error === undefined ? { accepted: true } : refused(error);
  } finally {
    smtp.close();
  }
};
