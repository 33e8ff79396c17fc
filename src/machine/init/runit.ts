/**
 * runit (Debian's package): one runsvdir over our run scripts. Each service directory holds a `down` file, so nothing starts
 * before `up` has said so in its order; from then on runsv(8) restarts what ends. Logs go through svlogd(8), which rotates.
 */
import { path } from '#base';
import type { Machine } from '../machine.ts';
import { must } from '../real.ts';
import type { Init, Supervised, UnitState } from './init.ts';

export const RUNIT_DIR = path('/etc/hauspost/runit');
export const RUNIT_LOGS = path('/var/log/hauspost');

const directory = (unit: Supervised): string => `${RUNIT_DIR}/${unit.name}`;

/** `supervise/status` of runsv(8) begins with when the process was started: TAI64N, of which the seconds are eight octets, 2^62 + 10 at the epoch. */
const startOf = (status: Buffer): Date | undefined =>
  status.length < 8 ? undefined : new Date(Number(status.readBigUInt64BE() - 2n ** 62n - 10n) * 1000);

/** Words of `supervise/stat` (runsv(8)). */
const state = async (machine: Machine, unit: Supervised): Promise<UnitState> => {
  const text = (name: string): Promise<string> =>
    machine.read(path(`${directory(unit)}/supervise/${name}`)).then((found) => found?.toString().trim() ?? '');
  const pid = Number(await text('pid'));
  if (!(await text('stat')).startsWith('run') || !(pid > 0) || !machine.signal(pid, 0)) return { state: 'stopped' };
  const since = startOf((await machine.read(path(`${directory(unit)}/supervise/status`))) ?? Buffer.alloc(0));
  return { state: 'running', pid, ...(since === undefined ? {} : { since }) };
};

/** runsv opens this pipe; as long as nobody reads it, nothing supervises the directory. */
const supervised = async (machine: Machine, unit: Supervised): Promise<boolean> => (await machine.run(['sv', 'status', directory(unit)])).code === 0;

const ensureRunsvdir = async (machine: Machine, unit: Supervised): Promise<void> => {
  if (await supervised(machine, unit)) return;
  const running = await machine.run(['pgrep', '-f', '-x', `runsvdir -P ${RUNIT_DIR}`]);
  if (running.code !== 0) await machine.detach(['runsvdir', '-P', RUNIT_DIR]);
  // runsvdir looks for new directories every five seconds (runsvdir(8)).
  if (!(await machine.waitFor(() => supervised(machine, unit), 15_000))) await must(machine, ['sv', 'status', directory(unit)]);
};

export const runit = (machine: Machine): Init => {
  const sv = async (unit: Supervised, ...command: readonly string[]): Promise<void> => {
    await ensureRunsvdir(machine, unit);
    await must(machine, ['sv', '-w', '60', ...command, directory(unit)], { ms: 90_000 });
  };
  return {
    kind: 'runit',
    refresh: () => Promise.resolve(),
    enable: () => Promise.resolve(),
    start: (unit) => sv(unit, 'start'),
    stop: async (unit) => {
      if (await supervised(machine, unit)) await sv(unit, 'force-stop');
    },
    restart: (unit) => sv(unit, 'force-restart'),
    reload: async (unit) => {
      if (unit.reload.length === 0) await sv(unit, 'force-restart');
      else await must(machine, unit.reload);
    },
    states: (units) => Promise.all(units.map((unit) => state(machine, unit))),
    state: (unit) => state(machine, unit),
    standing: () => Promise.resolve([]),
    putBack: () => Promise.resolve(),
    reloadLogs: async (units) => {
      // svlogd(8) reads its configuration when it starts, and again on SIGHUP.
      for (const unit of units) if (await supervised(machine, unit)) await must(machine, ['sv', 'hup', `${directory(unit)}/log`]);
    },
    lastWords: async (unit, since) => {
      const log = (await machine.read(path(`${RUNIT_LOGS}/${unit.name}/current`)))?.toString() ?? '';
      // Each line begins with its time in UTC, `2026-01-31_23:59:59.12345` (svlogd(8), -tt).
      const begin = since.toISOString().replace('T', '_').slice(0, -1);
      const lines = log.split('\n').filter((line) => line.slice(0, begin.length) >= begin);
      return lines.slice(-40).join('\n');
    },
  };
};
