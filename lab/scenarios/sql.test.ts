/**
 * D1, D2, M4: what plain SQL does to any column of the four tables counts at once, also where the daemons have just been asked and had
 * something to remember. Each row looks over real sockets before and after its statement; what is looked at was asked twice before.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { dated } from '../dated.ts';
import { fetched, outside } from '../index.ts';
import {
  DISABLED,
  FULL,
  goesTo,
  type Look,
  mayUse,
  NOBODY,
  NOT_OURS,
  policy,
  quotaOf,
  rcpt,
  reads,
  type Scene,
  SENDS_ONLY,
  submits,
  TAKEN,
} from '../looks.ts';
import { onEachRelease } from '../scenario.ts';
import { sql } from '../sql.ts';

const LIMIT_MS = 3_000;
const HOME = 'hauspost.test';

interface Row {
  readonly column: string;
  /** What has to be there. */
  readonly given?: string;
  readonly statement: string;
  /** How it shows before and after. */
  readonly looks: readonly (readonly [string, Look, string, string])[];
}

const account = (name: string, columns = 'enabled = 1', domain = HOME): string =>
  `INSERT INTO accounts SET username = '${name}', domain = '${domain}', password = '{PLAIN}pw', ${columns};`;
const alias = (from: string, to: string, enabled = '1'): string => {
  const [source, home] = from.split('@');
  const [name, domain] = to.split('@');
  return `INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
    VALUES (${source === '' ? 'NULL' : `'${source}'`}, '${home}', '${name}', '${domain}', ${enabled});`;
};
const at = (name: string): string => `${name}@${HOME}`;

const set = (table: string, name: string, what: string): string =>
  table === 'accounts'
    ? `UPDATE accounts SET ${what} WHERE username = '${name}' AND domain = '${HOME}'`
    : table === 'aliases'
      ? `UPDATE aliases SET ${what} WHERE source_username = '${name}' AND source_domain = '${HOME}'`
      : `UPDATE ${table} SET ${what} WHERE domain = '${name}'`;

const DOMAINS: readonly Row[] = [
  {
    column: 'INSERT INTO domains, as the original writes it',
    statement: "insert into domains (domain) values ('mysystems.test');",
    looks: [
      ['RCPT', rcpt('postmaster@mysystems.test'), NOT_OURS, TAKEN],
      ['its postmaster, M8', goesTo('postmaster@mysystems.test'), '554', 'demo@hauspost.test'],
    ],
  },
  {
    column: 'UPDATE domains.domain',
    given: "INSERT INTO domains (domain) VALUES ('old.test')",
    statement: set('domains', 'old.test', "domain = 'new.test'"),
    looks: [
      ['the old name', rcpt('abuse@old.test'), TAKEN, NOT_OURS],
      ['the new name', rcpt('abuse@new.test'), NOT_OURS, TAKEN],
    ],
  },
  {
    column: 'UPDATE domains.id',
    given: "INSERT INTO domains (domain) VALUES ('number.test')",
    statement: set('domains', 'number.test', 'id = 4711'),
    looks: [['all stays', rcpt('abuse@number.test'), TAKEN, TAKEN]],
  },
  {
    column: 'DELETE FROM domains',
    given: "INSERT INTO domains (domain) VALUES ('gone.test')",
    statement: "DELETE FROM domains WHERE domain = 'gone.test'",
    looks: [['its hostmaster', rcpt('hostmaster@gone.test'), TAKEN, NOT_OURS]],
  },
];

/** An account that is there and one that is not: mail, reading, submission. */
const THERE = [TAKEN, 'yes', 'yes'] as const;
const ABSENT = [NOBODY, 'no', 'no'] as const;
const OFF = [DISABLED, 'no', 'no'] as const;
const ROBOT = [SENDS_ONLY, 'no', 'yes'] as const;
type State = typeof THERE | typeof ABSENT | typeof OFF | typeof ROBOT;
const accountLooks = (user: string, first: State, then: State): Row['looks'] => [
  [`RCPT ${user}`, rcpt(user), first[0], then[0]],
  [`IMAP ${user}`, reads(user), first[1], then[1]],
  [`submission ${user}`, submits(user), first[2], then[2]],
];

