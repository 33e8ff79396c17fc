/**
 * Debian packages by apt and dpkg. Installing never starts a half-configured daemon: to what our apt-get starts, a policy-rc.d (invoke-rc.d(8)) answers 101.
 * To all others, who install while ours waits for them or after we were killed, it leaves the answer to whatever policy was there before, which waits beside it.
 */
import { type AbsPath, environmentError, failure, path, type Reporter } from '#base';
import type { Machine, Ran, RunOptions } from './machine.ts';
import { must, succeeded } from './real.ts';

const POLICY = path('/usr/sbin/policy-rc.d');
/** Somebody else's, meanwhile. */
const ASIDE = path('/usr/sbin/policy-rc.d.before-hauspost');
const MARK = '# hauspost: asked only while packages install';

/** apt's own words for "keep what is there, never ask" (apt.conf(5), dpkg(1)). */
const APT = ['apt-get', '-y', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'];

/** Who is told, and who may end it. */
export interface Attended {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** Where another one installs, or reads the lists: apt-get(8) 2.6 and 3.0; dpkg(1) 1.21, which says `another`, and 1.22, which names the program. */
const HELD = [
  /It is held by process (?<pid>\d+)(?: \((?<program>.+?)\))?/,
  /lock was locked by (?:another|(?<program>.+)) process with pid (?<pid>\d+)/,
];

/** Who is at work; undefined where the program did not fail for that. */
const holderIn = ({ code, stderr }: Ran): string | undefined => {
  const groups = code === 0 ? undefined : HELD.map((each) => each.exec(stderr)?.groups).find((found) => found !== undefined);
  return groups === undefined ? undefined : `${groups['program'] ?? 'it'} is process ${groups['pid']}`;
};

const AGAIN_MS = 2000;
/** A new machine brings itself up to date at its first boot, which may take minutes. */
const TIMES = 450;

/** Somebody else's work on packages is waited for: apt-get(8) itself waits for one of its locks only, and dpkg(1) for none. */
const inTurn = async (machine: Machine, argv: readonly string[], options: RunOptions, { reporter, signal }: Attended): Promise<Ran> => {
  for (let times = 0; ; times += 1) {
    const ran = await machine.run(argv, options);
    const holder = holderIn(ran);
    if (holder === undefined) return ran;
    const text = `another program is at work on Debian's packages (${holder})`;
    if (times === TIMES) throw environmentError({ code: 'packages.busy', message: text, remedy: 'Wait until it has ended, then run this again.' });
    if (times === 0) reporter.emit({ kind: 'info', text: `${text}; waiting until it has ended` });
    await machine.pause(AGAIN_MS, signal).catch((cause: unknown) => {
      throw failure({ code: 'packages.interrupted', message: 'interrupted; no package was installed', remedy: 'Run it again when you like.', cause });
    });
  }
};

/** Upstream part of a Debian version: no epoch, no revision, no repack suffix (deb-version(7)). */
export const upstreamVersion = (version: string): string =>
  version
    .replace(/^[0-9]+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~].*$/, '');

/** What dpkg knows, by what its database was like then: dpkg(1) puts another `status` in its place, and notes meanwhile in `updates` what it has done. */
interface Known {
  readonly database: string;
  readonly versions: ReadonlyMap<string, string>;
}

const DATABASE = ['/var/lib/dpkg/status', '/var/lib/dpkg/updates'].map((each) => path(each));
const known = new WeakMap<Machine, Known>();

/** Also what the administrator holds at its version (apt-mark(8)): wanted state and state, as dpkg-query(1) abbreviates them. */
const INSTALLED = ['ii', 'hi'];

const versionsOf = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\n').flatMap((line) => {
      const [name, status, version] = line.split(/ +/);
      return name !== undefined && INSTALLED.includes(status ?? '') && version !== undefined ? [[name, version] as const] : [];
    }),
  );

/** Another text once one of them was written. */
const likeNow = async (machine: Machine, paths: readonly AbsPath[]): Promise<string> => {
  const states = await Promise.all(paths.map((each) => machine.state(each)));
  return states.map((state) => `${state?.modified.getTime()} ${state?.size}`).join();
};

