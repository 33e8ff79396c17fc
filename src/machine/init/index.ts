import type { Facts } from '../facts.ts';
import type { Machine } from '../machine.ts';
import type { Init } from './init.ts';
import { runit } from './runit.ts';
import { systemd } from './systemd.ts';

export type { Init, Standing, Supervised, UnitState } from './init.ts';
export { RUNIT_DIR, RUNIT_LOGS } from './runit.ts';
export const initOf = (machine: Machine, facts: Pick<Facts, 'init'>): Init => (facts.init === 'systemd' ? systemd(machine) : runit(machine));