const ACCOUNTS: readonly Row[] = [
  {
    column: 'INSERT INTO accounts, as the original writes it',
    // The hash of `pw` by doveadm pw -s SHA512-CRYPT.
    statement: `insert into accounts (username, domain, password, quota, enabled, sendonly) values ('user1', '${HOME}', '{SHA512-CRYPT}HASH', 2048, true, false);`,
    looks: accountLooks(at('user1'), ABSENT, THERE),
  },
  ...['.', '..', 'a/b', '../hauspost.test/demo'].map(
    (name): Row => ({
      column: `INSERT INTO accounts, a name that leads a path elsewhere: ${name}`,
      statement: account(name),
      looks: accountLooks(at(name), ABSENT, ABSENT),
    }),
  ),
  {
    column: 'UPDATE accounts.username',
    given: account('renamed'),
    statement: set('accounts', 'renamed', "username = 'other'"),
    looks: [...accountLooks(at('renamed'), THERE, ABSENT), ...accountLooks(at('other'), ABSENT, THERE)],
  },
  {
    column: 'UPDATE accounts.domain',
    given: `INSERT INTO domains (domain) VALUES ('there.test'); ${account('moved')}`,
    statement: set('accounts', 'moved', "domain = 'there.test'"),
    looks: [...accountLooks(at('moved'), THERE, ABSENT), ...accountLooks('moved@there.test', ABSENT, THERE)],
  },
  {
    column: 'UPDATE accounts.id',
    given: account('number'),
    statement: set('accounts', 'number', 'id = 4711'),
    looks: accountLooks(at('number'), THERE, THERE),
  },
  {
    column: 'UPDATE accounts.password',
    given: account('secret'),
    statement: set('accounts', 'secret', "password = '{PLAIN}another'"),
    looks: [
      ['IMAP, the old one', reads(at('secret')), 'yes', 'no'],
      ['IMAP, the new one', reads(at('secret'), 'another'), 'no', 'yes'],
      ['submission, the old one', submits(at('secret')), 'yes', 'no'],
      ['submission, the new one', submits(at('secret'), 'another'), 'no', 'yes'],
    ],
  },
  ...(
    [
      ['2048', '1', '2048 MB', '1 MB', TAKEN, FULL],
      ['1', '3', '1 MB', '3 MB', FULL, TAKEN],
      ['1', '0', '1 MB', 'none', FULL, TAKEN],
      ['1', 'NULL', '1 MB', '1024 MB', FULL, TAKEN],
    ] as const
  ).map(([from, to, was, is, first, then], index): Row => {
    const name = `quota${index}`;
    return {
      column: `UPDATE accounts.quota from ${from} to ${to}`,
      given: account(name, `enabled = 1, quota = ${from}`),
      statement: set('accounts', name, `quota = ${to}`),
      looks: [
        ['GETQUOTA', quotaOf(at(name)), was, is],
        ['RCPT with a size of 2 MB', rcpt(at(name), 2 * 1024 ** 2), first, then],
      ],
    };
  }),
  ...(
    [
      ['enabled', '1', '0', THERE, OFF],
      ['enabled', '0', '1', OFF, THERE],
      ['enabled', '1', 'NULL', THERE, OFF],
      ['sendonly', '0', '1', THERE, ROBOT],
      ['sendonly', '1', '0', ROBOT, THERE],
      ['sendonly', '1', 'NULL', ROBOT, THERE],
    ] as const
  ).map(([column, from, to, first, then], index): Row => {
    const name = `state${index}`;
    return {
      column: `UPDATE accounts.${column} from ${from} to ${to}`,
      given: account(name, column === 'enabled' ? `enabled = ${from}` : `enabled = 1, sendonly = ${from}`),
      statement: set('accounts', name, `${column} = ${to}`),
      looks: accountLooks(at(name), first, then),
    };
  }),
  {
    column: 'DELETE FROM accounts',
    given: account('leaves'),
    statement: "DELETE FROM accounts WHERE username = 'leaves'",
    looks: accountLooks(at('leaves'), THERE, ABSENT),
  },
];

