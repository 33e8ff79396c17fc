/** How the apply room keeps its records: JSON documents that root alone reads, and copies of files below a folder. */
import { type AbsPath, path } from '#base';
import { type Machine, must } from '#machine';

export const ROOT_DIR = { owner: 'root:root', mode: 0o700 };
export const ROOT_FILE = { owner: 'root:root', mode: 0o600 };

export const documents = (machine: Machine) => ({
  json: async <T>(file: AbsPath): Promise<T | undefined> => {
    const found = await machine.read(file);
    return found === undefined ? undefined : (JSON.parse(found.toString()) as T);
  },
  put: (file: AbsPath, value: unknown): Promise<void> => machine.write(file, `${JSON.stringify(value, null, 1)}\n`, ROOT_FILE),
});

/** With owner, mode and times, at `root + target`; false when nothing is there. */
export const copyBelow = async (machine: Machine, root: AbsPath, target: AbsPath): Promise<boolean> => {
  if ((await machine.state(target)) === undefined) return false;
  const copy = path(`${root}${target}`);
  await machine.makeDir(path(copy.slice(0, copy.lastIndexOf('/'))), { owner: 'root:root', mode: 0o755 });
  await machine.remove(copy); // of a copy that was interrupted
  await must(machine, ['cp', '-a', '--no-target-directory', target, copy]);
  return true;
};
