/** systemd with Debian's units (systemctl(1)); ours is one drop-in each, which apply writes as a file. */
import type { Machine } from '../machine.ts';
import { must } from '../real.ts';
import type { Init, UnitState } from './init.ts';

/** `systemctl show`: KEY=value lines. */
const parse = (text: string): UnitState => {
  const field = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const pid = Number(field('MainPID'));
  const since = /^@([0-9]+)$/.exec(field('ActiveEnterTimestamp'))?.[1];
  const active = field('ActiveState');
  return {
    state: active === 'active' || active === 'reloading' ? 'running' : active === 'failed' ? 'failed' : 'stopped',
    ...(pid > 0 ? { pid } : {}),
    ...(since === undefined ? {} : { since: new Date(Number(since) * 1000) }),
  };
};

export const systemd = (machine: Machine): Init => {
  const systemctl = async (...args: readonly string[]): Promise<void> => {
    await must(machine, ['systemctl', '--no-ask-password', ...args], { ms: 180_000 });
  };
  return {
    kind: 'systemd',
    refresh: () => systemctl('daemon-reload'),
    enable: (unit) => systemctl('enable', '--quiet', unit.systemd),
    disable: (unit) => systemctl('disable', '--now', '--quiet', unit.systemd),
    start: (unit) => systemctl('start', unit.systemd),
    stop: (unit) => systemctl('stop', unit.systemd),
    restart: async (unit) => {
      await systemctl('reset-failed', unit.systemd).catch(() => undefined); // not loaded yet: nothing to reset
      await systemctl('restart', unit.systemd);
    },
    state: async (unit) =>
      parse(await must(machine, ['systemctl', 'show', '--timestamp=unix', '-p', 'ActiveState,MainPID,ActiveEnterTimestamp', unit.systemd])),
    lastWords: async (unit) => (await machine.run(['journalctl', '-u', unit.systemd, '-n', '20', '-o', 'cat', '--no-pager'])).stdout,
  };
};
