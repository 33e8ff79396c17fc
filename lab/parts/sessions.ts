/** C10, M4: which running sessions end with an account, by IMAP, ManageSieve and submission, and that those of others go on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT, type Login, type Server, type Smtp, until } from '../index.ts';
import { ok, orders, recipient } from '../people.ts';
import { sql } from '../sql.ts';
import { beingChecked } from './being-checked.ts';

/** Where everybody else is. */
const ELSEWHERE = '127.0.0.8';
const ENDS_MS = 30_000;

type Kind = 'imap' | 'sieve' | '587' | '465';
/** Whether the server answers as it should; rejects where the connection is closed. */
type Sessions = Readonly<Record<Kind, () => Promise<boolean>>> & { readonly smtp: Smtp };

const all = (state: 'runs' | 'over'): Readonly<Record<Kind, string>> => ({ imap: state, sieve: state, '587': state, '465': state });

const opened = async (server: Server, login: Login, from: string): Promise<Sessions> => {
  const imap = await server.imap(login, {}, from);
  const sieve = await server.sieve(from);
  assert.equal((await sieve.login(login)).status, 'OK');
  const [smtp, smtps] = [await server.client(587, login, from), await server.client(465, login, from)];
  const reads = async (): Promise<boolean> => {
    await imap.noop();
    return imap.usable;
  };
  const submits = async (session: Smtp): Promise<boolean> => (await session.command('NOOP')).code === 250;
  return {
    smtp,
    imap: reads,
    sieve: async () => (await sieve.command('LISTSCRIPTS')).status === 'OK',
    '587': () => submits(smtp),
    '465': () => submits(smtps),
  };
};

const stateOf = async (sessions: Sessions): Promise<Readonly<Record<Kind, string>>> => {
  const state = (kind: Kind): Promise<string> =>
    sessions[kind]().then(
      (well) => (well ? 'runs' : 'over'),
      () => 'over',
    );
  return { imap: await state('imap'), sieve: await state('sieve'), '587': await state('587'), '465': await state('465') };
};

/** The answer to RCPT in an open session. */
const asks = async (smtp: Smtp, sender: string, to: string): Promise<string> => {
  await smtp.command('RSET');
  assert.equal((await smtp.command(`MAIL FROM:<${sender}>`)).code, 250);
  const { code, lines } = await smtp.command(`RCPT TO:<${to}>`);
  return `${code} ${lines[0] ?? ''}`;
};

const anna: Login = { user: 'anna@shop.test', pass: 'the first of two' };
const SECOND = 'the second of two';

const ENDS: readonly (readonly [string, readonly string[], string, Readonly<Record<Kind, string>>])[] = [
  ['set --quota', ['account', 'set', anna.user, '--quota', '1G'], '', all('runs')],
  ['set --send-only', ['account', 'set', anna.user, '--send-only'], '', { ...all('runs'), imap: 'over', sieve: 'over' }],
  ['set --disabled', ['account', 'set', anna.user, '--disabled'], '', all('over')],
  ['passwd', ['account', 'passwd', anna.user, '--password-stdin'], `${SECOND}\n`, all('over')],
  ['remove', ['account', 'remove', anna.user, '--yes'], '', all('over')],
  ['domain remove', ['domain', 'remove', 'shop.test', '--with-everything', '--yes'], '', all('over')],
];

const ends = (get: () => Server): void => {
  for (const [what, words, input, expected] of ENDS) {
    test(`C10, M4: ${what}: ${Object.entries(expected)
      .map(([kind, state]) => `${kind} ${state}`)
      .join(', ')}; whoever is elsewhere is not disturbed`, async () => {
      const server = get();
      await orders(server, ['domain', 'add', 'shop.test']);
      await server.account(anna);
      const [hers, others] = [await opened(server, anna, CLIENT), await opened(server, server.demo, ELSEWHERE)];
      ok(await server.hauspost(words, input));
      await until(
        'her sessions are as they should be',
        async () => {
          const state = await stateOf(hers);
          return Object.entries(expected).every(([kind, each]) => state[kind as Kind] === each) || undefined;
        },
        ENDS_MS,
        200,
      );
      assert.deepEqual(await stateOf(others), all('runs'));
      assert.match(await asks(others.smtp, server.demo.user, server.demo.user), /^250 /);
      const begun = performance.now();
      await (await server.client(587, server.demo)).command('QUIT');
      await (await server.client(465, server.demo)).command('QUIT');
      const ms = performance.now() - begun;
      console.log(`    logged in on 587 and 465 again after ${Math.round(ms)} ms`);
      assert.ok(ms < 30_000, `${ms} ms: master(8) keeps a port closed whose process ended during its first session`);
      if (what !== 'domain remove') await orders(server, ['domain', 'remove', 'shop.test', '--with-everything', '--yes']);
    });
  }
};

