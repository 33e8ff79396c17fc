/** Rspamd: filters as a milter, signs with DKIM, says in a header what it found. Front door of the service. */
import type { Service } from '#model';
import { ahead } from './ahead.ts';
import { checkRspamd, placeIn } from './check.ts';
import { rspamdItems } from './files.ts';
import { rspamdProbes } from './probes.ts';
import { rspamdUnit } from './unit.ts';

export { rspamdPasswordHash } from './password.ts';
export { beyondMemory } from './unit.ts';
export { CONTROLLER_HASH } from './workers.ts';

export const rspamd: Service = {
  name: 'rspamd',
  packages: () => ['rspamd', 'libjemalloc2'],
  ahead,
  unit: rspamdUnit,
  items: rspamdItems,
  check: checkRspamd,
  placeIn,
  probes: rspamdProbes,
};
