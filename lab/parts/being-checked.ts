/**
 * M4, C10: a login that is being checked while the account changes: the check takes its time, and what it was begun with is no longer so when it ends. The
 * process that checks it is stopped where it is, so that the change falls into the check, however fast either is.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Login, type Machine, type Server, until } from '../index.ts';
import { ok } from '../people.ts';
import { sql } from '../sql.ts';

const LOGIN: Login = { user: 'checked@hauspost.test', pass: 'hashed at length' };
/** Of that password, by libxcrypt: its check takes seconds. */
const HASH = '{BLF-CRYPT}$2y$15$abcdefghijklmnopqrstuulZ1rBncowfxIoGzM5AmcZANrWkktWU.';

type Door = 'imap' | 'sieve';

/** Whether it is let in, and the session goes on. */
const enters: Readonly<Record<Door, (server: Server) => Promise<boolean>>> = {
  imap: async (server) => {
    const imap = await server.imap(LOGIN).catch(() => undefined);
    const lives =
      imap !== undefined &&
      (await imap.noop().then(
        () => imap.usable,
        () => false,
      ));
    imap?.close();
    return lives;
  },
  sieve: async (server) => {
    const sieve = await server.sieve();
    const lives = async (): Promise<boolean> => (await sieve.login(LOGIN)).status === 'OK' && (await sieve.command('LISTSCRIPTS')).status === 'OK';
    const answer = await lives().catch(() => false);
    sieve.close();
    return answer;
  },
};

/** Hundredths of a second of a processor that each of Dovecot's processes for logins has used (proc_pid_stat(5)). */
const used = async (machine: Machine): Promise<ReadonlyMap<string, number>> => {
  const { stdout } = await machine.run(['sh', '-c', `awk '$2 == "(auth)" { print $1, $14 + $15 }' /proc/[0-9]*/stat`]);
  return new Map(stdout.split('\n').flatMap((line) => (line === '' ? [] : [[line.split(' ')[0] ?? '', Number(line.split(' ')[1])]])));
};

/** A login goes on until its password is being checked; then `change` is done, and the check goes on. Answers whether it is let in. */
const across = async (server: Server, door: Door, change: () => Promise<unknown>): Promise<boolean> => {
  const { machine } = server;
  const before = await used(machine);
  const entered = enters[door](server);
  const checker = await until(
    'the password is being checked',
    async () => [...(await used(machine))].find(([pid, now]) => now - (before.get(pid) ?? 0) >= 30)?.[0],
    30_000,
    20,
  );
  ok(await machine.run(['kill', '-STOP', checker]));
  try {
    assert.equal(await Promise.race([entered, 'is being checked']), 'is being checked');
    await change();
  } finally {
    ok(await machine.run(['kill', '-CONT', checker]));
  }
  return entered;
};

const CHANGES: readonly (readonly [what: string, door: Door, lives: boolean, change: (server: Server) => Promise<unknown>])[] = [
  ['another quota', 'imap', true, (server) => server.order('account', 'set', LOGIN.user, '--quota', '1G')],
  ['another quota', 'sieve', true, (server) => server.order('account', 'set', LOGIN.user, '--quota', '1G')],
  ['passwd', 'imap', false, async (server) => ok(await server.hauspost(['account', 'passwd', LOGIN.user, '--password-stdin'], 'another one\n'))],
  ['passwd', 'sieve', false, async (server) => ok(await server.hauspost(['account', 'passwd', LOGIN.user, '--password-stdin'], 'another one\n'))],
  ['set --disabled', 'imap', false, (server) => server.order('account', 'set', LOGIN.user, '--disabled')],
  ['set --send-only', 'sieve', false, (server) => server.order('account', 'set', LOGIN.user, '--send-only')],
  ['plain SQL', 'imap', false, ({ machine }) => sql(machine, "UPDATE accounts SET password = '{PLAIN}another' WHERE username = 'checked'")],
];

export const beingChecked = (get: () => Server): void => {
  for (const [what, door, lives, change] of CHANGES) {
    test(`C10, M4: ${what}, while a login by ${door} is being checked: it ${lives ? 'is let in' : 'does not live on'}`, async () => {
      const server = get();
      ok(await server.hauspost(['account', 'add', LOGIN.user, '--password-hash-stdin'], `${HASH}\n`));
      assert.equal(await across(server, door, () => change(server)), lives);
      await server.order('account', 'remove', LOGIN.user, '--yes');
    });
  }
};
