/**
 * M8: GTUBE, the text that every filter refuses, is refused. Rspamd knows three more that ask for a milder action, and a sender could use
 * them to have his mail marked as he likes; they mean nothing here (`gtube_patterns`, Rspamd's options.inc).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { fetched, type Reply, type Server } from '../index.ts';

const REST = 'JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X';
export const GTUBE = `X${REST}`;
/** Rspamd's for "add header", "rewrite subject" and "no action". */
const MILDER = ['Y', 'Z', 'A'];
const SUBJECT = 'Minutes of Thursday';

const send = async (server: Server, id: string, text: string): Promise<Reply> => {
  const smtp = await server.stranger();
  try {
    for (const line of ['MAIL FROM:<friend@outside.test>', 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250, line);
    const head = ['From: <friend@outside.test>', 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), `Subject: ${SUBJECT}`];
    const mime = ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii'];
    return await smtp.data([...head, ...mime, '', `Hello, this is what we said (${id}):`, text, 'Greetings', ''].join('\r\n'));
  } finally {
    smtp.close();
  }
};

export const testPatterns = (get: () => Server): void => {
  test('M8: GTUBE is refused at the end of DATA, also within a line', async () => {
    for (const [n, text] of [GTUBE, `so: ${GTUBE} and on`].entries()) {
      const { code, lines } = await send(get(), `<gtube-${n}@outside.test>`, text);
      assert.equal(code, 554, lines.join(' '));
    }
  });

  for (const letter of MILDER) {
    test(`M8: the test pattern that begins with ${letter} means nothing: it arrives in INBOX, unmarked`, async () => {
      const id = `<pattern-${letter}@outside.test>`;
      const { code, lines } = await send(get(), id, `${letter}${REST}`);
      assert.equal(code, 250, lines.join(' '));
      const imap = await get().imap(get().demo);
      const got = await fetched(imap, 'INBOX', id);
      await imap.logout();
      assert.doesNotMatch(got, /^X-Spam:/im);
      assert.match(got, new RegExp(`^Subject: ${SUBJECT}\r$`, 'm'));
    });
  }
};
