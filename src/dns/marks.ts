/**
 * By what a machine is told from a copy of its disk: whoever starts a backup or a snapshot elsewhere has all files of the first one, and the right to
 * publish. Digests, since machine-id(5) asks not to show it. Without systemd, as in a container that is made anew each time, there is nothing to go by.
 */
import { createHash } from 'node:crypto';
import { type AbsPath, path } from '#base';
import type { Machine } from '#machine';

/** Of each mark that is known. */
export type Marks = Readonly<Record<string, string>>;

const BOOTED = path('/run/systemd/system'); // sd_booted(3)
const CONTAINER = path('/run/systemd/container'); // there the firmware is that of the host, which may be another one tomorrow

const readable = async (machine: Machine, file: AbsPath): Promise<string> => {
  try {
    return (await machine.read(file))?.toString().trim() ?? '';
  } catch {
    return ''; // such as firmware that not even root may read: then it tells nothing
  }
};

/** Empty, or not yet made (machine-id(5)), is none. */
const markOf = async (machine: Machine, name: string, file: AbsPath): Promise<Marks> => {
  const text = await readable(machine, file);
  return /^[0-9a-f-]{32,36}$/i.test(text) ? { [name]: createHash('sha256').update(`hauspost ${text.toLowerCase()}`).digest('hex') } : {};
};

export const marksOf = async (machine: Machine): Promise<Marks> => {
  if ((await machine.state(BOOTED)) === undefined) return {};
  const firmware = (await machine.state(CONTAINER)) === undefined ? await markOf(machine, 'product', path('/sys/class/dmi/id/product_uuid')) : {};
  return { ...(await markOf(machine, 'machine', path('/etc/machine-id'))), ...firmware };
};

/** What only one of them has says nothing. */
export const isAnother = (one: Marks, other: Marks): boolean =>
  Object.entries(one).some(([name, mark]) => other[name] !== undefined && other[name] !== mark);
