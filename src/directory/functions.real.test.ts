/** Domains, accounts and aliases on the real server (C9 to C11, C13), with hostile values in every place; and what the lookups read at size. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Domain,
  HauspostError,
  type LocalPart,
  type MailAddress,
  parseDomain as domain,
  parseFqdn,
  parseMailAddress as address,
  parseMegabytes,
} from '#base';
import * as accounts from './accounts.ts';
import { type AliasSource, type Destination, parseAliasSource as source, parseDestination as to } from './address.ts';
import * as aliases from './aliases.ts';
import { size } from './at-size.lab.ts';
import * as clients from './clients.ts';
import { type Database, database, RELEASES } from './database.lab.ts';
import * as domains from './domains.ts';
import { applyGrants, giveGrants, pendingGrants } from './grants.ts';
import { migrate } from './migrate.ts';
import { slips } from './near.lab.ts';
import { generatePassword, hashPassword, parsePasswordHash } from './password.ts';

const HASH = parsePasswordHash(`{BLF-CRYPT}$2y$05$${'x'.repeat(53)}`);
const EVERYTHING = 'USE vmail; SELECT * FROM domains; SELECT * FROM accounts; SELECT * FROM aliases; SELECT * FROM tlspolicies;';

const refused =
  (code: string, ...named: readonly string[]) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof HauspostError, String(error));
    assert.equal(error.code, code);
    assert.equal(error.exitCode, 3);
    for (const name of named) assert.ok(error.message.includes(name), `${name} in: ${error.message}`);
    return true;
  };

/** The work is refused and no table differs afterwards. */
const refuses = async ({ sql }: Database, work: () => Promise<unknown>, check: (error: unknown) => boolean): Promise<void> => {
  const before = await sql(EVERYTHING);
  await assert.rejects(work, check);
  assert.equal(await sql(EVERYTHING), before);
};

const codes = (warnings: readonly { readonly code: string }[]): readonly string[] => warnings.map(({ code }) => code);

const people = async (server: Database): Promise<void> => {
  const { directory } = server;
  assert.deepEqual(await domains.add(directory, domain('One.test')), { domain: 'one.test', accounts: 0, aliases: 0 });
  await domains.add(directory, domain('two.test'));
  await refuses(server, () => domains.add(directory, domain('ONE.test')), refused('domain.exists', 'one.test'));
  const anna = { address: address('anna@one.test'), passwordHash: HASH };
  assert.deepEqual(await accounts.add(directory, anna), {
    account: { address: 'anna@one.test', quotaMb: null, enabled: true, sendOnly: false },
    warnings: [],
  });
  await accounts.add(directory, { address: address('robot@one.test'), passwordHash: HASH, sendOnly: true });
  await accounts.add(directory, { address: address('gone@two.test'), passwordHash: HASH, enabled: false });
  await refuses(server, () => accounts.add(directory, anna), refused('account.exists', 'anna@one.test'));
  await refuses(server, () => accounts.add(directory, { ...anna, address: address('anna@three.test') }), refused('domain.unknown', 'three.test'));
  await refuses(server, () => accounts.remove(directory, address('nobody@one.test')), refused('account.unknown', 'nobody@one.test'));
  await refuses(server, () => domains.remove(directory, domain('three.test')), refused('domain.unknown', 'three.test'));
  assert.deepEqual(await accounts.find(directory, address('robot@one.test')), {
    address: 'robot@one.test',
    quotaMb: null,
    enabled: true,
    sendOnly: true,
  });
  assert.equal(await accounts.find(directory, address('nobody@one.test')), undefined);
};

