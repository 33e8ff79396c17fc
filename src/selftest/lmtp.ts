/** Delivers one message by LMTP (RFC 2033) over Dovecot's socket, past the filters: to see what the global Sieve script does. */
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { connect } from 'node:net';
import { answersOf } from './smtp.ts';
import type { Target } from './target.ts';

export const deliver = async (target: Target, to: string, message: string): Promise<void> => {
  const lmtp = new SMTPConnection({ connection: connect(target.lmtpSocket), lmtp: true, name: 'selftest.localdomain', ignoreTLS: true });
  const answer = answersOf(lmtp);
  try {
    const error =
      (await answer((done) => lmtp.connect(done))) ??
      (await answer((done) => lmtp.send({ from: `selftest@${target.domain}`, to: [to] }, message, done)));
    if (error !== undefined) throw error;
  } finally {
    lmtp.close();
  }
};
