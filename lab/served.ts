/**
 * Machines on which `up` has run, as images: made by the program itself from a bare Debian, as a user would, and made anew whenever
 * the program changes. What `up` printed and how long it took lies in the image, so that a scenario can judge it.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { image } from './images.ts';
import type { Kind } from './kinds.ts';
import { derive, type Image, type Machine } from './machine.ts';
import { network } from './network.ts';
import type { Output } from './process.ts';

const CHECKOUT = join(import.meta.dirname, '..');
const RECORD = '/root/up.json';
const PREPARED = '/root/prepared-ms';

/** Files of the program, tests left out. */
const programFiles = (): readonly string[] =>
  execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'src', 'hauspost', 'package.json', 'package-lock.json'], {
    cwd: CHECKOUT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((file) => file !== '' && !/\.(test|lab)\.ts$/.test(file))
    .toSorted();

const hashOf = (files: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file).update(readFileSync(join(CHECKOUT, file)));
  return hash.digest('hex');
};

/** Hundredths of a second of a processor, of the first Rspamd to start, in which it loaded its configuration (proc_pid_stat(5): start, user, system). */
const LOADED = `
for each in /proc/[0-9]*; do
  [ "$(cat "$each/comm")" != rspamd ] || awk '{ print $22, $14 + $15 }' "$each/stat"
done | sort -n | head -n 1 | cut -d ' ' -f 2
`;

export interface UpRecord extends Output {
  /** Seconds of a processor that Rspamd's main process had used by then. */
  readonly rspamdLoaded: number;
  readonly ms: number;
  /** Milliseconds that `apt-get install` of the same packages alone needed is measured elsewhere; this is the launcher's preparation. */
  readonly preparedMs: number;
}

/** Programs that a bare machine must not have before `up` brings them. */
export const BROUGHT = ['node', 'npm', 'postfix', 'dovecot', 'rspamd', 'redis-server', 'mariadbd', 'unbound', 'nginx', 'certbot'] as const;

const present = async (machine: Machine): Promise<readonly string[]> => {
  const { stdout } = await machine.run(['sh', '-c', 'for program; do command -v "$program"; done; true', 'look', ...BROUGHT]);
  return stdout.split('\n').filter((line) => line !== '');
};

export const programHash = (): string => hashOf(programFiles());

/**
 * A bare machine on which the launcher has made Node and the dependencies ready in an otherwise empty checkout. That does not depend
 * on the program's own sources.
 */
export const launched = async (kind: Kind): Promise<Image> =>
  derive(await image(kind, 'packages'), 'launched', hashOf(['hauspost', 'package.json', 'package-lock.json']), async (machine) => {
    const found = await present(machine);
    if (found.length > 0) throw new Error(`the bare image is not bare: ${found.join(' ')}`);
    await machine.checkout();
    const begun = performance.now();
    const version = await machine.run(['/opt/hauspost/hauspost', '--version'], { ms: 600_000 });
    const ms = Math.round(performance.now() - begun);
    if (version.code !== 0) throw new Error(`./hauspost --version: ${version.stderr}`);
    const rest =
      'echo "$1" >"$2"; cd /opt/hauspost && rm -rf node_modules/.cache && find . -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +';
    const { code, stderr } = await machine.run(['sh', '-c', rest, 'rest', String(ms), PREPARED]);
    if (code !== 0) throw new Error(stderr);
  });

/** `./hauspost up --yes` on such a machine, which holds nothing else but Debian and what `put` puts there; `words` are further arguments. */
export const firstUp = async (machine: Machine, words: readonly string[], put = (into: Machine): Promise<void> => into.checkout()): Promise<void> => {
  const found = await present(machine);
  if (found.length > 0) throw new Error(`the bare image is not bare: ${found.join(' ')}`);
  await put(machine);
  const preparedMs = Number((await machine.run(['cat', PREPARED])).stdout);
  const started = performance.now();
  const up = await machine.run(['/opt/hauspost/hauspost', 'up', ...words, '--yes'], { ms: 1_200_000 });
  const ms = Math.round(performance.now() - started);
  const rspamdLoaded = Number((await machine.run(['sh', '-c', LOADED])).stdout) / 100;
  const record: UpRecord = { ...up, ms, preparedMs, rspamdLoaded };
  await machine.run(['sh', '-c', `cat >${RECORD}`], { input: JSON.stringify(record) });
  if (up.code !== 0) throw new Error(`./hauspost up ended with ${up.code}:\n${up.stdout}\n${up.stderr}`);
};

/** A machine of profile `local`, shut down in order after its first `up`. */
export const served = async (kind: Kind): Promise<Image> => derive(await launched(kind), 'served', programHash(), (machine) => firstUp(machine, []));

/**
 * A machine of profile `public`: its names are reserved (RFC 6761), its addresses are for benchmarks (RFC 2544, RFC 5180), which no
 * program takes for a private network's.
 */
export const PUBLIC = { hostname: 'mail.example.test', domain: 'example.test', addresses: { v4: '198.18.0.10', v6: '2001:2::10' } } as const;

/** The same for profile `public`, in a network of its own in which nobody answers, DNS included. */
export const servedPublic = async (kind: Kind): Promise<Image> =>
  derive(await launched(kind), 'served-public', `${JSON.stringify(PUBLIC)} ${programHash()}`, async (machine) => {
    await using lan = await network();
    await lan.join(machine, PUBLIC.addresses);
    await firstUp(machine, ['--hostname', PUBLIC.hostname, '--domain', PUBLIC.domain]);
  });

/** What the first `up` said. */
export const upRecord = async (machine: Machine): Promise<UpRecord> => JSON.parse((await machine.run(['cat', RECORD])).stdout);

/** The password that `up` showed for an account, from what it wrote on standard error. */
export const shownPassword = ({ stderr }: Pick<Output, 'stderr'>, whose: string): string => {
  const line = stderr.split('\n').find((each) => each.startsWith(`password of ${whose}: `));
  if (line === undefined) throw new Error(`no password of ${whose} was shown:\n${stderr}`);
  return line.slice(line.lastIndexOf(' ') + 1);
};
