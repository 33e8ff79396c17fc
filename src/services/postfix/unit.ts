/**
 * How Postfix is started. Under runit master(8) itself is the process: `postfix start-fg` keeps a shell above it that does not
 * pass signals on, unless it is PID 1.
 */
import type { RenderInput, Unit } from '#model';
import { FILTER_OF_JOURNALD } from '../unlogged.ts';

/** On Debian 12 postfix.service runs /bin/true, and the daemon is an instance of a template. */
const SYSTEMD = {
  bookworm: { systemd: 'postfix@-.service' },
  // It conflicts with the instance, and that is part of it: while both are there systemd refuses to restart it.
  trixie: { systemd: 'postfix.service', formerly: 'postfix@-.service' },
};

export const postfixUnit = ({ facts }: Pick<RenderInput, 'facts'>): Unit => ({
  ...SYSTEMD[facts.codename],
  dropIn: [
    // Debian 12 tells systemd not to guess which process is master(8); unless it knows, it does not notice that master was killed.
    { section: 'Service', set: 'PIDFile', to: '/var/spool/postfix/pid/master.pid' },
    // Debian's units leave a Postfix that was killed (by the kernel for want of memory, say) where it is.
    { section: 'Service', set: 'Restart', to: 'on-failure' },
    // journald.conf(5): by default lines beyond 10,000 in 30 s are dropped.
    { section: 'Service', set: 'LogRateLimitIntervalSec', to: '0' },
    // systemd of Debian 12 does not know it.
    ...(facts.codename === 'bookworm' ? [] : [{ section: 'Service', set: 'LogFilterPatterns', to: FILTER_OF_JOURNALD }]),
  ],
  prepare: [['postfix', 'check']],
  foreground: ['/usr/lib/postfix/sbin/master', '-s'],
  reload: ['postfix', 'reload'],
});