const names = async (server: Database): Promise<void> => {
  const { directory } = server;
  const add = (from: string, ...destinations: readonly string[]): ReturnType<typeof aliases.add> =>
    aliases.add(directory, { source: source(from), destinations: destinations.map(to) });
  const first = await add('info@one.test', 'anna@one.test', 'Friend+x@Outside.example', 'ANNA@one.test');
  assert.deepEqual(first.warnings, []);
  assert.deepEqual(first.alias.destinations.map((each) => each.address).sort(), ['Friend+x@outside.example', 'anna@one.test']);
  const warned = await add('all@two.test', 'robot@one.test', 'gone+x@two.test', 'nobody@one.test', 'info@one.test');
  assert.deepEqual(codes(warned.warnings), ['alias.destination-send-only', 'alias.destination-disabled', 'alias.destination-missing']);
  const atHost = (name: string): ReturnType<typeof aliases.add> =>
    aliases.add(directory, { source: source('web@one.test'), destinations: [to(name)] }, ANNAS);
  assert.deepEqual(codes((await atHost('www-data@mail.one.test')).warnings), ['alias.destination-of-host']);
  for (const name of ['Root+x@mail.one.test', 'www-data@mail.two.test']) assert.deepEqual((await atHost(name)).warnings, []);
  const nowhere = async (responsible?: typeof ANNAS): Promise<readonly string[]> =>
    (await aliases.leadingNowhere(directory, 9, responsible)).map(({ source: from, destination }) => `${from} to ${destination}`);
  assert.deepEqual(await nowhere(ANNAS), [...(await nowhere()), 'web@one.test to www-data@mail.one.test']);
  await aliases.remove(directory, source('web@one.test'));
  await refuses(server, () => add('info@one.test', 'new@one.test', 'anna@one.test'), refused('alias.exists', 'anna@one.test'));
  await refuses(server, () => add('info@three.test', 'anna@one.test'), refused('domain.unknown', 'three.test'));
  const back = refused('alias.loop', 'info@one.test -> all@two.test -> info@one.test');
  await refuses(server, () => add('info@one.test', 'bert@outside.example', 'all@two.test'), back);
  await refuses(server, () => add('info@one.test', 'info+x@one.test'), refused('alias.loop', 'info@one.test -> info+x@one.test -> info@one.test'));
  await refuses(server, () => add('ghost@one.test', 'ghost@one.test'), refused('alias.loop', 'ghost@one.test -> ghost@one.test'));
  await refuses(server, () => add('@two.test', 'ghost@two.test'), refused('alias.loop', '@two.test -> ghost@two.test -> @two.test'));
  assert.deepEqual(codes((await add('anna@one.test', 'away@outside.example')).warnings), ['alias.hides-account']);
  assert.deepEqual((await add('anna@one.test', 'anna@one.test')).warnings, []);
  assert.deepEqual((await add('@two.test', 'all@two.test')).warnings, []);
  await add('late@two.test', 'elsewhere@outside.example');
  assert.deepEqual(codes((await accounts.add(directory, { address: address('late@two.test'), passwordHash: HASH })).warnings), [
    'account.behind-alias',
  ]);
};

const ANNAS = { postmaster: address('anna@one.test'), hostname: parseFqdn('mail.one.test') };

/** Names that nobody has and that lead to the postmaster. */
const roles = async (server: Database): Promise<void> => {
  const { directory } = server;
  const add = (from: string, name: string, responsible = ANNAS): ReturnType<typeof aliases.add> =>
    aliases.add(directory, { source: source(from), destinations: [to(name)] }, responsible);
  const gone = (from: string): Promise<unknown> => aliases.remove(directory, source(from));
  const nowhere = async (): Promise<readonly string[]> =>
    (await aliases.leadingNowhere(directory, 99, ANNAS)).map(({ source: from, destination }) => `${from} to ${destination}`);
  for (const [from, name, code] of [
    ['role@one.test', 'Abuse+x@one.test', undefined],
    ['role@one.test', 'postmaster@two.test', undefined],
    ['role@one.test', 'webmaster@one.test', 'alias.destination-missing'],
    ['role@one.test', 'root@one.test', 'alias.destination-missing'],
    ['@two.test', 'hostmaster@two.test', undefined],
  ] as const) {
    const before = await nowhere();
    assert.deepEqual(codes((await add(from, name)).warnings), code === undefined ? [] : [code], name);
    const dead = code === undefined ? [] : [`${from} to ${name}`];
    assert.deepEqual(from === '@two.test' ? [] : (await nowhere()).filter((each) => !before.includes(each)), dead, name);
    await gone(from);
  }
  const me = { ...ANNAS, postmaster: address('me@one.test') };
  await refuses(server, () => add('me@one.test', 'abuse@two.test', me), refused('alias.loop', 'me@one.test -> abuse@two.test -> me@one.test'));
  const own = { ...ANNAS, postmaster: address('postmaster@two.test') };
  const round = refused('alias.loop', '@two.test -> postmaster@two.test -> @two.test');
  await refuses(server, () => add('@two.test', 'postmaster@two.test', own), round);
  assert.deepEqual(codes((await add('role@one.test', 'postmaster@two.test', own)).warnings), ['alias.destination-missing']);
  await gone('role@one.test');
};

