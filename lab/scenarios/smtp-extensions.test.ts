/**
 * M25: which extensions of SMTP are offered to whom, and what becomes of what they are for: SMTPUTF8 (RFC 6531) nowhere, 8BITMIME
 * (RFC 6152) everywhere and kept all the way, DSN (RFC 3461) for logins; and how long a header may be.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ImapFlow } from 'imapflow';
import {
  bothAre,
  CLIENT_NAME,
  fetched,
  fromUnbound,
  type Outside,
  outside,
  type Reply,
  type Server,
  type Smtp,
  signatures,
  until,
} from '../index.ts';
import { onEachRelease } from '../scenario.ts';

const DEMO = 'demo@hauspost.test';
const FRIEND = 'friend@outside.test';
const EHLO = `EHLO ${CLIENT_NAME}`;

type Way = readonly [where: string, open: (server: Server) => Promise<Smtp>, from: string];
const underTls = async (server: Server): Promise<Smtp> => {
  const smtp = await server.stranger();
  await smtp.startTls(server.trust);
  await smtp.command(EHLO);
  return smtp;
};
const STRANGERS: readonly Way[] = [
  ['25', (server) => server.stranger(), FRIEND],
  ['25 under TLS', underTls, FRIEND],
];
const LOGINS: readonly Way[] = [
  ['587', (server) => server.client(587, server.demo), DEMO],
  ['465', (server) => server.client(465, server.demo), DEMO],
];

const commands = async (smtp: Smtp, lines: readonly string[]): Promise<readonly number[]> => {
  const codes: number[] = [];
  for (const line of lines) codes.push((await smtp.command(line)).code);
  return codes;
};

/** 8-bit octets of two encodings, and some that are none; dots, long lines and blanks at the ends. */
const EIGHT_BITS = ['Gr\xc3\xbc\xc3\xdfe', 'Gr\xfc\xdfe', '\x80\xff\xfe\xc0', '.\xc3\xa4', '\xe4'.repeat(900), '\xa0 \t', ''].join('\r\n');

const message = (from: string, id: string, more = '', body = EIGHT_BITS): string =>
  [
    `From: <${from}>`,
    `To: <${DEMO}>`,
    `Message-ID: <${id}>`,
    dated(),
    'Subject: m25',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    `${more}\r\n${body}`,
  ].join('\r\n');

/** Sends it as `mail` and `rcpt` say; the answer to the first that is refused, or to the end of data. */
const send = async (smtp: Smtp, mail: string, rcpt: string, text: string): Promise<Reply> => {
  try {
    for (const line of [`MAIL FROM:${mail}`, `RCPT TO:${rcpt}`]) {
      const reply = await smtp.command(line);
      if (reply.code !== 250) return reply;
    }
    return await smtp.data(text);
  } finally {
    smtp.close();
  }
};

const isTaken = ({ code, lines }: Reply): void => assert.equal(code, 250, lines.join(' '));
const bodyOf = (source: string): string => source.slice(source.indexOf('\r\n\r\n') + 4);

const offers = (get: () => Server): void => {
  for (const [where, open, from] of [...STRANGERS, ...LOGINS]) {
    const login = LOGINS.some(([port]) => port === where);
    test(`M25: on ${where} 8BITMIME is offered, SMTPUTF8 is not, DSN is ${login ? 'too' : 'not'}; MAIL FROM with SMTPUTF8 is refused, without it is not`, async () => {
      const smtp = await open(get());
      const { lines } = await smtp.command(EHLO);
      const offered = ['8BITMIME', 'SMTPUTF8', 'DSN', 'CHUNKING'].filter((word) => lines.includes(word));
      assert.deepEqual(offered, ['8BITMIME', ...(login ? ['DSN'] : []), 'CHUNKING'], lines.join('|'));
      for (const parameters of ['SMTPUTF8', 'BODY=8BITMIME SMTPUTF8', 'smtputf8']) {
        const { code } = await smtp.command(`MAIL FROM:<${from}> ${parameters}`);
        assert.ok(code >= 500, `${parameters}: ${code}`);
      }
      const taken = [
        `MAIL FROM:<${from}> BODY=8BITMIME`,
        'RSET',
        `MAIL FROM:<${from}> BODY=7BIT`,
        'RSET',
        `MAIL FROM:<${from}>`,
        `RCPT TO:<${DEMO}>`,
      ];
      assert.deepEqual(await commands(smtp, taken), [250, 250, 250, 250, 250, 250]);
      assert.ok((await smtp.command('RCPT TO:<d\xc3\xa9mo@hauspost.test>')).code >= 500, 'a recipient in UTF-8');
      smtp.close();
    });
  }

  for (const [where, open, from] of STRANGERS) {
    test(`M25: on ${where} nobody can ask for a notice: each parameter of DSN is refused`, async () => {
      const smtp = await open(get());
      for (const line of [`MAIL FROM:<${from}> RET=HDRS`, `MAIL FROM:<${from}> RET=FULL`, `MAIL FROM:<${from}> ENVID=1`])
        assert.ok((await smtp.command(line)).code >= 500, line);
      assert.equal((await smtp.command(`MAIL FROM:<${from}>`)).code, 250);
      for (const more of ['NOTIFY=SUCCESS', 'NOTIFY=NEVER', 'NOTIFY=SUCCESS,FAILURE,DELAY', `ORCPT=rfc822;${DEMO}`])
        assert.ok((await smtp.command(`RCPT TO:<${DEMO}> ${more}`)).code >= 500, more);
      assert.equal((await smtp.command(`RCPT TO:<${DEMO}>`)).code, 250);
      smtp.close();
    });
  }
};

