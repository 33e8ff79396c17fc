/** C1: what is in MariaDB and Redis before the first `up`, both with Debian's configuration: a mail server's own, and what other programs keep there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Machine, oneDocument } from '../index.ts';
import { ok } from '../people.ts';
import { accepted, DATABASE, newHere, shell, state, up } from './first-question.ts';

const TABLES = `CREATE TABLE domains (domain VARCHAR(255)); CREATE TABLE accounts (domain VARCHAR(255));
CREATE TABLE aliases (source_domain VARCHAR(255), source_username VARCHAR(64));`;

export const withDatabase = (get: () => Machine): void => {
  test('C1: where host name and postmaster do not say which domain it is for, a database that has one does, as after a restore; an empty one does not', async () => {
    const machine = get();
    const file = '[server]\nprofile = "public"\nhostname = "mail.hoster.example"\npostmaster = "me@example.org"\n';
    ok(await machine.run(['sh', '-c', 'mv /etc/hauspost /root/begun && mkdir /etc/hauspost && cat >/etc/hauspost/hauspost.toml'], { input: file }));
    const refusedFor = async (what: string): Promise<void> => {
      const output = await up(machine, '--yes', '--json');
      assert.deepEqual([output.code, (oneDocument(output) as { error: { code: string } }).error.code], [3, 'up.domain'], `${what}: ${output.stderr}`);
    };
    await refusedFor('no database');
    const statements = (sql: string): Promise<string> => shell(machine, 'mariadb --execute "$1"', sql);
    await statements('CREATE DATABASE vmail');
    await refusedFor('no tables, as of a dump that breaks off');
    await statements(`USE vmail; ${TABLES}`);
    await refusedFor('no domain');
    await statements("INSERT INTO vmail.domains VALUES ('example.org')");
    assert.deepEqual(newHere(await accepted(machine, 'mail.hoster.example')), [DATABASE]);
    await shell(machine, 'systemctl stop mariadb');
    await accepted(machine, 'mail.hoster.example');
    await shell(machine, "systemctl start mariadb && mariadb --execute 'DROP DATABASE vmail' && systemctl stop mariadb");
    await refusedFor('stopped, and no database');
    await shell(machine, 'systemctl start mariadb; rm -r /etc/hauspost; mv /root/begun /etc/hauspost');
  });
};

const DUMP = '/var/lib/redis/dump.rdb';

export const othersData = (get: () => Machine): void => {
  /** Also by `--yes`; by `--replace` alone it goes on. */
  const refusedFor = async (...files: readonly string[]): Promise<void> => {
    const machine = get();
    const before = await state(machine);
    const output = await up(machine, '--yes', '--json');
    assert.equal(output.code, 4, output.stderr);
    const { error } = oneDocument(output) as { error: { code: string; files: unknown } };
    assert.deepEqual([error.code, error.files], ['up.foreign-settings', files]);
    const why = `hauspost: somebody has set up what the mail server would take over: ${files.join(', ')}\n  `;
    assert.ok(output.stderr.startsWith(why), output.stderr);
    assert.match(output.stderr, /up --replace' keep it as generation 0\. .* by TCP .* keys may be thrown away/);
    await accepted(machine, undefined, '--replace');
    assert.equal(await state(machine), before);
  };

  test("C1: refused, naming it, where another program has a database in Debian's MariaDB; without it, it goes on", async () => {
    const machine = get();
    await shell(machine, `mariadb --execute "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT); INSERT INTO shop.orders VALUES (7)"`);
    await refusedFor('/var/lib/mysql/shop');
    assert.equal(await shell(machine, "mariadb --skip-column-names --execute 'SELECT id FROM shop.orders'"), '7\n');
    await shell(machine, 'mariadb --execute "DROP DATABASE shop"');
    await accepted(machine);
  });

  test("C1: refused, naming their file, where another program keeps keys in Debian's Redis, saved or not; without them, or where they are a mail server's, it goes on", async () => {
    const machine = get();
    await shell(machine, `redis-cli set session 7 && rm -f ${DUMP}`);
    await refusedFor(DUMP);
    await shell(machine, 'systemctl stop redis-server');
    const saved = await shell(machine, `sha256sum ${DUMP}`);
    await refusedFor(DUMP);
    await shell(machine, 'mkdir /var/lib/mysql/vmail');
    await accepted(machine);
    await shell(machine, 'rmdir /var/lib/mysql/vmail');
    assert.equal(await shell(machine, `sha256sum ${DUMP}`), saved);
    assert.equal(await shell(machine, 'systemctl start redis-server && redis-cli get session'), '7\n');
    await shell(machine, 'redis-cli del session');
    await accepted(machine);
    await shell(machine, `rm ${DUMP} && systemctl stop redis-server && head -c 5 ${DUMP}`);
    await accepted(machine);
    await shell(machine, 'systemctl start redis-server');
  });
};
