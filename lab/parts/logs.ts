/** M28: logs are forgotten by age, as the configuration says, and by nothing else; the real journald decides. And how a refused login reads in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Login, type Server, until } from '../index.ts';
import { answered, configure, exits, type Plan } from '../operator.ts';
import { canLogIn } from '../people.ts';

/** The folder of the journal files that journald writes to. */
const FOLDER = String.raw`$(journalctl --header | sed -n 's/^File path: \(.*\)\/[^/]*$/\1/p' | head -n 1)`;
/** Sequence number id of the files made here. */
const OURS = 'feed'.repeat(8);

/**
 * Copies of a full journal file under the names that journald gives to files that began so many days ago: `system@ID-NUMBER-TIME.journal`, where
 * the numbers of one id grow with the time, which is in microseconds; both in hexadecimal.
 */
const OLDER = `
set -e
journalctl --rotate
cd "${FOLDER}"
full=$(ls system@*.journal | head -n 1)
for days; do
  cp "$full" "system@${OURS}-$(printf %016x $((1000 - days)))-$(printf %016x $(( ($(date +%s) - days * 86400) * 1000000 ))).journal"
done`;

/** Their names, as far as they are there. */
const LEFT = `ls "${FOLDER}"`;

export const logs = (get: () => Server): void => {
  const shell = async (script: string, ...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await get().machine.run(['sh', '-c', script, 'sh', ...words]);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  /** Ages in days. */
  const left = async (): Promise<readonly number[]> =>
    [...(await shell(LEFT)).matchAll(new RegExp(`^system@${OURS}-([0-9a-f]{16})-`, 'gm'))].map(
      ([, number = '']) => 1000 - Number.parseInt(number, 16),
    );

  test("a login that is refused for the limit is 'user disabled' in Dovecot's log; a disabled account and a wrong password are 'auth failed'", async () => {
    const server = get();
    const login = (name: string): Login => ({ user: `${name}@hauspost.test`, pass: `password-of-${name}` });
    const [guessed, off, wrong] = ['guessed', 'off', 'wrong'].map(login) as [Login, Login, Login];
    for (const each of [guessed, wrong]) await server.account(each);
    await server.account(off, '--disabled');
    await shell(
      `mariadb vmail -e "INSERT INTO login_failures (client, username, domain, trace, at) SELECT '192.0.2.9', 'guessed', 'hauspost.test', seq, UTC_TIMESTAMP() FROM seq_1_to_30"`,
    );
    for (const each of [guessed, off, { ...wrong, pass: 'no' }]) assert.equal(await canLogIn(server, each), false);
    const said = async (name: string): Promise<readonly string[]> => {
      const lines = (await server.machine.journal()).split('\n').filter((line) => line.includes('imap-login') && line.includes(`user=<${name}@`));
      return lines.flatMap((line) => /user disabled|auth failed/.exec(line) ?? []);
    };
    for (const name of ['guessed', 'off', 'wrong'])
      await until(`${name} is in the log`, async () => (await said(name)).length > 0 || undefined, 20_000, 200);
    assert.deepEqual(await Promise.all(['guessed', 'off', 'wrong'].map(said)), [['user disabled'], ['auth failed'], ['auth failed']]);
    const sasl = async ({ user, pass }: Login): Promise<string> => {
      const smtp = await server.client(587);
      assert.equal((await smtp.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0${pass}`).toString('base64')}`)).code, 535);
      smtp.close();
      const submitted = async (): Promise<string | undefined> =>
        (await server.machine.journal()).split('\n').findLast((line) => /SASL PLAIN authentication failed/.test(line) && line.includes(user));
      return (await until(`${user} is in Postfix's log`, submitted, 20_000, 200)).replace(/^.*smtpd\[\d+\]: /, '').replace(user, 'USER');
    };
    assert.equal(await sasl(guessed), await sasl({ ...wrong, pass: 'no' }), 'Postfix does not tell them apart');
    await exits(server, 0, 'ban', 'lift', guessed.user);
    assert.equal(await canLogIn(server, guessed), true);
  });

  test('M28: seven days, unless something else is said', async () => {
    await shell(OLDER, '1', '3', '6', '8', '30');
    await shell('journalctl --rotate');
    assert.deepEqual((await left()).toSorted(), [1, 3, 6]);
  });

  test('M28: retention counts at once, and what was logged around the change is there', async () => {
    const server = get();
    const logged = (mark: string): Promise<string> => shell('logger -p mail.info -t postfix/test "$1"; journalctl --sync', mark);
    await logged('before the change');
    await configure(server, '[logs]\nretention = "2d"\n');
    const { document } = await answered<Plan>(server, 'plan');
    assert.deepEqual(
      document.changes.map(({ target, needs }) => [target, needs]),
      [['/etc/systemd/journald.conf.d/hauspost.conf', ['reload logs']]],
    );
    await exits(server, 0, 'apply', '--yes');
    assert.deepEqual(await left(), [1]);
    await logged('after the change');
    const journal = await server.machine.journal();
    for (const mark of ['before the change', 'after the change']) assert.ok(journal.includes(mark), mark);
    assert.match(journal, /dovecot.*starting up/, 'and all since the machine booted');
  });
};
