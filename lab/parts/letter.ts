/** What somebody writes on a foreign host, as it is handed to Exim there: its lines end with a line feed. */
import { dated } from '../dated.ts';

/** `subject` begins the Message-ID, too; no other message has it. */
export const letter = (from: string, to: string, subject: string, words: string): string => {
  const domain = from.slice(from.indexOf('@') + 1);
  const header = [`From: <${from}>`, `To: <${to}>`, `Subject: ${subject}`, `Message-ID: <${subject}@${domain}>`, dated()];
  return [...header, 'MIME-Version: 1.0', 'Content-Type: text/plain', '', words, ''].join('\n');
};
