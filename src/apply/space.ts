/**
 * Room on the file systems that a change writes to: asked for before anything is touched, put by for the way back, and named when a step failed
 * for want of it. Trusts what statfs(2) says; somebody else may take the room at any time.
 */
import { type AbsPath, asHauspostError, environmentError, type HauspostError, path, redacted } from '#base';
import { diskFull, diskReadOnly, type FileSystem, type Machine, megabytes } from '#machine';
import type { Manifest } from '#model';
import type { Change } from './changes.ts';
import { ROOT_FILE } from './documents.ts';
import type { Desired } from './plan.ts';

const MEBIBYTE = 2 ** 20;
/** The least that a file takes on most file systems. */
const BLOCK = 4096;
/** For what daemons write while they start anew, for the journal, and for records. Where less is left, that is why something failed. */
const MARGIN = 16 * MEBIBYTE;
/** What MariaDB and the others make when they start for the first time. */
const FIRST_DATA = 256 * MEBIBYTE;

type Need = readonly [target: AbsPath, octets: number];

const blocks = (octets: number): number => Math.ceil(octets / BLOCK) * BLOCK;

const sizes = ({ items }: Manifest): readonly Need[] =>
  items.flatMap((item): readonly Need[] => {
    if (item.kind === 'file') return [[item.path, blocks(Buffer.byteLength(redacted(item.text)))]];
    return item.kind === 'dir' || item.kind === 'derived' ? [[item.path, 2 * BLOCK]] : [];
  });

const total = (needs: readonly Need[]): number => needs.reduce((sum, [, octets]) => sum + octets, 0);

/** Of the files that `changes` write, each as if nothing were there yet: it stands beside the old one for a moment. */
const written = ({ manifest }: Desired, changes: readonly Change[]): readonly Need[] => {
  const targets = new Set(changes.map(({ target }) => target));
  return sizes(manifest).filter(([target]) => targets.has(target));
};

/** What it takes to put back what `changes` were to replace. */
const forTheWayBack = (desired: Desired, changes: readonly Change[]): number => MEBIBYTE + total(written(desired, changes));

interface Place {
  readonly on: FileSystem;
  readonly octets: number;
}

/** What is needed on each file system. */
const places = async (machine: Machine, needs: readonly Need[]): Promise<readonly Place[]> => {
  const found = await Promise.all(needs.map(async ([target, octets]) => ({ on: await machine.fileSystem(target), octets })));
  // One that is mounted twice may be read-only at one of them.
  const groups = Map.groupBy(found, ({ on }) => `${on.device} ${on.writable}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ on: first.on, octets: group.reduce((sum, { octets }) => sum + octets, 0) }];
  });
};

/** Throws `disk.full` or `disk.read-only` where the change cannot be written; nothing was touched then. `packages`: octets that they take. */
export const refuseWithoutRoom = async (machine: Machine, desired: Desired, changes: readonly Change[], packages: number): Promise<void> => {
  const { state } = desired.input.wiring.places;
  const coming: readonly Need[] =
    packages === 0
      ? []
      : [
          [path('/usr'), packages],
          [path('/var'), FIRST_DATA],
        ];
  const staged = total(sizes(desired.manifest)) + forTheWayBack(desired, changes);
  for (const { on, octets } of await places(machine, [[state, staged], ...written(desired, changes), ...coming])) {
    if (!on.writable) throw diskReadOnly(on, 'the change cannot be written; nothing was touched');
    if (on.files === 0 || on.free < octets + MARGIN) throw diskFull(on, `the change needs ${megabytes(octets + MARGIN)}; nothing was touched`);
  }
};

const reserves = ({ input: { wiring } }: Desired): readonly AbsPath[] =>
  [wiring.places.state, wiring.places.config].map((folder) => path(`${folder}/.reserve`));

/** A file where generations lie, and one where configuration lies if that is another file system. It holds what no file system can store in less. */
export const reserve = async (machine: Machine, desired: Desired, changes: readonly Change[]): Promise<void> => {
  const taken = new Set<number>();
  for (const file of reserves(desired)) {
    const { device } = await machine.fileSystem(file);
    if (!taken.has(device)) await machine.write(file, machine.random(forTheWayBack(desired, changes)), ROOT_FILE);
    taken.add(device);
  }
};

/** Nothing that was put by is there afterwards. */
export const release = async (machine: Machine, desired: Desired): Promise<void> => {
  for (const file of reserves(desired)) if ((await machine.state(file)) !== undefined) await machine.remove(file);
};

/** The file system of ours or of mail that takes nothing more, in words. */
const lack = async (machine: Machine, { input: { wiring } }: Desired): Promise<HauspostError | undefined> => {
  const { state, config, mail, dkim, 'postfix-queue': queue } = wiring.places;
  const found = await places(
    machine,
    [state, config, mail, dkim, queue].map((place) => [place, 0]),
  );
  const readOnly = found.find(({ on }) => !on.writable);
  if (readOnly !== undefined) return diskReadOnly(readOnly.on, 'that may be why');
  const full = found.find(({ on }) => on.files === 0 || on.free < MARGIN);
  return full === undefined ? undefined : diskFull(full.on, 'that may be why');
};

const isOther = ({ blame, code }: HauspostError): boolean => blame === 'operator' || code === 'apply.interrupted' || code.startsWith('disk.');

/** A program or a daemon that fails where the disk is full, or read-only, says so in words of its own, if at all: then it is said beside them (exit 4). */
export const namingLack = async <T>(machine: Machine, desired: Desired, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (thrown) {
    const error = asHauspostError(thrown);
    const why = isOther(error) ? undefined : await lack(machine, desired);
    if (why === undefined) throw thrown;
    const message = `${error.message}\n${why.message}`;
    throw environmentError({
      code: error.code === 'apply.not-back' ? error.code : why.code,
      message,
      remedy: why.remedy,
      detail: { ...error.detail, ...why.detail },
      cause: thrown,
    });
  }
};
