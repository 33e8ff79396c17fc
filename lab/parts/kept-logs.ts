/** M28 on a machine that has another who keeps logs, as one that was Debian 11 has: each command names him, for as long as he runs. */
import assert from 'node:assert/strict';
import { type Machine, oneDocument, readyOn } from '../index.ts';
import { ok } from '../people.ts';

export const codes = (document: unknown): readonly string[] =>
  (document as { findings: readonly { code: string }[] }).findings.map(({ code }) => code);

/** `found`: what `up` said at its end. */
export const logsAreKeptTwice = async (machine: Machine, found: readonly string[]): Promise<void> => {
  const shell = async (script: string): Promise<string> => ok(await machine.run(['sh', '-c', script], { ms: 120_000 })).stdout;
  const told = (): Promise<readonly boolean[]> =>
    Promise.all(
      ['status', 'doctor'].map(async (command) =>
        codes(oneDocument(await readyOn(machine).run([command, '--json']))).includes('logs.kept-elsewhere'),
      ),
    );
  assert.match(await shell('cat /var/log/mail.log'), /postfix\/smtpd\[\d+\]: /);
  assert.ok(found.includes('logs.kept-elsewhere'), found.join(' '));
  assert.deepEqual(await told(), [true, true]);
  await shell('DEBIAN_FRONTEND=noninteractive apt-get -qy purge rsyslog && test -s /var/log/mail.log');
  assert.deepEqual(await told(), [false, false]);
};
