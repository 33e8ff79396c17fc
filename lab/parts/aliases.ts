/** M5, M6, D3: where mail to an alias, a tag or a catch-all comes to lie in the end, how often, and who is refused. */
import { dated } from '../dated.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Login, outside, type Server, until } from '../index.ts';
import { ok, orders } from '../people.ts';
import { onEachRelease } from '../scenario.ts';

const ANNA: Login = { user: 'anna@second.test', pass: 'password-of-anna' };
const CATCHER: Login = { user: 'catcher@hauspost.test', pass: 'password-of-catcher' };
const BOXES = ['demo', 'anna', 'catcher', 'friend'] as const;
type Box = (typeof BOXES)[number];

/** Address, and the boxes where one copy lies in the end; empty: refused at RCPT. */
const CASES: readonly (readonly [string, string, readonly Box[]])[] = [
  ['an account', 'anna@second.test', ['anna']],
  ['in capitals', 'ANNA@Second.TEST', ['anna']],
  ['with a tag', 'anna+shop@second.test', ['anna']],
  ['an alias', 'one@second.test', ['demo']],
  ['an alias with a tag', 'one+tag@second.test', ['demo']],
  ['an alias to several', 'many@second.test', ['demo', 'anna']],
  ['an alias of an alias', 'chain@second.test', ['demo', 'anna']],
  ['an alias that leads outside', 'away@second.test', ['friend']],
  ['here and outside', 'mixed@second.test', ['anna', 'friend']],
  ['the same one by two ways: once', 'diamond@second.test', ['demo', 'anna']],
  ['an account that keeps a copy', 'keeper@hauspost.test', ['catcher']],
  ['a destination that is off is left out', 'half@second.test', ['demo']],
  ['dead destinations of a mixed alias are left out', 'rest@second.test', ['demo']],
  ['whatever has no name: the catch-all', 'whoever@second.test', ['catcher']],
  ['with a tag: the catch-all, too', 'whoever+tag@second.test', ['catcher']],
  ['an alias that is off has no name', 'off@second.test', ['catcher']],
  ['a disabled account beats the catch-all', 'closed@second.test', []],
  ['so does a send-only one', 'robot@second.test', []],
  ['and with a tag', 'robot+tag@second.test', []],
  ['and an alias that leads to nobody', 'nowhere@second.test', []],
  ['and one that turns in circles', 'ring@second.test', []],
  ['where there is no catch-all', 'whoever@hauspost.test', []],
  ['an alias that is off, where there is none', 'off@hauspost.test', []],
];

const prepare = async (server: Server): Promise<void> => {
  await server.order('domain', 'add', 'second.test');
  for (const login of [ANNA, CATCHER, { user: 'keeper@hauspost.test', pass: 'password-of-keeper' }]) await server.account(login);
  await server.account({ user: 'closed@second.test', pass: 'password-of-closed' }, '--disabled');
  await server.account({ user: 'robot@second.test', pass: 'password-of-robot' }, '--send-only');
  const add = (source: string, ...to: readonly string[]): readonly string[] => ['alias', 'add', source, ...to];
  await orders(
    server,
    add('one@second.test', 'demo@hauspost.test'),
    add('many@second.test', 'demo@hauspost.test', 'anna@second.test'),
    add('chain@second.test', 'many@second.test'),
    add('away@second.test', 'friend@outside.test'),
    add('mixed@second.test', 'anna@second.test', 'friend@outside.test'),
    add('diamond@second.test', 'many@second.test', 'one@second.test', 'demo@hauspost.test'),
    add('keeper@hauspost.test', 'keeper@hauspost.test', 'catcher@hauspost.test'),
    add('half@second.test', 'demo@hauspost.test', 'anna@second.test'),
    ['alias', 'set', 'half@second.test', 'anna@second.test', '--disabled'],
    add('rest@second.test', 'demo@hauspost.test', 'robot@second.test', 'closed@second.test', 'nobody@hauspost.test'),
    add('off@second.test', 'demo@hauspost.test'),
    ['alias', 'set', 'off@second.test', '--disabled'],
    add('off@hauspost.test', 'demo@hauspost.test'),
    ['alias', 'set', 'off@hauspost.test', '--disabled'],
    add('nowhere@second.test', 'nobody@hauspost.test', 'robot@second.test'),
    add('@second.test', 'catcher@hauspost.test'),
  );
  const ring = `INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
    VALUES ('ring', 'second.test', 'gnir', 'second.test', 1), ('gnir', 'second.test', 'ring', 'second.test', 1)`;
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

const whereTo = (get: () => Server): void => {
  test(`M5: ${CASES.length} addresses`, async (t) => {
    const server = get();
    await prepare(server);
    await using far = await outside(server.machine);
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

  test('D3: IMAP and delivery know one place, whatever the case of what was typed', async () => {
    const server = get();
    const imap = await server.imap({ ...ANNA, user: 'Anna@SECOND.test' });
    const lock = await imap.getMailboxLock('INBOX');
    assert.ok(typeof imap.mailbox === 'object' && imap.mailbox.exists >= 3);
    lock.release();
    await imap.logout();
    const folders = ok(await server.machine.run(['find', '/var/vmail/mailboxes', '-mindepth', '1', '-maxdepth', '2'])).stdout;
    assert.equal(folders, folders.toLowerCase());
  });
};

onEachRelease(whereTo);
