/** C10: a command changes what it names, and nothing that somebody else changed while it was at work. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collect, ended, HAUSPOST, type Machine, type Server, until } from '../index.ts';
import { json, ok } from '../people.ts';
import { sql } from '../sql.ts';

const NAME = 'meanwhile@hauspost.test';
const ROW = "WHERE username = 'meanwhile' AND domain = 'hauspost.test'";

const waiting = (machine: Machine): Promise<string> =>
  sql(machine, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'");

/** The command begins while `statement` is carried out and not yet committed, and has come to the row once that is. */
const beside = async ({ machine }: Server, statement: string, words: readonly string[], input = ''): Promise<void> => {
  const other = machine.spawn(['mariadb', 'vmail']);
  const said = collect(other.stderr);
  other.stdout.resume();
  other.stdin.write(`BEGIN;\n${statement};\n`);
  const holds = (): Promise<string> => sql(machine, 'SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0');
  await until('the other has changed the row', async () => (await holds()) === '1\n' || undefined, 20_000);
  const command = machine.spawn([HAUSPOST, ...words]);
  const [stdout, stderr] = [collect(command.stdout), collect(command.stderr)];
  command.stdin.end(input);
  await until('the command waits for the row', async () => (await waiting(machine)) === '1\n' || undefined, 30_000);
  other.stdin.end('COMMIT;\n');
  assert.equal(await ended(other), 0, said.text());
  ok({ code: await ended(command), stdout: stdout.text(), stderr: stderr.text() });
};

const BESIDE: readonly (readonly [what: string, statement: string, words: readonly string[], input: string, shown: object])[] = [
  ['passwd beside --disabled', 'enabled = 0', ['passwd', NAME, '--password-stdin'], 'another password\n', { enabled: false }],
  ['set --quota beside --disabled', 'enabled = 0', ['set', NAME, '--quota', '2G'], '', { enabled: false, quota_mb: 2048 }],
  ['set --disabled beside --send-only', 'sendonly = 1', ['set', NAME, '--disabled'], '', { enabled: false, send_only: true }],
  ['set --send-only beside another quota', 'quota = 7', ['set', NAME, '--send-only'], '', { send_only: true, quota_mb: 7 }],
  ['set --quota default beside another quota', 'quota = 7', ['set', NAME, '--quota', 'default'], '', { quota_mb: null }],
];

export const changedMeanwhile = (get: () => Server): void => {
  for (const [what, change, words, input, shown] of BESIDE) {
    test(`C10: ${what}: both count`, async () => {
      const server = get();
      await server.account({ user: NAME, pass: 'the first of two' }, '--quota', '1G');
      const hash = (): Promise<string> => sql(server.machine, `SELECT password FROM accounts ${ROW}`);
      const before = await hash();
      await beside(server, `UPDATE accounts SET ${change} ${ROW}`, ['account', ...words], input);
      const accounts = (await json(server, 'account', 'list', 'hauspost.test')) as readonly { readonly address: string }[];
      const expected = { address: NAME, quota_mb: 1024, enabled: true, send_only: false, ...shown };
      assert.deepEqual(
        accounts.find(({ address }) => address === NAME),
        expected,
      );
      assert.equal((await hash()) === before, words[0] !== 'passwd');
      await server.order('account', 'remove', NAME, '--yes');
    });
  }
};