const ALIASES: readonly Row[] = [
  {
    column: 'INSERT INTO aliases, as the original writes it',
    given: account('reader'),
    statement: `insert into aliases (source_username, source_domain, destination_username, destination_domain, enabled) values ('alias', '${HOME}', 'reader', '${HOME}', true);`,
    looks: [
      ['RCPT', rcpt(at('alias')), NOBODY, TAKEN],
      ['the right to send', mayUse(at('alias'), at('reader')), 'no', 'yes'],
    ],
  },
  {
    column: 'UPDATE aliases.source_username',
    given: account('a1') + alias(at('before'), at('a1')),
    statement: set('aliases', 'before', "source_username = 'after'"),
    looks: [
      ['the old one', rcpt(at('before')), TAKEN, NOBODY],
      ['the new one', rcpt(at('after')), NOBODY, TAKEN],
      ['the right to send by the old one', mayUse(at('before'), at('a1')), 'yes', 'no'],
      ['the right to send by the new one', mayUse(at('after'), at('a1')), 'no', 'yes'],
    ],
  },
  {
    column: 'UPDATE aliases.source_username to NULL',
    given: `INSERT INTO domains (domain) VALUES ('all.test'); ${account('a2')}${alias('one@all.test', at('a2'))}`,
    statement: "UPDATE aliases SET source_username = NULL WHERE source_domain = 'all.test'",
    looks: [
      ['any name', rcpt('whoever@all.test'), NOBODY, TAKEN],
      ['no right to send by it', mayUse('one@all.test', at('a2')), 'yes', 'no'],
    ],
  },
  {
    column: 'INSERT INTO aliases, a catch-all, the same row twice',
    given: `INSERT INTO domains (domain) VALUES ('twice.test'); ${account('a9')}`,
    statement: alias('@twice.test', at('a9')).repeat(2),
    looks: [['where mail goes', goesTo('whoever@twice.test'), '550', at('a9')]],
  },
  {
    column: 'UPDATE aliases.source_domain',
    given: `INSERT INTO domains (domain) VALUES ('elsewhere.test'); ${account('a3')}${alias(at('walks'), at('a3'))}`,
    statement: set('aliases', 'walks', "source_domain = 'elsewhere.test'"),
    looks: [
      ['the old one', rcpt(at('walks')), TAKEN, NOBODY],
      ['the new one', rcpt('walks@elsewhere.test'), NOBODY, TAKEN],
    ],
  },
  {
    column: 'UPDATE aliases.destination_username',
    given: account('a4') + account('b4') + alias(at('to'), at('a4')),
    statement: set('aliases', 'to', "destination_username = 'b4'"),
    looks: [
      ['where mail goes', goesTo(at('to')), at('a4'), at('b4')],
      ['who may send', mayUse(at('to'), at('a4')), 'yes', 'no'],
      ['who may send now', mayUse(at('to'), at('b4')), 'no', 'yes'],
    ],
  },
  {
    column: 'UPDATE aliases.destination_domain',
    given: account('a5') + alias(at('away'), at('a5')),
    statement: set('aliases', 'away', "destination_domain = 'outside.test'"),
    looks: [['where mail goes', goesTo(at('away')), at('a5'), 'a5@outside.test']],
  },
  ...(
    [
      ['1', '0', TAKEN, NOBODY],
      ['0', '1', NOBODY, TAKEN],
      ['1', 'NULL', TAKEN, NOBODY],
    ] as const
  ).map(([from, to, first, then], index): Row => {
    const name = `switch${index}`;
    return {
      column: `UPDATE aliases.enabled from ${from} to ${to}`,
      given: account(`a6${index}`) + alias(at(name), at(`a6${index}`), from),
      statement: set('aliases', name, `enabled = ${to}`),
      looks: [['RCPT', rcpt(at(name)), first, then]],
    };
  }),
  {
    column: 'UPDATE aliases.id',
    given: account('a7') + alias(at('numbered'), at('a7')),
    statement: set('aliases', 'numbered', 'id = 4711'),
    looks: [['all stays', rcpt(at('numbered')), TAKEN, TAKEN]],
  },
  {
    column: 'DELETE FROM aliases',
    given: account('a8') + alias(at('dropped'), at('a8')),
    statement: "DELETE FROM aliases WHERE source_username = 'dropped'",
    looks: [
      ['RCPT', rcpt(at('dropped')), TAKEN, NOBODY],
      ['the right to send', mayUse(at('dropped'), at('a8')), 'yes', 'no'],
    ],
  },
];

/** What such a policy does to mail is in tls-policy.test.ts. */
const POLICIES: readonly Row[] = [
  {
    column: 'INSERT INTO tlspolicies, as the original writes it',
    statement: "insert into tlspolicies (domain, policy, params) values ('provider.test', 'secure', 'match=.provider.example');",
    looks: [['asked', policy('provider.test'), '', 'secure match=.provider.example']],
  },
  {
    column: 'INSERT INTO tlspolicies without params, as the original writes it',
    statement: "insert into tlspolicies (domain, policy) values ('other-provider.test', 'dane-only');",
    looks: [['asked', policy('other-provider.test'), '', 'dane-only']],
  },
  ...(
    [
      ['policy', "'verify'", 'encrypt', 'verify'],
      ['params', "'ciphers=high'", 'encrypt', 'encrypt ciphers=high'],
      ['domain', "'renamed-policy.test'", 'encrypt', ''],
      ['id', '4711', 'encrypt', 'encrypt'],
    ] as const
  ).map(
    ([column, value, was, is]): Row => ({
      column: `UPDATE tlspolicies.${column}`,
      given: `INSERT INTO tlspolicies (domain, policy) VALUES ('${column}.policy.test', 'encrypt')`,
      statement: set('tlspolicies', `${column}.policy.test`, `${column} = ${value}`),
      looks: [['asked', policy(`${column}.policy.test`), was, is]],
    }),
  ),
  {
    column: 'UPDATE tlspolicies.params to NULL',
    given: "INSERT INTO tlspolicies (domain, policy, params) VALUES ('null.policy.test', 'encrypt', 'ciphers=high')",
    statement: set('tlspolicies', 'null.policy.test', 'params = NULL'),
    looks: [['asked', policy('null.policy.test'), 'encrypt ciphers=high', 'encrypt']],
  },
  {
    column: 'DELETE FROM tlspolicies',
    given: "INSERT INTO tlspolicies (domain, policy) VALUES ('deleted.policy.test', 'none')",
    statement: "DELETE FROM tlspolicies WHERE domain = 'deleted.policy.test'",
    looks: [['asked', policy('deleted.policy.test'), 'none', '']],
  },
];

