/**
 * M16: a message that hides a second one behind an end of data that only some programs see (CVE-2023-51764). Inbound it stays one message,
 * by DATA and by BDAT; outbound nothing leaves that another server could read as two.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dated } from '../dated.ts';
import { bothAre, fetched, fromKeys, type Login, outside, type Outside, type Received, type Server, signatures, type Smtp, until } from '../index.ts';
import { ok } from '../people.ts';

/** Strangers: who writes from outside, and whom people write to. */
export interface Far {
  readonly friend: string;
  /** For the names of the tests. */
  readonly by?: string;
  /** Where they are, and whom they connect to. */
  readonly way?: (server: Server) => { readonly localAddress: string; readonly host: string };
}

const FAR: Far = { friend: 'friend@outside.test' };
const wayOf = ({ way }: Far, server: Server): { readonly localAddress: string; readonly host: string } =>
  way?.(server) ?? { localAddress: server.vantage.stranger, host: server.vantage.host };
const also = ({ by }: Far): string => (by === undefined ? '' : `, ${by}`);
/** What is none of DATA: only CRLF.CRLF is (RFC 5321, section 4.1.1.4). */
const ENDINGS: readonly string[] = ['\n.\n', '\r\n.\n', '\n.\r\n', '\r.\r', '\r\n.\r', '\r.\r\n', '\n.\r', '\r.\n', '\r\r\n.\r\r\n', '\n\n.\n\n'];

interface Pair {
  readonly outer: string;
  readonly inner: string;
  readonly text: string;
}

/** One message, without the line that ends it; behind `end` are the commands and the head of another one. */
const pairOf = (name: string, end: string, from: string, { user }: Login): Pair => {
  const id = `${name}-${Buffer.from(end).toString('hex')}@outside.test`;
  const [outer, inner] = [`<outer-${id}>`, `<inner-${id}>`];
  const admin = user.replace(/^[^@]*/, 'admin');
  const head = [`Message-ID: ${outer}`, `From: <${from}>`, `To: <${user}>`, dated(), 'Subject: outer', '', `outer ${id}`].join('\r\n');
  const commands = `MAIL FROM:<${admin}>\r\nRCPT TO:<${user}>\r\nDATA\r\n`;
  return { outer, inner, text: `${head}${end}${commands}Message-ID: ${inner}\r\nFrom: <${admin}>\r\n\r\ninner\r\n` };
};

const envelope = async (smtp: Smtp, from: string, to: string): Promise<void> => {
  for (const line of [`MAIL FROM:<${from}>`, `RCPT TO:<${to}>`]) assert.equal((await smtp.command(line)).code, 250, line);
};

type Way = 'DATA' | 'BDAT';

/** Sends to the letter; the dialogue then is where it should be after one message. */
const one = async (smtp: Smtp, way: Way, text: string): Promise<void> => {
  if (way === 'DATA') {
    assert.equal((await smtp.command('DATA')).code, 354);
    smtp.send(`${text}.\r\n`);
  } else smtp.send(`BDAT ${text.length} LAST\r\n${text}`);
  const { code, lines } = await smtp.reply();
  assert.equal(code, 250, lines.join(' '));
  assert.equal((await smtp.command('QUIT')).code, 221, 'one message, one reply');
  smtp.close();
};

export const smuggledIn = (get: () => Server, strangers = FAR): void => {
  // By BDAT the count of octets says where a message ends (RFC 3030), so that not even CRLF.CRLF does.
  for (const [way, endings] of [
    ['DATA', ENDINGS],
    ['BDAT', [...ENDINGS, '\r\n.\r\n']],
  ] as const) {
    test(`M16: smuggling: an end of data that only others would see does not start a second message, by ${way}${also(strangers)}`, async () => {
      const imap = await get().imap(get().demo);
      for (const end of endings) {
        const { outer, inner, text } = pairOf(`in-${way.toLowerCase()}${strangers.by ?? ''}`, end, strangers.friend, get().demo);
        const smtp = await get().stranger(wayOf(strangers, get()));
        await envelope(smtp, strangers.friend, get().demo.user);
        await one(smtp, way, text);
        const got = await fetched(imap, 'INBOX', outer);
        assert.ok(got.includes(inner), 'the rest is text of the one message');
        const lock = await imap.getMailboxLock('INBOX');
        assert.deepEqual(await imap.search({ header: { 'message-id': inner } }), [], JSON.stringify(end));
        lock.release();
      }
      await imap.logout();
    });
  }
};

