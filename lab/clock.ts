/** A machine whose wall clock can be set, while the host's stays what it is (inside/clock.c). */
import { readFile } from 'node:fs/promises';
import { compiled } from './images.ts';
import type { Machine } from './machine.ts';
import { succeeded } from './process.ts';

const LIBRARY = '/usr/lib/lab-clock.so';
const AHEAD = '/usr/lib/lab-clock';

const put = async (machine: Machine, file: string, content: Uint8Array): Promise<void> => {
  // Written over, not made anew: who has mapped the file sees it.
  const argv = ['dd', `of=${file}`, 'conv=notrunc', 'status=none'];
  succeeded(argv, await machine.run(argv, { input: content }));
};

const seconds = (ahead: number): Buffer => {
  const octets = Buffer.alloc(8);
  octets.writeBigInt64LE(BigInt(ahead));
  return octets;
};

/** Switches the machine off and on; the answer sets its clock so many seconds ahead of the host's, or behind it. */
export const ownClock = async (machine: Machine): Promise<(ahead: number) => Promise<void>> => {
  const source = await readFile(new URL('inside/clock.c', import.meta.url), 'utf8');
  await put(machine, LIBRARY, await compiled('clock', source));
  await put(machine, AHEAD, seconds(0));
  await put(machine, '/etc/ld.so.preload', Buffer.from(`${LIBRARY}\n`));
  await machine.stop();
  await machine.start();
  return (ahead) => put(machine, AHEAD, seconds(ahead));
};
