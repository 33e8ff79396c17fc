/**
 * `sh lab/node.sh bench/figures.ts [bookworm|trixie]`: the contract's P2, P3 and P4 on machines of one release, or of both one after the other; writes
 * their sections of docs/figures.md; exit status 1 if a figure does not hold. Nothing else may run meanwhile: processes of other machines take time, and
 * share pages, of which each then has a smaller part (PSS). About ten minutes a release.
 */
import { execFileSync } from 'node:child_process';
import { boot, HAUSPOST, image, type Machine, type Output, processes, type Release, unitOf } from '#lab';
import { record } from './record.ts';
import { versions } from './versions.ts';

const P2_RATIO = 1.6;
const P3_SECONDS = 1.0;
const P4_MB = 400;
const P4_OWN_MB = 80;

const ROUNDS = 3;
const REPETITIONS = 9;
const IDLE_MS = 300_000;
const CORES = '0,1';

const OWN_UNITS = ['hauspost-dkim-keys', 'hauspost-upkeep'];

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const listed = (values: readonly number[], digits: number): string => values.map((value) => value.toFixed(digits)).join(', ');

const timed = async (
  machine: Machine,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Output & { seconds: number }> => {
  const begun = performance.now();
  const output = await machine.run(argv, { env, ms: 1_800_000 });
  if (output.code !== 0) throw new Error(`${argv.join(' ')}: ${output.code}\n${output.stdout.slice(-2000)}\n${output.stderr.slice(-2000)}`);
  return { ...output, seconds: (performance.now() - begun) / 1000 };
};

/** A bare Debian, with the archives of all packages in apt's cache and those of npm in npm's. */
const fresh = async (release: Release): Promise<Machine> => boot({ image: await image({ release, init: 'systemd' }, 'packages') });

interface FirstUp {
  readonly machine: Machine;
  readonly prepared: number;
  readonly up: number;
  /** Control groups that were there before. */
  readonly groups: ReadonlySet<string>;
}

/** `./hauspost up --yes`, in two steps to tell what the launcher takes; it ends with the self-test. */
const firstUp = async (release: Release): Promise<FirstUp> => {
  const machine = await fresh(release);
  await machine.checkout();
  const groups = new Set((await processes(machine)).map(({ group }) => group));
  const { seconds: prepared } = await timed(machine, [HAUSPOST, '--version']);
  const { seconds: up } = await timed(machine, [HAUSPOST, 'up', '--yes']);
  return { machine, prepared, up, groups };
};

/** The packages that it asked apt-get for: the line `Commandline:` of its log. */
const installedBy = async (machine: Machine): Promise<readonly string[]> => {
  const { stdout } = await machine.run(['cat', '/var/log/apt/history.log']);
  const lines = stdout.split('\n').filter((line) => /^Commandline: apt-get .* install /.test(line));
  if (lines.length !== 1) throw new Error(`not one installation: ${lines.join('\n')}`);
  return (lines[0] ?? '').replace(/^.* install /, '').split(' ');
};

/** As somebody would type it; packages start their daemons, as Debian has it. */
const bare = async (release: Release, packages: readonly string[]): Promise<number> => {
  await using machine = await fresh(release);
  const argv = ['apt-get', '-y', '--no-install-recommends', 'install', ...packages];
  return (await timed(machine, argv, { DEBIAN_FRONTEND: 'noninteractive' })).seconds;
};

interface Times {
  readonly prepared: readonly number[];
  readonly up: readonly number[];
  readonly bare: readonly number[];
  readonly last: FirstUp;
}

/** Both take turns: up, bare, bare, up, bare, up. The last machine stays. */
const installations = async (release: Release): Promise<Times> => {
  const first = await firstUp(release);
  const packages = await installedBy(first.machine);
  await first.machine[Symbol.asyncDispose]();
  const alone = [await bare(release, packages), await bare(release, packages)];
  const second = await firstUp(release);
  await second.machine[Symbol.asyncDispose]();
  alone.push(await bare(release, packages));
  const last = await firstUp(release);
  const all = [first, second, last];
  return { prepared: all.map(({ prepared }) => prepared), up: all.map(({ up }) => up), bare: alone, last };
};

interface Memory {
  readonly all: number;
  readonly own: number;
  /** MB by unit, largest first. */
  readonly units: readonly (readonly [string, number])[];
}

/** Of all processes in control groups that `up` brought. */
const idle = async ({ machine, groups }: FirstUp): Promise<Memory> => {
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const added = (await processes(machine)).filter(({ group }) => !groups.has(group));
  const units = new Map<string, number>();
  for (const { group, kb } of added) {
    units.set(unitOf(group), (units.get(unitOf(group)) ?? 0) + kb / 1024);
  }
  return {
    all: added.reduce((sum, { kb }) => sum + kb / 1024, 0),
    own: OWN_UNITS.reduce((sum, unit) => sum + (units.get(unit) ?? Number.NaN), 0),
    units: [...units].toSorted(([, a], [, b]) => b - a),
  };
};

const words = async (machine: Machine, ...argv: readonly string[]): Promise<readonly number[]> => {
  const seconds: number[] = [];
  for (let time = 0; time < REPETITIONS; time += 1) seconds.push((await timed(machine, [HAUSPOST, ...argv])).seconds);
  return seconds;
};

interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly most: string;
  readonly value: number;
  readonly limit: number;
}

