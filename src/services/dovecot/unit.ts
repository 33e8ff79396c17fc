/**
 * Dovecot as a service. Under systemd Debian's unit with a drop-in, under runit in the foreground, logging to standard error. It makes
 * /run/dovecot itself; the directory of Postfix' sockets must be there before it starts, or it does not start at all.
 */
import type { Unit } from '#model';
import { COMPILE } from './compile.ts';

/** The C library looks at /etc/localtime again for every line that is logged and every message, unless it is told that it stays (tzset(3)). */
const ZONE = 'TZ=:/etc/localtime';

export const dovecotUnit: Unit = {
  systemd: 'dovecot.service',
  dropIn: [
    { section: 'Service', set: 'Environment', to: ZONE },
    // systemd.service(5): that it fails does not matter (-), and Debian's unit lets nobody write below /etc but who has full rights (+).
    { section: 'Service', set: 'ExecStartPre', to: `-+${COMPILE}` },
    { section: 'Service', set: 'Restart', to: 'on-failure' },
    // Somebody's script may take memory until the kernel ends its delivery: Debian 12's unit lets systemd stop all of Dovecot, sessions and all.
    { section: 'Service', set: 'OOMPolicy', to: 'continue' },
    // journald drops what is beyond 10,000 lines in 30 s of one unit, and a busy machine logs more.
    { section: 'Service', set: 'LogRateLimitIntervalSec', to: '0' },
  ],
  foreground: ['/usr/bin/env', ZONE, '/usr/sbin/dovecot', '-F'],
  prepare: [['/bin/sh', '-c', `${COMPILE} || :`]],
  leavesProcesses: true, // sessions, so that they live through a reload (services.ts)
  reload: ['/usr/bin/doveadm', 'reload'],
};
