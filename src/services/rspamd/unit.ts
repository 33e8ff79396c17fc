/**
 * Rspamd as a service. It runs as `_rspamd` from the start, never as root; the group lets it open Redis' socket, without a
 * change in /etc/group. Reload by SIGHUP: new workers with the new configuration take over the sockets. It reads what strangers send, and Debian's
 * package lacks later fixes: so it may not take more than half of the machine, or what the largest message needs, and sees and writes little of it.
 */
import { type Facts, RUNIT_DIR } from '#machine';
import type { RenderInput, Unit } from '#model';

/** Group of Redis' socket, as in the wiring (tested). */
export const REDIS_GROUP = 'redis';

/** Rspamd asks the C library for the servers of fuzzy_check while it reads its configuration; a dead resolver must not hold it up (resolv.conf(5)). */
export const QUICK_NAMES = 'RES_OPTIONS=timeout:1 attempts:1';

/**
 * What a compilation of patterns or a large message used is given back at once by jemalloc, not by glibc's malloc: 117 instead of 272 MB after the first
 * start on Debian 13. A time of decay would not do: without allocations nobody looks at the clock (jemalloc(3), `dirty_decay_ms`).
 */
const FRUGAL = 'MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0';

/**
 * Debian 12's librspamd-kann uses libm and does not say so; once jemalloc's need for libm puts that before it, the program crashes as it starts. First in
 * the list it is relocated last (ld.so(8), `LD_PRELOAD`).
 */
const PRELOAD: Readonly<Record<Facts['codename'], string>> = {
  bookworm: 'LD_PRELOAD=/usr/lib/rspamd/librspamd-kann.so:libjemalloc.so.2',
  trixie: 'LD_PRELOAD=libjemalloc.so.2',
};

/** In MB, all of Rspamd while one message is scanned: 768 for one of 50 MB; for 99 and 199 MB 840 and 1,242 were seen (docs/rspamd.md, "Start and memory"). */
const scanNeeds = (messageMb: number): number => 468 + 6 * messageMb;

/** In MB, for everybody else on a machine that is short of memory. */
const OTHERS = 400;

/**
 * In MB. What the largest message takes for a moment must fit, or it would be put off for ever. Two at once need not: the kernel then kills one,
 * and Postfix says "later".
 */
export const memoryMost = (memoryMb: number, messageMb: number): number =>
  Math.max(768, Math.floor(memoryMb / 2), Math.min(scanNeeds(messageMb), memoryMb - OTHERS));

const most = ({ settings: { mail }, facts }: Pick<RenderInput, 'settings' | 'facts'>): number => memoryMost(facts.memoryMb, mail.messageSizeLimit);

/** Where Postfix takes larger messages than this machine can scan: the largest that it can, and the memory that it would need, in MB. */
export const beyondMemory = (input: Pick<RenderInput, 'settings' | 'facts'>): { readonly largest: number; readonly wants: number } | undefined => {
  const needs = scanNeeds(input.settings.mail.messageSizeLimit);
  if (needs <= most(input)) return undefined;
  return { largest: Math.floor((most(input) - scanNeeds(0)) / 6), wants: needs + OTHERS };
};

/**
 * systemd.exec(5), systemd.resource-control(5). None of the lines that imply NoNewPrivileges for a service with a user (all that filter system
 * calls do): a rule of ours calls sendmail(1), whose postdrop is setgid and writes into Postfix' queue.
 */
const confinement = (memoryMax: number): NonNullable<Unit['dropIn']> =>
  Object.entries({
    // No MemoryHigh: what a scan holds cannot be reclaimed, so beyond it a scanner would stand still where MemoryMax ends it (cgroup-v2.rst, memory.high).
    MemoryMax: `${memoryMax}M`,
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

export const rspamdUnit = (input: Pick<RenderInput, 'settings' | 'facts'>): Unit => {
  const { facts } = input;
  const environment = [QUICK_NAMES, PRELOAD[facts.codename], FRUGAL];
  return {
    systemd: 'rspamd.service',
    dropIn: [
      { section: 'Service', set: 'SupplementaryGroups', to: REDIS_GROUP },
      { section: 'Service', set: 'Environment', to: environment.map((setting) => `"${setting}"`).join(' ') },
      ...confinement(most(input)),
    ],
    foreground: [
      // Of each process, and of addresses, not pages: twice as many (getrlimit(2)); a scanner that wants more ends and is replaced.
      ...['/usr/bin/prlimit', `--data=${2 * most(input) * 2 ** 20}`],
      ...['/usr/bin/setpriv', '--reuid=_rspamd', '--regid=_rspamd', `--groups=_rspamd,${REDIS_GROUP}`],
      ...['/usr/bin/env', ...environment, '/usr/bin/rspamd', '-c', '/etc/rspamd/rspamd.conf', '-f'],
    ],
    prepare: [['/usr/bin/install', '-d', '-o', '_rspamd', '-g', '_rspamd', '-m', '0755', '/run/rspamd']],
    reload: ['sv', 'hup', `${RUNIT_DIR}/rspamd`],
  };
};
