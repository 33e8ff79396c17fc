/** How the apply room keeps its records: JSON documents that root alone reads, and copies of files below a folder. */
import { type AbsPath, environmentError, type HauspostError, path } from '#base';
import { type Machine, must } from '#machine';

/** The directory that it is in. */
export const above = (target: AbsPath): AbsPath => path(target.slice(0, target.lastIndexOf('/')) || '/');

export const ROOT_DIR = { owner: 'root:root', mode: 0o700 };
export const ROOT_FILE = { owner: 'root:root', mode: 0o600 };

/** `what` is wrong with it, and what the operator can do: guessing could take a mail server for a bare machine. */
export const damaged = (file: AbsPath, what: string, remedy: string): HauspostError =>
  environmentError({ code: 'store.damaged', message: `${file} ${what}; nothing was changed`, remedy, detail: { file } });

type Remedy = () => Promise<string> | string;

/** What is empty after a crash of the disk, or was written by somebody else, is no document. */
const parsed = async (file: AbsPath, text: string, remedy: Remedy): Promise<unknown> => {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw damaged(file, text.trim() === '' ? 'is empty' : 'cannot be read as JSON', await remedy());
  }
};

export const documents = (machine: Machine) => ({
  /** `remedy`: what to do where it is damaged. */
  json: async <T>(file: AbsPath, remedy: Remedy = () => 'Put it back from a backup.'): Promise<T | undefined> => {
    const found = await machine.read(file);
    return found === undefined ? undefined : ((await parsed(file, found.toString(), remedy)) as T);
  },
  put: (file: AbsPath, value: unknown): Promise<void> => machine.write(file, `${JSON.stringify(value, null, 1)}\n`, ROOT_FILE),
});

/** With owner, mode and times, at `root + target`, not yet durable; false when nothing is there. */
export const copyBelow = async (machine: Machine, root: AbsPath, target: AbsPath): Promise<boolean> => {
  if ((await machine.state(target)) === undefined) return false;
  const copy = path(`${root}${target}`);
  await machine.makeDir(above(copy), { owner: 'root:root', mode: 0o755 });
  await machine.remove(copy); // of a copy that was interrupted
  await must(machine, ['cp', '-a', '--no-target-directory', target, copy]);
  return true;
};
