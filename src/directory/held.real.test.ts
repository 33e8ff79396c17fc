/** Somebody else's transactions, locks, keys and password on the real server: told as what is in the way, soon, and by name; what they do not hold is changed at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HauspostError, parseDomain as domain, parseMailAddress as address } from '#base';
import * as accounts from './accounts.ts';
import type { Directory } from './connect.ts';
import { type Database, database, RELEASES } from './database.lab.ts';
import * as domains from './domains.ts';
import { migrate } from './migrate.ts';
import { parsePasswordHash } from './password.ts';

const HASH = parsePasswordHash(`{BLF-CRYPT}$2y$05$${'x'.repeat(53)}`);
const [ANNA, BERT] = [address('anna@one.test'), address('bert@one.test')];
/** Three times what MariaDB is told to wait for a row. */
const SOON_MS = 30_000;

/** In the way, and no defect of ours. */
const told =
  (code: string, words: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof HauspostError, String(error));
    assert.deepEqual([error.code, error.exitCode], [code, 4]);
    assert.match(error.message, words);
    return true;
  };

const quotaOf = async (directory: Directory, whose: typeof ANNA): Promise<number | null> => (await accounts.get(directory, whose)).quotaMb;
const quota = (whose: string, megabytes: number): string => `UPDATE accounts SET quota = ${megabytes} WHERE username = '${whose}'`;

const rowsHeld = async ({ directory, another }: Database): Promise<void> => {
  await using other = await another();
  const [me] = await other.rows("SELECT CONCAT('', CONNECTION_ID()) AS id");
  await other.define('START TRANSACTION');
  await other.change(quota('anna', 7));
  const begun = performance.now();
  const words = new RegExp(`; open transactions: connection ${String(me?.['id'])} of root, for \\d+ s$`);
  await assert.rejects(accounts.change(directory, ANNA, { enabled: false }), told('directory.held', words));
  assert.ok(performance.now() - begun < SOON_MS, `${performance.now() - begun} ms`);
  const free = performance.now();
  await accounts.change(directory, BERT, { enabled: false });
  assert.ok(performance.now() - free < SOON_MS / 6, 'another row waits for nobody');
  await other.define('ROLLBACK');
  assert.equal((await accounts.change(directory, ANNA, { enabled: false })).account.enabled, false);
};

const tablesHeld = async ({ directory, another }: Database): Promise<void> => {
  await using other = await another();
  await other.define('LOCK TABLES accounts WRITE');
  const [before] = await directory.rows('SELECT @@lock_wait_timeout AS seconds');
  assert.equal(Number(before?.['seconds']), 120);
  await directory.define('SET SESSION lock_wait_timeout = 1');
  await assert.rejects(
    accounts.change(directory, ANNA, { enabled: true }),
    told('directory.held', /^somebody else holds what would change in the database$/),
  );
  await other.define('UNLOCK TABLES');
  assert.equal((await accounts.change(directory, ANNA, { enabled: true })).account.enabled, true);
};

/** The other has done more, so InnoDB ends ours. */
const deadlock = async ({ directory, another }: Database): Promise<void> => {
  await using other = await another();
  await other.define('START TRANSACTION');
  await other.change(`INSERT INTO domains (domain) SELECT CONCAT('many-', seq, '.test') FROM seq_1_to_500`);
  await other.change(quota('bert', 21));
  let times = 0;
  let crossed: Promise<unknown> = Promise.resolve();
  await directory.atomically(async () => {
    times += 1;
    await directory.change(quota('anna', 10 + times));
    if (times === 1) crossed = other.change(quota('anna', 22)).then(() => other.define('COMMIT'));
    await directory.change('UPDATE accounts SET quota = quota + 1 WHERE username = :name', { name: 'bert' });
  });
  await crossed;
  assert.deepEqual([times, await quotaOf(directory, ANNA), await quotaOf(directory, BERT)], [2, 12, 22]);
};

const referredTo = async ({ directory, sql }: Database): Promise<void> => {
  await sql(`USE vmail; CREATE TABLE tickets (account int unsigned, CONSTRAINT tickets_of FOREIGN KEY (account) REFERENCES accounts (id)) ENGINE=InnoDB;
    INSERT INTO tickets SELECT id FROM accounts WHERE username = 'anna'`);
  const words = /`vmail`\.`tickets`, CONSTRAINT `tickets_of` FOREIGN KEY \(`account`\) REFERENCES `accounts` \(`id`\)$/;
  for (const work of [() => accounts.remove(directory, ANNA), () => directory.tried(() => accounts.remove(directory, ANNA))])
    await assert.rejects(work, told('directory.referred', words));
  assert.equal((await accounts.get(directory, ANNA)).address, ANNA);
  await accounts.remove(directory, BERT);
  await sql('DELETE FROM vmail.tickets');
  await accounts.remove(directory, ANNA);
};

/** The remedy is done as it is written. */
const rootHasPassword = async ({ another, room, sql }: Database): Promise<void> => {
  await sql("ALTER USER root@localhost IDENTIFIED BY 'theirs'");
  const { message, remedy } = await another().then(
    () => assert.fail('let in'),
    (error: unknown) => error as HauspostError,
  );
  assert.equal(message, 'the database refuses this user');
  const command = /: (mariadb .*)$/.exec(remedy)?.[1]?.replace('-p -e', '-ptheirs -e').replace('the password', 'theirs') ?? '';
  const done = await room.run(['sh', '-c', command]);
  assert.equal(done.code, 0, done.stderr);
  await (await another()).close();
  assert.equal((await room.run(['mariadb', '-ptheirs', '-e', 'SELECT 1'], { user: 'postfix' })).code, 1, 'somebody else');
  assert.equal(
    (await room.run(['mariadb', '-u', 'root', '-ptheirs', '-e', 'SELECT 1'], { user: 'postfix' })).code,
    0,
    'with the password, as before',
  );
};

for (const release of RELEASES)
  test(`what others hold in the database on ${release}`, async (t) => {
    await using server = await database(release);
    await migrate(server.directory);
    await domains.add(server.directory, domain('one.test'));
    for (const whose of [ANNA, BERT]) await accounts.add(server.directory, { address: whose, passwordHash: HASH });
    await t.test('a row is held by an open transaction', () => rowsHeld(server));
    await t.test('a table is locked', () => tablesHeld(server));
    await t.test('a deadlock: the work is done once more', () => deadlock(server));
    await t.test("a key of another tool's table", () => referredTo(server));
    await t.test('root has a password', () => rootHasPassword(server));
  });