interface Boxes {
  readonly imap: () => ImapFlow;
  readonly abroad: () => Outside;
}

/** The text of the notice about the message; waits for it. */
const notice = async (imap: ImapFlow, mark: string): Promise<string> => {
  const lock = await imap.getMailboxLock('INBOX');
  try {
    return await until(
      `a notice about ${mark}`,
      async () => {
        await imap.noop();
        const [uid] = (await imap.search({ from: 'MAILER-DAEMON', body: mark }, { uid: true })) || [];
        const found = uid === undefined ? false : await imap.fetchOne(String(uid), { source: true }, { uid: true });
        return found === false ? undefined : found.source?.toString('latin1');
      },
      30_000,
      100,
    );
  } finally {
    lock.release();
  }
};

const notices = (get: () => Server, { imap, abroad }: Boxes): void => {
  for (const [where, open] of LOGINS) {
    test(`M25: on ${where} a login is told that its mail was delivered here and handed on to others, that it was refused, and nothing if it wants nothing`, async () => {
      const ask = async (id: string, to: string, notify: string): Promise<void> =>
        isTaken(await send(await open(get()), `<${DEMO}> RET=HDRS ENVID=${id}`, `<${to}> NOTIFY=${notify}`, message(DEMO, `${id}@hauspost.test`)));
      await ask(`never-${where}`, 'refused@outside.test', 'NEVER');
      await ask(`silent-${where}`, FRIEND, 'FAILURE');
      await ask(`here-${where}`, DEMO, 'SUCCESS');
      await ask(`there-${where}`, FRIEND, 'SUCCESS,FAILURE');
      await ask(`failed-${where}`, 'refused@outside.test', 'FAILURE');
      assert.match(await notice(imap(), `here-${where}`), /^Action: (delivered|relayed)\r$/m);
      assert.match(await notice(imap(), `there-${where}`), /^Action: relayed\r$/m);
      assert.match(await notice(imap(), `failed-${where}`), /^Action: failed\r$/m);
      await abroad().message(`silent-${where}@hauspost.test`);
      await until('nothing waits', async () => (await get().machine.run(['postqueue', '-j'])).stdout === '' || undefined, 30_000, 100);
      const lock = await imap().getMailboxLock('INBOX');
      for (const mark of [`never-${where}`, `silent-${where}`])
        assert.deepEqual(await imap().search({ from: 'MAILER-DAEMON', body: mark }), [], mark);
      lock.release();
    });
  }
};

