/**
 * M5, M6: where mail to an alias, a tag or a catch-all comes to lie in the end, how often, and who is refused. In a domain of its own, with a
 * few names of hauspost.test.
 */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Login, outside, type Server, until } from '../index.ts';
import { ok, orders } from '../people.ts';

export const ANNA: Login = { user: 'anna@aliases.test', pass: 'password-of-anna' };
const CATCHER: Login = { user: 'catcher@hauspost.test', pass: 'password-of-catcher' };
const BOXES = ['demo', 'anna', 'catcher', 'friend'] as const;
type Box = (typeof BOXES)[number];

/** Address, and the boxes where one copy lies in the end; empty: refused at RCPT. */
const CASES: readonly (readonly [string, string, readonly Box[]])[] = [
  ['an account', 'anna@aliases.test', ['anna']],
  ['in capitals', 'ANNA@Aliases.TEST', ['anna']],
  ['with a tag', 'anna+shop@aliases.test', ['anna']],
  ['an alias', 'one@aliases.test', ['demo']],
  ['an alias with a tag', 'one+tag@aliases.test', ['demo']],
  ['an alias to several', 'many@aliases.test', ['demo', 'anna']],
  ['an alias of an alias', 'chain@aliases.test', ['demo', 'anna']],
  ['an alias that leads outside', 'away@aliases.test', ['friend']],
  ['here and outside', 'mixed@aliases.test', ['anna', 'friend']],
  ['the same one by two ways: once', 'diamond@aliases.test', ['demo', 'anna']],
  ['an account that keeps a copy', 'keeper@hauspost.test', ['catcher']],
  ['a destination that is off is left out', 'half@aliases.test', ['demo']],
  ['dead destinations of a mixed alias are left out', 'rest@aliases.test', ['demo']],
  ['whatever has no name: the catch-all', 'whoever@aliases.test', ['catcher']],
  ['with a tag: the catch-all, too', 'whoever+tag@aliases.test', ['catcher']],
  ['an alias that is off has no name', 'off@aliases.test', ['catcher']],
  ['a disabled account beats the catch-all', 'closed@aliases.test', []],
  ['so does a send-only one', 'robot@aliases.test', []],
  ['and with a tag', 'robot+tag@aliases.test', []],
  ['and an alias that leads to nobody', 'nowhere@aliases.test', []],
  ['and one that turns in circles', 'ring@aliases.test', []],
  ['where there is no catch-all', 'whoever@hauspost.test', []],
  ['an alias that is off, where there is none', 'off@hauspost.test', []],
];

const prepare = async (server: Server): Promise<void> => {
  await server.order('domain', 'add', 'aliases.test');
  for (const login of [ANNA, CATCHER, { user: 'keeper@hauspost.test', pass: 'password-of-keeper' }]) await server.account(login);
  await server.account({ user: 'closed@aliases.test', pass: 'password-of-closed' }, '--disabled');
  await server.account({ user: 'robot@aliases.test', pass: 'password-of-robot' }, '--send-only');
  const add = (source: string, ...to: readonly string[]): readonly string[] => ['alias', 'add', source, ...to];
  await orders(
    server,
    add('one@aliases.test', 'demo@hauspost.test'),
    add('many@aliases.test', 'demo@hauspost.test', 'anna@aliases.test'),
    add('chain@aliases.test', 'many@aliases.test'),
    add('away@aliases.test', 'friend@outside.test'),
    add('mixed@aliases.test', 'anna@aliases.test', 'friend@outside.test'),
    add('diamond@aliases.test', 'many@aliases.test', 'one@aliases.test', 'demo@hauspost.test'),
    add('keeper@hauspost.test', 'keeper@hauspost.test', 'catcher@hauspost.test'),
    add('half@aliases.test', 'demo@hauspost.test', 'anna@aliases.test'),
    ['alias', 'set', 'half@aliases.test', 'anna@aliases.test', '--disabled'],
    add('rest@aliases.test', 'demo@hauspost.test', 'robot@aliases.test', 'closed@aliases.test', 'nobody@hauspost.test'),
    add('off@aliases.test', 'demo@hauspost.test'),
    ['alias', 'set', 'off@aliases.test', '--disabled'],
    add('off@hauspost.test', 'demo@hauspost.test'),
    ['alias', 'set', 'off@hauspost.test', '--disabled'],
    add('nowhere@aliases.test', 'nobody@hauspost.test', 'robot@aliases.test'),
    add('@aliases.test', 'catcher@hauspost.test'),
  );
  const ring = `INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
    VALUES ('ring', 'aliases.test', 'gnir', 'aliases.test', 1), ('gnir', 'aliases.test', 'ring', 'aliases.test', 1)`;
  ok(await server.machine.run(['mariadb', 'vmail', '-e', ring]));
};

const send = async (server: Server, number: number, to: string): Promise<number> => {
  const lines = ['From: <friend@outside.test>', `To: <${to}>`, `Message-ID: <alias-${number}@outside.test>`, dated()];
  const smtp = await server.stranger();
  try {
    assert.equal((await smtp.command('MAIL FROM:<friend@outside.test>')).code, 250);
    const { code } = await smtp.command(`RCPT TO:<${to}>`);
    return code === 250 ? (await smtp.data([...lines, 'Subject: where?', '', `Where does number ${number} go?`, ''].join('\r\n'))).code : code;
  } finally {
    smtp.close();
  }
};

/** Numbers of the messages in INBOX, each as often as it is there. */
const found = async (server: Server, login: Login): Promise<readonly number[]> => {
  const imap = await server.imap(login);
  const lock = await imap.getMailboxLock('INBOX');
  const numbers: number[] = [];
  for await (const { envelope } of imap.fetch('1:*', { envelope: true })) {
    const number = /^<alias-(\d+)@/.exec(envelope?.messageId ?? '')?.[1];
    if (number !== undefined) numbers.push(Number(number));
  }
  lock.release();
  await imap.logout();
  return numbers;
};

export const whereTo = (get: () => Server): void => {
  test(`M5: ${CASES.length} addresses`, async (t) => {
    const server = get();
    await prepare(server);
    await using far = await outside(server.vantage.sockets, server.vantage.stranger);
    const codes: number[] = [];
    for (const [number, [, to]] of CASES.entries()) codes.push(await send(server, number, to));
    await until('all is delivered', async () => (ok(await server.machine.run(['postqueue', '-j'])).stdout === '' ? true : undefined), 60_000, 200);
    const lies: Readonly<Record<Box, readonly number[]>> = {
      demo: await found(server, server.demo),
      anna: await found(server, ANNA),
      catcher: await found(server, CATCHER),
      friend: far.received.flatMap(({ source }) => /<alias-(\d+)@/.exec(source)?.slice(1).map(Number) ?? []),
    };
    for (const [number, [what, to, boxes]] of CASES.entries()) {
      await t.test(`${what}: ${to} ${boxes.length === 0 ? 'is refused' : `to ${boxes.join(', ')}`}`, () => {
        assert.equal(codes[number], boxes.length === 0 ? 550 : 250);
        const copies = BOXES.flatMap((box) => lies[box].filter((each) => each === number).map(() => box));
        assert.deepEqual(
          copies,
          BOXES.filter((box) => boxes.includes(box)),
        );
      });
    }
  });
};