const changes = async (server: Database): Promise<void> => {
  const { directory, sql } = server;
  const bert = address('bert@two.test');
  await accounts.add(directory, { address: bert, passwordHash: HASH, quotaMb: parseMegabytes('2G') });
  const row = (): Promise<string> => sql("USE vmail; SELECT password, quota, enabled, sendonly FROM accounts WHERE username = 'bert'");
  const stays = await accounts.change(directory, bert, {});
  assert.deepEqual([stays.account, await row()], [{ address: bert, quotaMb: 2048, enabled: true, sendOnly: false }, `${HASH}\t2048\t1\t0\n`]);
  await accounts.change(directory, bert, { quotaMb: null, enabled: false, sendOnly: true });
  assert.equal(await row(), `${HASH}\tNULL\t0\t1\n`);
  const other = parsePasswordHash(`{BLF-CRYPT}$2y$05$${'y'.repeat(53)}`);
  await accounts.change(directory, bert, { passwordHash: other, enabled: true });
  assert.equal(await row(), `${other}\tNULL\t1\t1\n`);
  await refuses(
    server,
    () => accounts.change(directory, address('nobody@two.test'), { enabled: false }),
    refused('account.unknown', 'nobody@two.test'),
  );
  assert.deepEqual(await accounts.named(directory, 'be'), [bert]);
  assert.deepEqual(await accounts.named(directory, 'e'), []);
  await accounts.remove(directory, bert);

  const team = source('team@two.test');
  await aliases.add(directory, { source: team, destinations: ['zoe@outside.example', 'bert@outside.example', 'carl@outside.example'].map(to) });
  const on = async (...wanted: readonly string[]): Promise<void> => {
    const [listed] = (await Array.fromAsync(aliases.list(directory, { domain: domain('two.test') }))).filter((each) => each.source === team);
    const all = ['zoe', 'bert', 'carl'];
    assert.deepEqual(
      listed?.destinations,
      all.map((name) => ({ address: `${name}@outside.example`, enabled: wanted.includes(name) })),
      'in their order',
    );
  };
  await on('zoe', 'bert', 'carl');
  const changed = await aliases.enable(directory, team, [to('BERT@outside.example')], false);
  assert.deepEqual(
    changed.alias.destinations.map(({ enabled }) => enabled),
    [true, false, true],
  );
  await on('zoe', 'carl');
  await aliases.enable(directory, team, [], false);
  await on();
  await aliases.enable(directory, team, [to('carl@outside.example')], true);
  await on('carl');
  const unknown = refused('alias.unknown', 'team@two.test to dora@outside.example');
  await refuses(server, () => aliases.enable(directory, team, [to('carl@outside.example'), to('dora@outside.example')], false), unknown);
  await refuses(server, () => aliases.enable(directory, source('no@two.test'), [], true), refused('alias.unknown', 'no@two.test'));
  // Switched off there may be a loop; switched on there may not.
  await sql(`USE vmail; INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled)
    VALUES ('round', 'two.test', 'team', 'two.test', 1), ('team', 'two.test', 'round', 'two.test', 0)`);
  await refuses(server, () => aliases.enable(directory, team, [], true), refused('alias.loop', 'team@two.test -> round@two.test -> team@two.test'));
  assert.deepEqual(await aliases.named(directory, 'tea'), [team]);
  for (const each of [team, source('round@two.test')]) await aliases.remove(directory, each);
};

const lists = async ({ directory }: Database): Promise<void> => {
  assert.deepEqual(await Array.fromAsync(domains.list(directory)), [
    { domain: 'one.test', accounts: 2, aliases: 2 },
    { domain: 'two.test', accounts: 2, aliases: 3 },
  ]);
  const all = await Array.fromAsync(accounts.list(directory));
  assert.deepEqual(
    all.map((each) => each.address),
    ['anna@one.test', 'robot@one.test', 'gone@two.test', 'late@two.test'],
  );
  const two = await Array.fromAsync(aliases.list(directory, { domain: domain('two.test') }));
  assert.deepEqual(
    two.map((each) => [each.source, each.destinations.length]),
    [
      ['@two.test', 1],
      ['all@two.test', 4],
      ['late@two.test', 1],
    ],
  );
  await assert.rejects(Array.fromAsync(accounts.list(directory, { domain: domain('three.test') })), refused('domain.unknown', 'three.test'));
};