/** Every CR and LF is of a CRLF, and no line begins with a single dot (RFC 5321, sections 2.3.8 and 4.5.2). */
const isPlain = ({ raw }: Received, what: string): void => {
  assert.doesNotMatch(raw, /\r(?!\n)|(?<!\r)\n/, what);
  for (const line of raw.split('\r\n')) assert.doesNotMatch(line, /^\.(?!\.)/, what);
};

/** By what each has that others might take for its end of data. */
type Pairs = ReadonlyMap<string, Pair>;

/** All that is to leave has arrived at the server of outside.test. */
const allLeft = async ({ machine }: Server, far: Outside, pairs: Pairs): Promise<void> => {
  for (const { outer } of pairs.values()) await far.message(outer);
  await until('nothing waits', async () => (ok(await machine.run(['postqueue', '-j'])).stdout === '' ? true : undefined), 30_000, 100);
};

/** What that server got of it. */
const onlyOne = (server: Server, far: Outside, { outer, inner }: Pair, what: string): Received => {
  const [only, ...more] = far.received.filter(({ source }) => source.includes(outer) || source.includes(inner));
  assert.ok(only !== undefined && more.length === 0, what);
  assert.ok(only.source.includes(inner), what);
  assert.equal(only.from, server.demo.user);
  isPlain(only, what);
  return only;
};

/** What `friend` gets arrives where strangers are. */
export const smuggledOut = (get: () => Server, strangers = FAR): void => {
  const { friend } = strangers;
  const pairsOf = (name: string, endings: readonly string[]): Pairs => {
    const { demo } = get();
    return new Map(endings.map((end) => [end, pairOf(`${name}${strangers.by ?? ''}`, end, demo.user, demo)]));
  };
  for (const port of [465, 587] as const) {
    test(`M16: smuggling: what a login sends on ${port} leaves as one message, with no CR or LF of its own, and its signature is right${also(strangers)}`, async () => {
      const server = get();
      await using far = await outside(server.vantage.sockets, wayOf(strangers, server).localAddress);
      const pairs = pairsOf(`out-${port}`, [...ENDINGS, '\r\n..\r\n', '\r\n..']);
      for (const { text } of pairs.values()) {
        const smtp = await server.client(port, server.demo);
        await envelope(smtp, server.demo.user, friend);
        await one(smtp, 'DATA', text);
      }
      await allLeft(server, far, pairs);
      for (const [end, pair] of pairs) {
        const { source } = onlyOne(server, far, pair, JSON.stringify(end));
        assert.deepEqual(await signatures(source, fromKeys(server.machine)), bothAre(server.demo.user.split('@')[1] ?? ''), JSON.stringify(end));
      }
      assert.deepEqual(
        far.received.filter(({ from }) => from !== server.demo.user),
        [],
      );
    });
  }

  test(`M16: smuggling: the same by sendmail(1), which takes lines as Unix has them${also(strangers)}`, async () => {
    const server = get();
    await using far = await outside(server.vantage.sockets, wayOf(strangers, server).localAddress);
    const pairs = pairsOf('sendmail', [...ENDINGS, '\r\n.\r\n']);
    for (const { text } of pairs.values())
      ok(await server.machine.run(['/usr/sbin/sendmail', '-i', '-f', server.demo.user, friend], { input: text }));
    await allLeft(server, far, pairs);
    for (const [end, pair] of pairs) onlyOne(server, far, pair, JSON.stringify(end));
  });
};
