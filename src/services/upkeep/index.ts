/**
 * A daemon of our own: has Hauspost do what time asks for (certificates that run out, keys that are to be changed), about once an hour, or earlier where
 * the last time said so. A process of its own beside dkim-keys, since what it calls may wait for others for minutes, and a domain that SQL
 * added signs within one.
 */
import type { RenderInput, Service, Unit } from '#model';
import { checkScript, ownItems, type OwnDaemon } from '../own-unit.ts';
import { LOOP, loop } from './loop.ts';

export { DUE } from './loop.ts';

const SYSTEMD = 'hauspost-upkeep.service';

const unit: Unit = { systemd: SYSTEMD, foreground: [LOOP], prepare: [], reload: [] };

const daemon = (input: RenderInput): OwnDaemon => ({
  name: 'upkeep',
  systemd: SYSTEMD,
  description: 'Certificates and keys that are to be renewed',
  script: LOOP,
  text: loop(input),
  wanted: 'hauspost-upkeep',
});

export const upkeep: Service = {
  name: 'upkeep',
  packages: () => [],
  unit: () => unit,
  items: (input) => ownItems(daemon(input), input),
  check: (room) => checkScript(room, 'upkeep', LOOP),
  probes: () => [],
};
