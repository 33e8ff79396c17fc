import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileState, Machine } from '#machine';
import type { RenderInput } from '#model';
import { keptElsewhere } from './kept-elsewhere.ts';

interface Look {
  readonly init?: 'systemd' | 'runit';
  /** Of /var/log/mail.log, if it is there. */
  readonly size?: number;
  readonly active?: readonly string[];
}

const said = async ({ init = 'systemd', size, active = [] }: Look): Promise<readonly string[]> => {
  const machine = {
    state: async () => (size === undefined ? undefined : ({ size } as FileState)),
    run: async ([, verb, ...units]: readonly string[]) => {
      assert.equal(verb, 'is-active');
      return { code: 0, stdout: units.map((unit) => `${active.includes(unit) ? 'active' : 'inactive'}\n`).join(''), stderr: '' };
    },
  } as unknown as Machine;
  const input = { facts: { init }, settings: { logs: { retentionDays: 3 } } } as RenderInput;
  return (await keptElsewhere({ machine }, input)).flatMap(({ level, code, message, remedy }) => [level, code, message, remedy]);
};

test('whoever runs and has written mail is named, with its package and how long it should be', async () => {
  assert.deepEqual(await said({ size: 1, active: ['syslog-ng'] }), [
    'warning',
    'logs.kept-elsewhere',
    'syslog-ng writes what the mail server logs to /var/log/mail.log as well, and forgets it by its own rules, not after the 3 days of logs.retention',
    "Unless you need it 'apt-get purge syslog-ng-core'; then remove what it has written (/var/log/mail.*, /var/log/syslog*), which nobody forgets any more.",
  ]);
  assert.match((await said({ size: 1, active: ['rsyslog'] })).join(' '), /rsyslog writes .* purge rsyslog'/);
});

test('who does not run, has written no mail, or is asked by nobody, is not', async () => {
  for (const look of [
    { size: 1 },
    { active: ['rsyslog'] },
    { size: 0, active: ['rsyslog'] },
    { init: 'runit', size: 1, active: ['rsyslog'] },
  ] as const)
    assert.deepEqual(await said(look), []);
});
