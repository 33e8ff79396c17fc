/**
 * Rspamd as a service. It runs as `_rspamd` from the start, never as root; the group lets it open Redis' socket, without a
 * change in /etc/group. Reload by SIGHUP: new workers with the new configuration take over the sockets.
 */
import { RUNIT_DIR } from '#machine';
import type { Unit } from '#model';

/** Group of Redis' socket, as in the wiring (tested). */
export const REDIS_GROUP = 'redis';

/** Rspamd asks the C library for the servers of fuzzy_check while it reads its configuration: a dead resolver must not hold it up (resolv.conf(5)). */
const RES_OPTIONS = 'RES_OPTIONS=timeout:1 attempts:1';

export const rspamdUnit: Unit = {
  systemd: 'rspamd.service',
  dropIn: [
    { section: 'Unit', set: 'After', to: 'unbound.service redis-server.service' },
    { section: 'Service', set: 'SupplementaryGroups', to: REDIS_GROUP },
    { section: 'Service', set: 'Environment', to: `"${RES_OPTIONS}"` },
  ],
  foreground: [
    '/usr/bin/env',
    RES_OPTIONS,
    '/usr/bin/setpriv',
    '--reuid=_rspamd',
    '--regid=_rspamd',
    `--groups=_rspamd,${REDIS_GROUP}`,
    '/usr/bin/rspamd',
    '-c',
    '/etc/rspamd/rspamd.conf',
    '-f',
  ],
  prepare: [['/usr/bin/install', '-d', '-o', '_rspamd', '-g', '_rspamd', '-m', '0755', '/run/rspamd']],
  reload: ['sv', 'hup', `${RUNIT_DIR}/rspamd`],
};