const statements = (get: () => Server): void => {
  test('M4: plain SQL: nothing more is sent in an open session, with whatever sender; the session of another goes on', async () => {
    const server = get();
    const bob: Login = { user: 'bob@hauspost.test', pass: 'a password of bob' };
    const { user: to } = server.demo;
    await server.account(bob);
    const sessions = [await server.client(587, bob), await server.client(465, bob)];
    const other = await server.client(587, server.demo, ELSEWHERE);
    const refusals: readonly (readonly [string, string])[] = [
      ["UPDATE accounts SET enabled = 0 WHERE username = 'bob'", "UPDATE accounts SET enabled = 1 WHERE username = 'bob'"],
      ["UPDATE accounts SET enabled = NULL WHERE username = 'bob'", "UPDATE accounts SET enabled = 1 WHERE username = 'bob'"],
      [
        "CREATE TABLE kept SELECT * FROM accounts WHERE username = 'bob'; DELETE FROM accounts WHERE username = 'bob'",
        'INSERT INTO accounts SELECT * FROM kept; DROP TABLE kept',
      ],
    ];
    for (const [off, on] of refusals) {
      for (const session of sessions) for (const sender of ['', bob.user]) assert.match(await asks(session, sender, to), /^250 /, `before ${off}`);
      await sql(server.machine, off);
      for (const session of sessions)
        for (const sender of ['', bob.user]) assert.match(await asks(session, sender, to), /^550 5\.7\.1 /, `${off}, as <${sender}>`);
      for (const sender of ['', to]) assert.match(await asks(other, sender, to), /^250 /, `another, ${off}`);
      await sql(server.machine, on);
    }
    await server.order('account', 'remove', bob.user, '--yes');
  });

  test('C10: names that stand for others, as plain SQL may make them, end nobody’s sessions', async () => {
    const server = get();
    const names = ['*@hauspost.test', 'd*@hauspost.test', 'de?o@hauspost.test', '-f@hauspost.test'];
    const row = (address: string): string =>
      `INSERT INTO accounts SET username = '${address.split('@')[0]}', domain = 'hauspost.test', password = '{PLAIN}pw', enabled = 1;`;
    await sql(server.machine, names.map(row).join('\n'));
    const others = await opened(server, server.demo, ELSEWHERE);
    for (const name of names) {
      for (const words of [['set', '--disabled'], ['passwd'], ['remove']]) {
        const { code, stderr } = await server.hauspost(['account', ...words, '--', name]);
        assert.equal(code, 3, stderr);
        assert.ok(stderr.includes(JSON.stringify(name.split('@')[0])), stderr);
      }
    }
    assert.deepEqual(await stateOf(others), all('runs'));
    await sql(server.machine, "DELETE FROM accounts WHERE username LIKE '%*%' OR username LIKE '%?%' OR username LIKE '-%'");
  });
};

const failures = (get: () => Server): void => {
  test('C10: where Dovecot does not end sessions the command says so and fails; what was asked for is done', async () => {
    const server = get();
    const carl: Login = { user: 'carl@hauspost.test', pass: 'the first of two' };
    await server.account(carl);
    const dora = { ...carl, user: 'dora@hauspost.test' };
    await server.account(dora);
    for (const [login, subject] of [
      [carl, 'kept'],
      [dora, 'for nobody'],
    ] as const) {
      const imap = await server.imap(login);
      await imap.append('INBOX', `Subject: ${subject}\r\n\r\ntext\r\n`);
      await imap.logout();
    }
    ok(await server.machine.run(['systemctl', 'stop', 'dovecot']));
    const changed = await server.hauspost(['account', 'passwd', carl.user, '--password-stdin'], `${SECOND}\n`);
    const removed = await server.hauspost(['account', 'remove', 'carl@hauspost.test', '--yes']);
    const deleted = await server.hauspost(['account', 'remove', dora.user, '--delete-mail', '--yes']);
    ok(await server.machine.run(['systemctl', 'start', 'dovecot']));
    for (const { code, stdout, stderr } of [changed, removed]) {
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /sessions of carl@hauspost\.test may still run/);
    }
    assert.deepEqual([deleted.code, deleted.stdout], [1, '']);
    assert.match(deleted.stderr, /what was asked for is done, but sessions of dora@hauspost\.test may still run/);
    assert.equal((await server.machine.run(['grep', '-rl', 'Subject: for nobody', '/var/vmail'])).stdout, '', 'deleted is deleted');
    assert.equal(await recipient(server, carl.user), 550);
    const kept = await server.machine.run(['grep', '--recursive', '--files-with-matches', 'Subject: kept', '/var/vmail']);
    assert.match(kept.stdout, /^(?:\/var\/vmail\/removed\/carl@hauspost\.test\.[^/]+\/mailboxes\/\S+\n)+$/, 'a successor does not inherit it');
  });

  test('M20: without the database an open session is told to come again later, and then goes on', async () => {
    const server = get();
    const session = await server.client(587, server.demo);
    const { user } = server.demo;
    assert.match(await asks(session, '', user), /^250 /);
    ok(await server.machine.run(['systemctl', 'stop', 'mariadb']));
    assert.match(await asks(session, '', user), /^451 /);
    ok(await server.machine.run(['systemctl', 'start', 'mariadb']));
    // 3.7 asks again after a minute (docs/postfix.md, "Database"); who hears twenty refusals is hung up on.
    await until('recipients are taken', async () => (await asks(session, '', user)).startsWith('250 ') || undefined, 120_000, 10_000);
  });
};

export const openSessions = (get: () => Server): void => {
  ends(get);
  beingChecked(get);
  statements(get);
  failures(get);
};