const removals = async (server: Database): Promise<void> => {
  const { directory, sql } = server;
  await refuses(
    server,
    () => domains.remove(directory, domain('one.test')),
    refused('domain.in-use', 'anna@one.test', 'robot@one.test', 'info@one.test', 'all@two.test -> robot@one.test'),
  );
  assert.deepEqual((await accounts.remove(directory, address('robot@one.test'))).dangling, [
    { source: 'all@two.test', destination: 'robot@one.test' },
  ]);
  assert.deepEqual((await accounts.remove(directory, address('gone@two.test'))).dangling, [
    { source: 'all@two.test', destination: 'gone+x@two.test' },
  ]);
  assert.equal((await aliases.remove(directory, source('@two.test'))).removed.length, 1);
  await refuses(server, () => aliases.remove(directory, source('@two.test')), refused('alias.unknown', '@two.test'));
  const one = await aliases.remove(directory, source('info@one.test'), [to('ANNA@one.test')]);
  assert.deepEqual([one.removed.length, one.destinations.map((left) => left.address)], [1, ['Friend+x@outside.example']]);
  await refuses(server, () => aliases.remove(directory, source('info@one.test'), [to('anna@one.test')]), refused('alias.unknown', 'anna@one.test'));
  assert.equal((await aliases.remove(directory, source('info@one.test'))).removed.length, 1);
  const gone = await domains.remove(directory, domain('one.test'), { withEverything: true });
  assert.deepEqual([gone.accounts.count, gone.aliases.count, gone.pointing.count], [1, 1, 3]);
  assert.equal(
    await sql('USE vmail; SELECT domain FROM domains; SELECT username FROM accounts; SELECT source_username FROM aliases'),
    'two.test\nlate\nall\nlate\n',
  );
};

/** Values that no parser would let through, put into every place that takes text. */
const HOSTILE = [
  "'; DROP TABLE domains; -- ",
  "' OR '1'='1",
  '\\',
  "\\' OR 1=1 -- ",
  '" OR ""="',
  '%',
  '_',
  '`',
  ':local',
  '?',
  '${x}',
  "x'/*",
  '\u0000',
  'é',
  '\u212a',
  '😀',
];

/** Unknown to the operator's face, or stopped by the CHECK of the column. */
const noSuchThing = (error: unknown): boolean =>
  error instanceof HauspostError ? error.blame === 'operator' : error instanceof Error && 'errno' in error && error.errno === 4025;

const hostile = async ({ directory, sql }: Database): Promise<void> => {
  const before = await sql(EVERYTHING);
  for (const value of HOSTILE) {
    const [name, where, both] = [value as Domain, `x@${value}` as MailAddress, `${value}@two.test` as MailAddress];
    const works: readonly (() => Promise<unknown>)[] = [
      () => domains.remove(directory, name),
      () => accounts.remove(directory, where),
      () => accounts.remove(directory, both),
      () => accounts.add(directory, { address: where, passwordHash: HASH }),
      () => aliases.add(directory, { source: where, destinations: [to('a@b.example')] }),
      () => aliases.remove(directory, where),
      () => aliases.remove(directory, both),
      () => Array.fromAsync(accounts.list(directory, { domain: name })),
      () => Array.fromAsync(aliases.list(directory, { domain: name })),
    ];
    for (const work of works) await assert.rejects(work, noSuchThing, JSON.stringify(value));
    assert.equal(await domains.exists(directory, name), false);
    assert.equal(await accounts.find(directory, both), undefined);
  }
  for (const value of HOSTILE.filter((candidate) => /[^!-~]/.test(candidate))) {
    await assert.rejects(domains.add(directory, value as Domain), { errno: 4025 });
    await assert.rejects(accounts.add(directory, { address: `${value}@two.test` as MailAddress, passwordHash: HASH }), { errno: 4025 });
    await assert.rejects(aliases.add(directory, { source: `${value}@two.test` as AliasSource, destinations: [to('a@b.example')] }), { errno: 4025 });
    await assert.rejects(aliases.add(directory, { source: source('new@two.test'), destinations: [`${value}@b.example` as Destination] }), {
      errno: 4025,
    });
  }
  assert.equal(await sql(EVERYTHING), before);
};

/** Two at one address, a third alone, and a customer with an IPv6 network. */
const connected = async ({ directory, sql }: Database): Promise<void> => {
  for (const [client, name, host] of [
    ['192.0.2.1', 'anna', 'one.test'],
    ['192.0.2.1', 'bert', 'one.test'],
    ['192.0.2.2', 'bert', 'one.test'],
    ['2001:db8:1:2::7', 'anna', 'one.test'],
    ['192.0.2.3', 'anna', 'two.test'],
  ])
    await sql(`USE vmail; DO login_succeeded_v1('${client}', '${name}', '${host}')`);
  const now = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.9', '2001:db8:1:2:3:4:5:6', '2001:db8:1:3::7', '::ffff:c000:201'];
  const unknown = ['192.0.2.9', '2001:db8:1:3::7', '::ffff:c000:201'];
  for (const [local, host, expected] of [
    ['anna', 'one.test', ['192.0.2.1', '2001:db8:1:2:3:4:5:6']],
    ['Bert', 'one.test', ['192.0.2.1', '192.0.2.2']],
    ['carl', 'one.test', []],
    ['*', 'one.test', []],
    [undefined, 'one.test', ['192.0.2.1', '192.0.2.2', '2001:db8:1:2:3:4:5:6']],
    [undefined, 'two.test', ['192.0.2.3']],
  ] as const) {
    const whose = { domain: domain(host), ...(local === undefined ? {} : { local: local as LocalPart }) };
    assert.deepEqual([...(await clients.among(directory, whose, now))].toSorted(), [...expected, ...unknown].toSorted(), `${local}@${host}`);
  }
  assert.deepEqual(await clients.among(directory, { domain: domain('one.test') }, []), new Set());
};

