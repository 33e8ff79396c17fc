/** What the first `up` asks on a machine that it would take, where there is nobody who answers; and the look at all that it could have touched. */
import assert from 'node:assert/strict';
import { type Machine, type Output, readyOn } from '../index.ts';
import { ok } from '../people.ts';

export const up = (machine: Machine, ...words: readonly string[]): Promise<Output> => readyOn(machine).run(['up', ...words]);

/** Nothing stood in its way: it asks whether it may, and there is nobody to ask. */
export const accepted = async (machine: Machine, hostname = 'mail.hauspost.test', ...words: readonly string[]): Promise<string> => {
  const { code, stderr } = await up(machine, ...words);
  const asked = `\nhauspost: there is a question and no terminal to ask at: Make this machine the mail server ${hostname}?\n  Run it again with --yes to agree, or at a terminal.\n`;
  assert.deepEqual([code, stderr.slice(-asked.length)], [3, asked]);
  assert.match(stderr, /^These changes would be made:\n {2}\S/);
  return stderr;
};

/** What the question says of the file, the database, and who comes into it. */
export const newHere = (asked: string): readonly string[] => asked.match(/(?<=^ {2})(?:create (?:\S+\.toml,|the database )|add the ).*$/gm) ?? [];
export const DATABASE = 'create the database vmail, unless it is there';

/** Everything that `up` could have touched, but for the lock in /run. Times are left out: the tests themselves come and go in /etc. */
export const STATE =
  'tar --sort=name --mtime=@0 -C / -cf - etc | sha256sum; dpkg-query -W | sha256sum; ls -A /var/lib/hauspost /var/vmail 2>&1; true';
export const shell = async (machine: Machine, script: string, ...words: readonly string[]): Promise<string> =>
  ok(await machine.run(['sh', '-c', script, 'sh', ...words])).stdout;
export const state = (machine: Machine): Promise<string> => shell(machine, STATE);