const eightBits = (get: () => Server, { imap, abroad }: Boxes): void => {
  for (const [where, open, from] of [...STRANGERS, ...LOGINS]) {
    for (const parameter of [' BODY=8BITMIME', '']) {
      test(`M25: eight bits arrive as they were sent, on ${where} ${parameter === '' ? 'unannounced' : 'with BODY=8BITMIME'}`, async () => {
        const id = `bits-${where.replaceAll(' ', '-')}-${parameter.length}@outside.test`;
        isTaken(await send(await open(get()), `<${from}>${parameter}`, `<${DEMO}>`, message(from, id)));
        assert.equal(bodyOf(await fetched(imap(), 'INBOX', `<${id}>`)), EIGHT_BITS);
      });
    }
  }

  test('M1: lines of 5,000 and 100,000 octets arrive as they were sent, from a stranger and from a login', async () => {
    for (const [where, open, from] of [...STRANGERS.slice(0, 1), ...LOGINS.slice(0, 1)]) {
      const id = `long-${where.replaceAll(' ', '-')}@outside.test`;
      const body = ['a'.repeat(5000), '\xe4'.repeat(100_000), 'short', ''].join('\r\n');
      isTaken(await send(await open(get()), `<${from}> BODY=8BITMIME`, `<${DEMO}>`, message(from, id, '', body)));
      assert.ok(bodyOf(await fetched(imap(), 'INBOX', `<${id}>`)) === body, id);
    }
  });

  test('M25, M14: eight bits leave as they are, also to a server that does not announce 8BITMIME; the signature is right', async () => {
    isTaken(await send(await get().client(465, get().demo), `<${DEMO}> BODY=8BITMIME`, `<${FRIEND}>`, message(DEMO, 'bits-out@hauspost.test')));
    const { source } = await abroad().message('bits-out@hauspost.test');
    assert.equal(bodyOf(source), EIGHT_BITS);
    assert.deepEqual(await signatures(source, fromUnbound(get().machine)), bothAre('hauspost.test'));
  });
};

/** Field lines of 60 octets each, together as long as `octets`. */
const folded = (name: string, octets: number): string => {
  const lines = Array.from({ length: Math.floor((octets - name.length - 2) / 60) }, (_, n) => ` ${String(n).padStart(6, '0')}${'y'.repeat(51)}`);
  return `${name}:${lines.join('\r\n')}`;
};

/** What Postfix keeps of one field where a milter looks at the mail (cleanup_message.c, KLUDGE_HEADER_LIMIT). */
const ONE_FIELD = 60_000;

const headers = (get: () => Server, { imap }: Boxes): void => {
  for (const octets of [102_300, 250_000]) {
    test(`M25: a header of ${octets} octets in many fields arrives whole`, async () => {
      const id = `header-${octets}@outside.test`;
      const fields = Array.from({ length: Math.floor(octets / 1_000) }, (_, n) => `X-Field-${n}: ${'z'.repeat(960)}`).join('\r\n');
      isTaken(await send(await get().stranger(), `<${FRIEND}>`, `<${DEMO}>`, message(FRIEND, id, `${fields}\r\nX-Last: here\r\n`)));
      const source = await fetched(imap(), 'INBOX', `<${id}>`);
      assert.ok(source.includes(`\r\n${fields}\r\nX-Last: here\r\n\r\n`));
      assert.equal(bodyOf(source), EIGHT_BITS);
    });
  }

  for (const octets of [1_000, 59_000, ONE_FIELD + 5_000, 120_000]) {
    const whole = octets < ONE_FIELD;
    test(`M25: one field of ${octets} octets ${whole ? 'arrives whole' : 'ends at a line before 60,000'}; what is after it is there`, async () => {
      const id = `field-${octets}@outside.test`;
      const field = folded('X-Long', octets);
      isTaken(await send(await get().stranger(), `<${FRIEND}>`, `<${DEMO}>`, message(FRIEND, id, `${field}\r\nX-Last: here\r\n`)));
      const source = await fetched(imap(), 'INBOX', `<${id}>`);
      const got = /^X-Long:[\s\S]*?(?=\r\n\S)/m.exec(source)?.[0] ?? '';
      assert.ok(whole ? got === field : field.startsWith(`${got}\r\n`) && got.length > ONE_FIELD - 1_100, `${got.length}`);
      assert.match(source, /^X-Last: here\r$/m);
      assert.equal(bodyOf(source), EIGHT_BITS);
    });
  }
};

onEachRelease((get: () => Server) => {
  let imap: ImapFlow;
  let abroad: Outside;
  before(async () => {
    imap = await get().imap(get().demo);
    abroad = await outside(get().machine);
  });
  after(async () => {
    imap?.close();
    await abroad?.[Symbol.asyncDispose]();
  });
  const boxes: Boxes = { imap: () => imap, abroad: () => abroad };
  offers(get);
  notices(get, boxes);
  eightBits(get, boxes);
  headers(get, boxes);
});
