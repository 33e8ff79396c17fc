/** Delivers one message by LMTP (RFC 2033) over Dovecot's socket, past the filters: to see what the global Sieve script does. */
import SMTPConnection from 'nodemailer/lib/smtp-connection/index.js';
import { connect } from 'node:net';
import type { Target } from './target.ts';

export const deliver = (target: Target, to: string, message: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const lmtp = new SMTPConnection({ connection: connect(target.lmtpSocket), lmtp: true, name: 'selftest.localdomain', ignoreTLS: true });
    const finish = (error?: Error | null): void => {
      lmtp.close();
      if (error) reject(error);
      else resolve();
    };
    lmtp.once('error', finish);
    lmtp.connect(() => lmtp.send({ from: `selftest@${target.domain}`, to: [to] }, message, finish));
  });
