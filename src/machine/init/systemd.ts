/** systemd with Debian's units (systemctl(1)); ours is one drop-in each, which apply writes as a file. */
import { path } from '#base';
import type { Machine } from '../machine.ts';
import { rootOf } from '../processes.ts';
import { must } from '../real.ts';
import type { Init, Standing, Supervised, UnitState } from './init.ts';

const field = (text: string, name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';

/** Debian 12's postfix@-.service tells no main process (`GuessMainPID=no`): it is the one of its control group whose parent is outside. */
const mainPid = async (machine: Machine, text: string): Promise<number> => {
  const told = Number(field(text, 'MainPID'));
  const group = field(text, 'ControlGroup');
  if (told > 0 || group === '') return told;
  const procs = (await machine.read(path(`/sys/fs/cgroup${group}/cgroup.procs`)))?.toString() ?? '';
  return rootOf(
    machine,
    procs
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
  );
};

/** From the properties of one unit as systemctl(1) shows them. */
const unitState = async (machine: Machine, text: string): Promise<UnitState> => {
  const since = /^@([0-9]+)$/.exec(field(text, 'ActiveEnterTimestamp'))?.[1];
  const active = field(text, 'ActiveState');
  // A unit that waits for its next start has just failed.
  const failed = active === 'failed' || field(text, 'SubState').startsWith('auto-restart');
  // At boot all that is to start has a job from the beginning.
  const starting = !failed && (active === 'activating' || (active === 'inactive' && Number(field(text, 'Job')) > 0));
  const pid = await mainPid(machine, text);
  return {
    state: active === 'active' || active === 'reloading' ? 'running' : failed ? 'failed' : starting ? 'starting' : 'stopped',
    ...(pid > 0 ? { pid } : {}),
    ...(since === undefined ? {} : { since: new Date(Number(since) * 1000) }),
  };
};

/** Properties of one unit after the other, an empty line between them. */
const unitStates = async (machine: Machine, units: readonly Supervised[]): Promise<readonly UnitState[]> => {
  const properties = 'ActiveState,SubState,Job,MainPID,ActiveEnterTimestamp,ControlGroup';
  const text = await must(machine, ['systemctl', 'show', '--timestamp=unix', '-p', properties, ...units.map((unit) => unit.systemd)]);
  const blocks = text.trim().split('\n\n');
  return Promise.all(units.map((_, index) => unitState(machine, blocks[index] ?? '')));
};

/** Also of units that do not exist, which `is-enabled` says nothing about. */
const standing = async (machine: Machine, units: readonly Supervised[]): Promise<readonly Standing[]> => {
  const text = await must(machine, ['systemctl', 'show', '-p', 'ActiveState,UnitFileState', ...units.map((unit) => unit.systemd)]);
  const blocks = text.trim().split('\n\n');
  return units.map(({ systemd: unit }, index) => {
    const block = blocks[index] ?? '';
    return { unit, active: field(block, 'ActiveState') === 'active', enabled: field(block, 'UnitFileState') === 'enabled' };
  });
};

export const systemd = (machine: Machine): Init => {
  const systemctl = async (...args: readonly string[]): Promise<void> => {
    await must(machine, ['systemctl', '--no-ask-password', ...args], { ms: 180_000 });
  };
  const endFormer = async ({ formerly }: Supervised): Promise<void> => {
    if (formerly !== undefined) await systemctl('stop', formerly);
  };
  return {
    kind: 'systemd',
    refresh: () => systemctl('daemon-reload'),
    enable: async (units) => {
      // One word a line, in order; the status tells only whether one of them is enabled.
      const words = (await machine.run(['systemctl', 'is-enabled', ...units.map((unit) => unit.systemd)])).stdout.trim().split('\n');
      const wanted = units.filter((_, index) => words[index] === 'disabled').map((unit) => unit.systemd);
      if (wanted.length > 0) await systemctl('enable', '--quiet', '--no-reload', ...wanted);
    },
    start: async (unit) => {
      await endFormer(unit);
      await systemctl('start', unit.systemd);
    },
    stop: (unit) => systemctl('stop', unit.systemd),
    restart: async (unit) => {
      await endFormer(unit);
      await machine.run(['systemctl', 'reset-failed', unit.systemd]); // fails for a unit that is not loaded yet: nothing to reset
      await systemctl('restart', unit.systemd);
    },
    reload: (unit) => systemctl('reload', unit.systemd),
    states: (units) => unitStates(machine, units),
    state: async (unit) => (await unitStates(machine, [unit]))[0] ?? { state: 'stopped' },
    standing: (units) => standing(machine, units),
    putBack: async (before) => {
      const now = await standing(
        machine,
        before.map(({ unit }) => ({ name: unit, systemd: unit, reload: [] })),
      );
      const differs = before.filter(({ enabled }, index) => now[index]?.enabled !== enabled);
      for (const { unit, enabled } of differs) await systemctl(enabled ? 'enable' : 'disable', '--quiet', '--no-reload', unit);
      await systemctl('daemon-reload');
      for (const { unit } of before.filter(({ active }) => active)) await systemctl('start', unit);
    },
    // journald has no reload on either release; systemd keeps its sockets and what is in them meanwhile (systemd-journald.service(8)).
    reloadLogs: () => systemctl('restart', 'systemd-journald.service'),
    lastWords: async (unit, since) => {
      const second = Math.floor(since.getTime() / 1000);
      const words = ['-u', unit.systemd, '--since', `@${second}`, '-n', '40', '-o', 'cat', '--no-pager', '--quiet'];
      return (await machine.run(['journalctl', ...words])).stdout;
    },
  };
};
