/**
 * Rspamd as a service. It runs as `_rspamd` from the start, never as root; the group lets it open Redis' socket, without a
 * change in /etc/group. Reload by SIGHUP: new workers with the new configuration take over the sockets.
 */
import { RUNIT_DIR } from '#machine';
import type { RenderInput, Unit } from '#model';

/** Group of Redis' socket, as in the wiring (tested). */
export const REDIS_GROUP = 'redis';

/** Rspamd asks the C library for the servers of fuzzy_check while it reads its configuration; a dead resolver must not hold it up (resolv.conf(5)). */
export const QUICK_NAMES = 'RES_OPTIONS=timeout:1 attempts:1';

/**
 * What the first start's compilation of patterns used is given back by jemalloc (Redis' package brings it), not by glibc's malloc: 135
 * instead of 280 MB on Debian 13. Debian 12's Rspamd does not start with it (docs/rspamd.md) and stays at 240 MB until its next restart.
 */
const FRUGAL = ['LD_PRELOAD=libjemalloc.so.2', 'MALLOC_CONF=dirty_decay_ms:1000,muzzy_decay_ms:0'];

export const rspamdUnit = ({ facts }: Pick<RenderInput, 'facts'>): Unit => {
  const environment = [QUICK_NAMES, ...(facts.codename === 'bookworm' ? [] : FRUGAL)];
  return {
    systemd: 'rspamd.service',
    dropIn: [
      { section: 'Service', set: 'SupplementaryGroups', to: REDIS_GROUP },
      { section: 'Service', set: 'Environment', to: environment.map((setting) => `"${setting}"`).join(' ') },
    ],
    foreground: [
      ...['/usr/bin/setpriv', '--reuid=_rspamd', '--regid=_rspamd', `--groups=_rspamd,${REDIS_GROUP}`],
      ...['/usr/bin/env', ...environment, '/usr/bin/rspamd', '-c', '/etc/rspamd/rspamd.conf', '-f'],
    ],
    prepare: [['/usr/bin/install', '-d', '-o', '_rspamd', '-g', '_rspamd', '-m', '0755', '/run/rspamd']],
    reload: ['sv', 'hup', `${RUNIT_DIR}/rspamd`],
  };
};
