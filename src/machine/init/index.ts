import type { Facts } from '../facts.ts';
import type { Machine } from '../machine.ts';
import type { Init } from './init.ts';
import { RUNIT_LOGS, runit } from './runit.ts';
import { systemd } from './systemd.ts';

export type { Init, Standing, Supervised, UnitState } from './init.ts';
export { RUNIT_DIR, RUNIT_LOGS } from './runit.ts';
export const initOf = (machine: Machine, facts: Pick<Facts, 'init'>): Init => (facts.init === 'systemd' ? systemd(machine) : runit(machine));

/** Where a daemon's log is read: a command, or a file. `unit`: Debian's, where it has another name. */
export const logOf = ({ init }: Pick<Facts, 'init'>, name: string, unit = name): string =>
  init === 'systemd' ? `journalctl -u ${unit}` : `${RUNIT_LOGS}/${name}/current`;