const figures = (times: Times, memory: Memory, plan: readonly number[], apply: readonly number[]): readonly Figure[] => {
  const whole = times.up.map((up, index) => up + (times.prepared[index] ?? 0));
  const ratio = median(whole) / median(times.bare);
  const seconds = (what: string, values: readonly number[]): Figure => ({
    what,
    measured: `${median(values).toFixed(2)} s (${listed(
      values.toSorted((a, b) => a - b),
      2,
    )})`,
    most: `${P3_SECONDS.toFixed(1)} s`,
    value: median(values),
    limit: P3_SECONDS,
  });
  return [
    {
      what: 'P2: `./hauspost up` on a bare Debian, to the end of the self-test, Node included; beside it the bare `apt-get install`',
      measured: `${median(whole).toFixed(1)} s (${listed(whole, 1)}; of these for Node and dependencies ${listed(times.prepared, 1)}) to ${median(times.bare).toFixed(1)} s (${listed(times.bare, 1)}): ${ratio.toFixed(2)} times`,
      most: `${P2_RATIO} times`,
      value: ratio,
      limit: P2_RATIO,
    },
    seconds('P3: `plan` with nothing to do', plan),
    seconds('P3: `apply` with nothing to do', apply),
    {
      what: 'P4: memory (PSS) of all processes that `up` added, five minutes after the self-test',
      measured: `${memory.all.toFixed(0)} MB (${memory.units.map(([unit, mb]) => `${unit} ${mb.toFixed(mb < 10 ? 1 : 0)}`).join(', ')})`,
      most: `${P4_MB} MB`,
      value: memory.all,
      limit: P4_MB,
    },
    { what: "P4: of these, Hauspost's own", measured: `${memory.own.toFixed(1)} MB`, most: `${P4_OWN_MB} MB`, value: memory.own, limit: P4_OWN_MB },
  ];
};

const measure = async (release: Release): Promise<boolean> => {
  const times = await installations(release);
  await using machine = times.last.machine;
  const memory = await idle(times.last);
  const [plan, apply] = [await words(machine, 'plan'), await words(machine, 'apply')];
  const all = figures(times, memory, plan, apply);
  for (const { what, measured, value, limit } of all)
    process.stdout.write(`${release}: ${what}: ${measured}${value <= limit ? '' : ' TOO MUCH'}
`);
  record(
    `Times and memory (${release})`,
    `\`bench/figures.ts ${release}\`, with ${await versions(machine)}, on two cores. P2: archives of packages in apt's and npm's caches, ${ROUNDS} machines each way in turns, medians; the bare installation is \`apt-get -y --no-install-recommends install\` of the packages that \`up\` asked for, which start their daemons as Debian has it. P3: medians of ${REPETITIONS}.`,
    [['figure', 'measured', 'at most'], ...all.map(({ what, measured, most }) => [what, measured, most])],
  );
  return all.every(({ value, limit }) => value <= limit);
};

// The machines inherit it.
execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', CORES, String(process.pid)]);
const releases: readonly Release[] =
  process.argv[2] === 'bookworm' ? ['bookworm'] : process.argv[2] === 'trixie' ? ['trixie'] : ['bookworm', 'trixie'];
const held: boolean[] = [];
for (const release of releases) held.push(await measure(release));
process.exitCode = held.every(Boolean) ? 0 : 1;
