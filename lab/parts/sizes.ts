/** M18: how large a message may be: said to everybody, refused beyond it, and used in full. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { fetched, type Server } from '../index.ts';
import { base64Line, prose } from '../words.ts';

export const MB = 1024 * 1024;

let sent = 0;
const FRIEND = 'friend@outside.test';

/** What SIZE says (RFC 1870), to whoever connects to `port`. */
export const announced = async (server: Server, port: 25 | 587 | 465): Promise<number> => {
  const smtp = port === 25 ? await server.stranger() : await server.client(port);
  const { lines } = await smtp.command('EHLO mail.outside.test');
  smtp.close();
  return Number(/^SIZE (\d+)$/.exec(lines.find((line) => line.startsWith('SIZE ')) ?? '')?.[1]);
};

/** A message from a stranger: the first answer that is no agreement, or that to the end of the data. */
const delivery = async (server: Server, source: string): Promise<string> => {
  const smtp = await server.stranger();
  try {
    for (const line of [`MAIL FROM:<${FRIEND}>`, 'RCPT TO:<demo@hauspost.test>']) assert.equal((await smtp.command(line)).code, 250, line);
    const { code, lines } = await smtp.data(source);
    return `${code} ${lines.join(' ')}`;
  } finally {
    smtp.close();
  }
};

const headOf = (id: string, ...more: readonly string[]): string =>
  [`From: <${FRIEND}>`, 'To: <demo@hauspost.test>', `Message-ID: ${id}`, dated(), 'Subject: large', ...more].join('\r\n');

/** The answer to a message of `octets`, none of it special. */
export const tries = (server: Server, octets: number): Promise<string> => {
  const line = `${'x'.repeat(70)}\r\n`;
  return delivery(server, `${headOf(`<size-${++sent}@outside.test>`)}\r\n\r\n${line.repeat(Math.ceil(octets / line.length))}`);
};

/** The answer to MAIL FROM with SIZE. */
const said = async (server: Server, octets: number): Promise<number> => {
  const smtp = await server.stranger();
  const { code } = await smtp.command(`MAIL FROM:<${FRIEND}> SIZE=${octets}`);
  smtp.close();
  return code;
};

export const sizesAreLimited = (get: () => Server): void => {
  test('M18: 50 MB, said to everybody; beyond it 552, at MAIL or at the end', async () => {
    for (const port of [25, 587, 465] as const) assert.equal(await announced(get(), port), 50 * MB);
    assert.equal(await said(get(), 50 * MB), 250);
    for (const octets of [50 * MB + 1, 2 ** 40]) assert.equal(await said(get(), octets), 552);
    assert.match(await tries(get(), 20 * MB), /^250 /);
    assert.match(await tries(get(), 51 * MB), /^552 /);
  });
};

const until49 = (lineOf: (line: number) => string): string => {
  const lines: string[] = [];
  for (let octets = 0; octets < 49 * MB; ) {
    const line = `${lineOf(lines.length)}\r\n`;
    lines.push(line);
    octets += line.length;
  }
  return lines.join('');
};

const LARGE: Readonly<Record<string, { readonly type: readonly string[]; readonly body: () => string }>> = {
  'one text': { type: ['Content-Type: text/plain; charset=us-ascii'], body: () => until49(prose) },
  'one HTML text': {
    type: ['Content-Type: text/html; charset=us-ascii'],
    body: () => `<html><body>\r\n${until49((line) => `<p class="c${line % 9}">${prose(line)}</p>`)}</body></html>\r\n`,
  },
  'one attachment': {
    type: ['Content-Type: application/octet-stream; name="large.bin"', 'Content-Transfer-Encoding: base64'],
    body: () => until49(base64Line),
  },
};

export const largestArrive = (get: () => Server, kinds: readonly string[] = Object.keys(LARGE)): void => {
  for (const kind of kinds) {
    test(`M18: a message of 49 MB, ${kind}, is accepted and is in INBOX as it was`, async () => {
      const { type = [], body } = LARGE[kind] ?? { body: () => '' };
      const id = `<size-${++sent}@outside.test>`;
      const text = body();
      const begun = performance.now();
      const answer = await delivery(get(), `${headOf(id, 'MIME-Version: 1.0', ...type)}\r\n\r\n${text}`);
      console.log(`    49 MB, ${kind}: answered after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      assert.match(answer, /^250 /);
      const imap = await get().imap(get().demo);
      const got = await fetched(imap, 'INBOX', id, 60_000);
      await imap.logout();
      assert.ok(got.slice(got.indexOf('\r\n\r\n') + 4) === text, `${got.length} octets`);
    });
  }
};