const TABLE = [...DOMAINS, ...ACCOUNTS, ...ALIASES, ...POLICIES];

/** When the look began that first saw it, in ms after the statement had ended. */
const seenAfter = async (scene: Scene, look: Look, expected: string, begun: number): Promise<number> => {
  for (;;) {
    const from = performance.now() - begun;
    const got = await look(scene);
    if (from > LIMIT_MS) assert.equal(got, expected, `${Math.round(from)} ms after the statement`);
    if (got === expected) return from;
  }
};

onEachRelease((get) => {
  describe('plain SQL', { concurrency: 4 }, () => {
    let scene: Scene;
    let hash: string;
    before(async () => {
      const server = get();
      scene = { server, abroad: await outside(server.machine) };
      hash = (await server.machine.run(['doveadm', 'pw', '-s', 'SHA512-CRYPT', '-p', 'pw'])).stdout.trim().replace('{SHA512-CRYPT}', '');
      await sql(server.machine, TABLE.map(({ given }) => `${given ?? ''};`).join('\n'));
    });
    after(() => scene?.abroad[Symbol.asyncDispose]());

    for (const { column, statement, looks } of TABLE) {
      test(`D1: ${column}`, async () => {
        for (const _ of [1, 2]) for (const [what, look, was] of looks) assert.equal(await look(scene), was, `${what}, before`);
        await sql(scene.server.machine, statement.replace('HASH', hash));
        const begun = performance.now();
        const seen = await Promise.all(looks.map(([, look, , is]) => seenAfter(scene, look, is, begun)));
        console.log(`    ${column}: ${looks.map(([what], n) => `${what} ${Math.round(seen[n] ?? 0)} ms`).join(', ')}`);
      });
    }
  });

  test('D1: a domain counts at once for whoever was refused there a moment ago, in the same session; nobody else gets in by it', async () => {
    const { machine, stranger } = get();
    const smtp = await stranger();
    await smtp.command('MAIL FROM:<friend@outside.test>');
    const codes = async (): Promise<readonly number[]> => {
      const answers: number[] = [];
      for (const to of ['anna@late.test', 'info@late.test', 'abuse@late.test', 'nobody@late.test', 'anna@never.test', 'x%late.test@never.test'])
        answers.push((await smtp.command(`RCPT TO:<${to}>`)).code);
      return answers;
    };
    assert.deepEqual(await codes(), [554, 554, 554, 554, 554, 554]);
    await sql(
      machine,
      `INSERT INTO domains (domain) VALUES ('late.test'); ${account('anna', 'enabled = 1', 'late.test')} ${alias('info@late.test', at('demo'))}`,
    );
    assert.deepEqual(await codes(), [250, 250, 250, 554, 554, 554]);
    smtp.close();
  });

  test('D1: an account whose name only quotes could hold gets no mail, and one with an apostrophe all of it', async () => {
    const { machine, stranger, imap } = get();
    await sql(machine, `${account("o\\'brien")} ${account('two(words')}`);
    const smtp = await stranger();
    await smtp.command('MAIL FROM:<friend@outside.test>');
    assert.equal((await smtp.command(`RCPT TO:<"two(words"@${HOME}>`)).code, 550);
    assert.equal((await smtp.command(`RCPT TO:<o'brien@${HOME}>`)).code, 250);
    const lines = ['From: friend@outside.test', `To: o'brien@${HOME}`, dated(), 'Message-ID: <apostrophe@outside.test>', '', 'Hello.'];
    assert.equal((await smtp.command('DATA')).code, 354);
    assert.equal((await smtp.command(`${lines.join('\r\n')}\r\n.`)).code, 250);
    smtp.close();
    const session = await imap({ user: `o'brien@${HOME}`, pass: 'pw' });
    await fetched(session, 'INBOX', '<apostrophe@outside.test>');
    await session.logout();
  });
});
