/**
 * Rspamd as a service. It runs as `_rspamd` from the start, never as root; the group lets it open Redis' socket, without a
 * change in /etc/group. Reload by SIGHUP: new workers with the new configuration take over the sockets. It reads what strangers send, and Debian's
 * package lacks later fixes: so it may not take more than half of the machine, and sees and writes little of it.
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

/** In MB. With two scanners it has 300 after the first start, and a message of 50 MB needs several times that for a moment. */
export const memoryMost = (memoryMb: number): number => Math.max(512, Math.floor(memoryMb / 2));

/**
 * systemd.exec(5), systemd.resource-control(5). None of the lines that imply NoNewPrivileges for a service with a user (all that filter system
 * calls do): a rule of ours calls sendmail(1), whose postdrop is setgid and writes into Postfix' queue.
 */
const confinement = (memoryMb: number): NonNullable<Unit['dropIn']> =>
  Object.entries({
    MemoryHigh: `${Math.floor((memoryMost(memoryMb) * 7) / 8)}M`,
    MemoryMax: `${memoryMost(memoryMb)}M`,
    // The scanner that the kernel kills is replaced by the main process; by default systemd would stop all of it.
    OOMPolicy: 'continue',
    CapabilityBoundingSet: '',
    ProtectSystem: 'strict',
    ReadWritePaths: '/var/lib/rspamd /var/spool/postfix',
    InaccessiblePaths: '-/var/vmail -/var/lib/hauspost -/var/lib/mysql',
    ProtectHome: 'yes',
    ProtectProc: 'invisible',
    ProtectControlGroups: 'yes',
    PrivateTmp: 'yes',
  }).map(([set, to]) => ({ section: 'Service', set, to }));

export const rspamdUnit = ({ facts }: Pick<RenderInput, 'facts'>): Unit => {
  const environment = [QUICK_NAMES, ...(facts.codename === 'bookworm' ? [] : FRUGAL)];
  return {
    systemd: 'rspamd.service',
    dropIn: [
      { section: 'Service', set: 'SupplementaryGroups', to: REDIS_GROUP },
      { section: 'Service', set: 'Environment', to: environment.map((setting) => `"${setting}"`).join(' ') },
      ...confinement(facts.memoryMb),
    ],
    foreground: [
      // Of each process (getrlimit(2)); a scanner that wants more ends and is replaced.
      ...['/usr/bin/prlimit', `--data=${memoryMost(facts.memoryMb) * 2 ** 20}`],
      ...['/usr/bin/setpriv', '--reuid=_rspamd', '--regid=_rspamd', `--groups=_rspamd,${REDIS_GROUP}`],
      ...['/usr/bin/env', ...environment, '/usr/bin/rspamd', '-c', '/etc/rspamd/rspamd.conf', '-f'],
    ],
    prepare: [['/usr/bin/install', '-d', '-o', '_rspamd', '-g', '_rspamd', '-m', '0755', '/run/rspamd']],
    reload: ['sv', 'hup', `${RUNIT_DIR}/rspamd`],
  };
};
