/**
 * A daemon of our own: a small loop that asks the database which domains there are, and has Hauspost make keys for those that
 * have none, since SQL adds domains without asking anybody. It is a shell script because Node would take fifty times its memory.
 */
import type { RenderInput, Service, Unit } from '#model';
import { checkScript, ownItems, type OwnDaemon, wantedDirectory } from '../own-unit.ts';
import { LOOP, loop } from './loop.ts';

const SYSTEMD = 'hauspost-dkim-keys.service';

const unit: Unit = { systemd: SYSTEMD, foreground: [LOOP], prepare: [], reload: [] };

const daemon = (input: RenderInput): OwnDaemon => ({
  name: 'dkim-keys',
  systemd: SYSTEMD,
  description: 'DKIM keys for domains that SQL adds',
  script: LOOP,
  text: loop(input),
  wanted: 'hauspost',
});

export const dkimKeys: Service = {
  name: 'dkim-keys',
  packages: () => [],
  unit: () => unit,
  items: (input) => [...wantedDirectory(input), ...ownItems(daemon(input), input)],
  check: (room) => checkScript(room, 'dkim-keys', LOOP),
  probes: () => [],
};