/** Of all packages that are fully installed. */
const everyVersion = async (machine: Machine): Promise<ReadonlyMap<string, string>> => {
  const database = await likeNow(machine, DATABASE);
  const before = known.get(machine);
  if (before?.database === database) return before.versions;
  const versions = versionsOf((await machine.run(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Abbrev} ${Version}\\n'])).stdout);
  known.set(machine, { database, versions });
  return versions;
};

/** Installed version of each; packages that are not (fully) installed are left out. */
export const installedVersions = async (machine: Machine, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const versions = await everyVersion(machine);
  return new Map(
    names.flatMap((name) => {
      const version = versions.get(name);
      return version === undefined ? [] : [[name, version] as const];
    }),
  );
};

/** What the package source would install. */
const candidates = async (machine: Machine, names: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const ran = await machine.run(['apt-cache', 'policy', ...names]);
  const found = new Map<string, string>();
  let current = '';
  for (const line of ran.stdout.split('\n')) {
    const head = /^([a-z0-9][a-z0-9.+-]*):$/.exec(line);
    if (head?.[1] !== undefined) current = head[1];
    const candidate = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== '(none)') found.set(current, candidate);
  }
  return found;
};

export const updateLists = async (machine: Machine, attended: Attended): Promise<void> => {
  const onLine = (line: string): void => attended.reporter.emit({ kind: 'output', source: 'apt-get update', line });
  await inTurn(machine, ['apt-get', 'update'], { ms: 300_000, onLine }, attended);
};

/** Version of each package, installed or else offered; asks the package source for its lists when something is missing. */
export const knownVersions = async (machine: Machine, names: readonly string[], attended: Attended): Promise<ReadonlyMap<string, string>> => {
  const installed = await installedVersions(machine, names);
  const missing = names.filter((name) => !installed.has(name));
  if (missing.length === 0) return installed;
  let offered = await candidates(machine, missing);
  if (missing.some((name) => !offered.has(name))) {
    await updateLists(machine, attended);
    offered = await candidates(machine, missing);
  }
  const gone = missing.filter((name) => !offered.has(name));
  if (gone.length > 0) {
    throw environmentError({
      code: 'packages.not-offered',
      message: `no package source offers ${gone.join(', ')}`,
      remedy: "Check /etc/apt/sources.list (Debian's main section of this release) and the network, then run 'apt-get update'.",
      detail: { packages: gone },
    });
  }
  return new Map([...offered, ...installed]);
};

/** Tells what our apt-get starts, also when it outlives us: dpkg(1) and maintainer scripts keep the environment. */
const INSTALLS = 'HAUSPOST_INSTALLS';
const OURS = { [INSTALLS]: '1' };

/** A program that leaves with its package must stop, or it would keep its ports; who asks is in dpkg's environment (dpkg(1)). */
const mayStop = (leaving: readonly string[]): string =>
  leaving.length === 0 ? '' : `case $DPKG_MAINTSCRIPT_PACKAGE in ${leaving.join('|')}) for word; do [ "$word" = stop ] && exit 0; done ;; esac\n`;

const policyScript = (leaving: readonly string[]): string => `#!/bin/sh
${MARK}
${mayStop(leaving)}[ -n "\${${INSTALLS}:-}" ] && exit 101
[ -x ${ASIDE} ] && exec ${ASIDE} "$@"
exit 0
`;

const isForeign = async (machine: Machine): Promise<boolean> =>
  (await machine.state(POLICY)) !== undefined && (await machine.read(POLICY))?.includes(MARK) !== true;

/** Ours goes, and what was there before it is there again, also where the installation was killed. Not while packages of ours are still being set up. */
export const endPolicy = async (machine: Machine): Promise<void> => {
  if (await isForeign(machine)) return;
  if ((await machine.state(ASIDE)) !== undefined) await machine.rename(ASIDE, POLICY);
  else if ((await machine.state(POLICY)) !== undefined) await machine.remove(POLICY);
};

const withPolicy = async <T>(machine: Machine, leaving: readonly string[], work: () => Promise<T>): Promise<T> => {
  if (await isForeign(machine)) await machine.rename(POLICY, ASIDE);
  try {
    await machine.write(POLICY, policyScript(leaving), { owner: 'root:root', mode: 0o755 });
    return await work();
  } finally {
    await endPolicy(machine);
  }
};

/** Answers what packages would ask when they are installed or updated, now and later (debconf-set-selections(1)). */
export const answerQuestions = async (machine: Machine, answers: readonly string[]): Promise<void> => {
  if (answers.length > 0) await must(machine, ['debconf-set-selections'], { input: answers.map((line) => `${line}\n`).join('') });
};

/** Those of `names` that are not installed yet. */
export const missingPackages = async (machine: Machine, names: readonly string[]): Promise<readonly string[]> => {
  const installed = await installedVersions(machine, names);
  return names.filter((name) => !installed.has(name));
};

/** What installing packages brings about. */
export interface Foreseen {
  /** On the disk, of the packages and what comes with them: archives and unpacked. */
  readonly octets: number;
  /** What apt takes away for them: another mail server, for Postfix. */
  readonly leaving: readonly string[];
}

/** Simulated: a line is `Inst PACKAGE ...` or `Remv PACKAGE ...` (apt-get(8)); `Installed-Size` is in KiB (deb-control(5)). */
const simulated = async (machine: Machine, names: readonly string[]): Promise<Foreseen> => {
  const ran = await machine.run([...APT, '-s', 'install', ...names]);
  const named = (line: RegExp): readonly string[] => ran.stdout.split('\n').flatMap((each) => line.exec(each)?.[1] ?? []);
  const [coming, leaving] = [named(/^Inst ([a-z0-9][a-z0-9.+-]*)/), named(/^Remv ([a-z0-9][a-z0-9.+-]*)/)];
  if (coming.length === 0) return { octets: 0, leaving };
  const shown = (await machine.run(['apt-cache', '--no-all-versions', 'show', ...coming])).stdout;
  const sum = (field: RegExp): number => [...shown.matchAll(field)].reduce((total, [, value]) => total + Number(value), 0);
  return { octets: sum(/^Installed-Size: ([0-9]+)$/gm) * 1024 + sum(/^Size: ([0-9]+)$/gm), leaving };
};

/** Simulated last, by what it was simulated for: a question and what comes of it ask for the same, which takes apt-get(8) a second. */
const foreseen = new WeakMap<Machine, { readonly of: string; readonly what: Foreseen }>();

const LISTS = path('/var/lib/apt/lists');

export const foreseePackages = async (machine: Machine, names: readonly string[]): Promise<Foreseen> => {
  if (names.length === 0) return { octets: 0, leaving: [] };
  const of = [await likeNow(machine, [...DATABASE, LISTS]), ...names].join(' ');
  const before = foreseen.get(machine);
  if (before?.of === of) return before.what;
  const what = await simulated(machine, names);
  foreseen.set(machine, { of, what });
  return what;
};

/**
 * Packages tell systemd to read all units anew, up to three times each and a second at a time. Where nothing shall start that waits for the
 * end, once: offline, systemctl(1) leaves out what it would tell the manager (systemd, doc/ENVIRONMENT). Not where a daemon leaves and must stop.
 */
const offline = async (machine: Machine, leaving: readonly string[]): Promise<boolean> =>
  leaving.length === 0 && (await machine.state(path('/run/systemd/system'))) !== undefined;

/** Calls `then` with each package that is set up: dpkg(1) says `Setting up NAME (VERSION) ...` where it begins, and what comes next where that has ended. */
const watchSetUp = (then: (name: string) => void): ((line: string) => void) => {
  let current: string | undefined;
  return (line) => {
    if (!/^(Setting up|Processing triggers for) /.test(line)) return;
    if (current !== undefined) then(current);
    current = /^Setting up ([^ :]+)/.exec(line)?.[1];
  };
};

/**
 * Installs what is missing, without starting a daemon. Finishes an installation that was interrupted before. `setUp` is called with each package that is
 * set up while others are not; of the last one the end of all tells.
 */
export const installPackages = async (
  machine: Machine,
  names: readonly string[],
  { leaving }: Foreseen,
  attended: Attended,
  setUp: (name: string) => void,
): Promise<void> => {
  const watch = watchSetUp(setUp);
  const onLine = (line: string): void => {
    attended.reporter.emit({ kind: 'output', source: 'apt-get', line });
    watch(line);
  };
  const quiet = await offline(machine, leaving);
  const env = quiet ? { ...OURS, SYSTEMD_OFFLINE: '1' } : OURS;
  await withPolicy(machine, leaving, async () => {
    const configure = ['dpkg', '--configure', '-a', '--force-confdef', '--force-confold'];
    succeeded(configure, await inTurn(machine, configure, { ms: 600_000, onLine, env }, attended));
    const ran = await inTurn(machine, [...APT, 'install', ...names], { ms: 1_800_000, onLine, env }, attended);
    if (quiet) await must(machine, ['systemctl', 'daemon-reload'], {});
    if (ran.code === 0) return;
    throw environmentError({
      code: 'packages.not-installed',
      message: `apt-get could not install ${names.join(' ')}:\n${ran.stderr.trim().split('\n').slice(-4).join('\n')}`,
      remedy: "Check the network and the package sources ('apt-get update'), then run this again: it goes on where it stopped.",
    });
  });
};