for (const release of RELEASES) {
  test(`domains, accounts and aliases on ${release}`, async (t) => {
    await using server = await database(release);
    const { directory, room, sql } = server;
    await t.test('before the database is set up', () =>
      assert.rejects(domains.add(directory, domain('one.test')), { code: 'directory.absent', exitCode: 4 }),
    );
    await migrate(directory);
    await t.test('C9, C10: domains and accounts', () => people(server));
    await t.test('C11, M8: aliases onto names that lead to the postmaster', () => roles(server));
    await t.test('C11: aliases, loops, warnings', () => names(server));
    await t.test('C10, C11: what is not there, and what is near', () => slips(server));
    await t.test('C10, C11: accounts and aliases are changed', () => changes(server));
    await t.test('C13: lists', () => lists(server));
    await t.test('removals, and what is in their way', () => removals(server));
    await t.test('C10: from where somebody may be logged in', () => connected(server));
    await t.test('hostile values change nothing', () => hostile(server));
    await t.test('doveadm verifies our hashes', async () => {
      const password = generatePassword();
      const hash = await hashPassword(password);
      const verify = (word: string) => room.run(['doveadm', '-O', 'pw', '-t', hash, '-p', word]);
      assert.equal((await verify(password)).code, 0);
      assert.notEqual((await verify(`${password}x`)).code, 0);
    });
    await t.test('grants: exactly what is wanted, again and again', async () => {
      const wanted = [{ principal: 'postfix', on: 'domains_v1' }];
      const held = (): Promise<string> => sql("SHOW GRANTS FOR 'postfix'@'localhost'");
      const pending = async (): Promise<readonly string[]> =>
        (await pendingGrants(directory, wanted)).map(({ action, target }) => `${action} ${target}`);
      assert.deepEqual(await pending(), ['change account postfix', 'grant postfix on domains_v1', 'change account dovecot']);
      await applyGrants(directory, wanted);
      assert.deepEqual(await pending(), []);
      const once = await held();
      assert.equal(
        once,
        'GRANT USAGE ON *.* TO `postfix`@`localhost` IDENTIFIED VIA unix_socket\nGRANT SELECT ON `vmail`.`domains_v1` TO `postfix`@`localhost`\n',
      );
      await sql(
        "GRANT ALL ON vmail.* TO 'postfix'@'localhost'; GRANT SELECT, UPDATE ON vmail.accounts TO 'postfix'@'localhost'; GRANT PROCESS ON *.* TO 'postfix'@'localhost'; ALTER USER 'postfix'@'localhost' IDENTIFIED BY 'x'",
      );
      const found = await pending();
      for (const change of ['change account postfix', 'revoke postfix on PROCESS *.*', 'revoke postfix on UPDATE vmail.accounts'])
        assert.ok(found.includes(change), `${change} in ${found}`);
      assert.ok(!found.includes('grant postfix on domains_v1'));
      await applyGrants(directory, wanted);
      assert.equal(await held(), once);
      assert.deepEqual(await pending(), []);
      await sql("GRANT SELECT ON vmail.logins_v1 TO 'postfix'@'localhost'; REVOKE SELECT ON vmail.domains_v1 FROM 'postfix'@'localhost'");
      assert.deepEqual(await pending(), ['grant postfix on domains_v1', 'revoke postfix on logins_v1']);
      await giveGrants(directory, wanted);
      assert.deepEqual(await pending(), ['revoke postfix on logins_v1']);
      await applyGrants(directory, wanted);
      assert.equal(await held(), once);
      await assert.rejects(applyGrants(directory, [{ principal: 'root', on: 'domains_v1' }]), { code: 'bug' });
      await assert.rejects(applyGrants(directory, [{ principal: 'postfix', on: 'accounts' }]), { code: 'bug' });
    });
    await t.test('100,000 accounts and 300,000 aliases: every lookup by index, lists page by page', () => size(server));
  });
}
