/**
 * How Postfix is started. Under runit master(8) itself is the process: `postfix start-fg` keeps a shell above it that does not
 * pass signals on, unless it is PID 1.
 */
import type { RenderInput, Unit } from '#model';

/** On Debian 12 postfix.service runs /bin/true, and the daemon is an instance of a template. */
const SYSTEMD = { bookworm: 'postfix@-.service', trixie: 'postfix.service' };

export const postfixUnit = ({ facts }: Pick<RenderInput, 'facts'>): Unit => ({
  systemd: SYSTEMD[facts.codename],
  // journald.conf(5): by default lines beyond 10,000 in 30 s are dropped.
  dropIn: [{ section: 'Service', set: 'LogRateLimitIntervalSec', to: '0' }],
  prepare: [['postfix', 'check']],
  foreground: ['/usr/lib/postfix/sbin/master', '-s'],
  reload: ['postfix', 'reload'],
});
