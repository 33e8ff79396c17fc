/** M27: what counts as the same wrong password, and how often it is looked at. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Login } from '../index.ts';
import type { Outcome } from './login-tries.ts';

/** Of all that begin so, ten whose MD5 begins alike. */
const ALIKE = [145, 2432, 2635, 21493, 23416, 24953, 37288, 66938, 73901, 94546].map((number) => `guess-${number}`);
const SAME_PER_HOUR = 200;

interface Ways {
  readonly tries: (login: Login, from: string) => Promise<Outcome>;
  readonly fails: (logins: readonly Login[], from: string) => Promise<void>;
  readonly hauspost: (words: string) => Promise<string>;
  readonly sql: (statement: string) => Promise<string>;
}

/** `own` has an account, `nobody` none; two addresses that nobody else uses. */
export const wrongPasswords = (
  { tries, fails, hauspost, sql }: Ways,
  own: Login,
  nobody: string,
  [first, second]: readonly [string, string],
): void => {
  test('client: wrong passwords whose hashes begin alike are different ones: nobody sorts his guesses so that many count once', async () => {
    const classes = new Set(ALIKE.map((pass) => createHash('md5').update(pass).digest('hex').slice(0, 4)));
    assert.equal(classes.size, 1);
    await fails(
      ALIKE.map((pass) => ({ user: nobody, pass })),
      first,
    );
    assert.equal(await tries(own, first), 'refused');
    await hauspost(`ban lift ${first}`);
    assert.equal(await tries(own, first), 'in');
  });

  test('client: the same wrong password is looked at so many times an hour, and then no more; others, and the right one, are', async () => {
    const [again, other] = ['wrong-1', 'wrong-2'].map((pass) => ({ user: own.user, pass })) as [Login, Login];
    const tried = (): Promise<string> => sql(`SELECT tries FROM login_failures WHERE client = '${second}' ORDER BY tries`);
    await fails([again, again], second);
    assert.equal(await tried(), '2\n');
    await sql(`UPDATE login_failures SET tries = ${SAME_PER_HOUR - 1} WHERE client = '${second}'`);
    await fails([again], second);
    await fails([again, again, other], second);
    assert.equal(await tried(), `1\n${SAME_PER_HOUR}\n`, 'refused before it is looked at');
    await sql(`UPDATE login_failures SET tries_since = tries_since - INTERVAL 61 MINUTE WHERE client = '${second}' AND tries > 1`);
    await fails([again], second);
    assert.equal(await tried(), '1\n1\n', 'the hour is over');
    await sql(`UPDATE login_failures SET tries = ${SAME_PER_HOUR} WHERE client = '${second}'`);
    assert.equal(await tries(own, second), 'in');
    assert.equal(await tried(), '');
  });
};
