/** A machine whose wall clock can be set, while the host's stays what it is (inside/clock.c). */
import { readFile } from 'node:fs/promises';
import { compiled } from './images.ts';
import type { Machine } from './machine.ts';
import { type Argv, type Output, succeeded } from './process.ts';
import type { Files } from './room.ts';

export const CLOCK_LIBRARY = '/usr/lib/lab-clock.so';
const AHEAD = '/usr/lib/lab-clock';

const put = async (machine: Machine, file: string, content: string | Uint8Array): Promise<void> => {
  // Written over, not made anew: who has mapped the file sees it.
  const argv = ['dd', `of=${file}`, 'conv=notrunc', 'status=none'];
  succeeded(argv, await machine.run(argv, { input: content }));
};

const seconds = (ahead: number): Buffer => {
  const octets = Buffer.alloc(8);
  octets.writeBigInt64LE(BigInt(ahead));
  return octets;
};

/** For a room: what a program runs with that has LD_PRELOAD=CLOCK_LIBRARY; its clock is so many seconds ahead. */
export const clockFiles = async (ahead: number): Promise<Files> => {
  const source = await readFile(new URL('inside/clock.c', import.meta.url), 'utf8');
  return { [CLOCK_LIBRARY]: await compiled('clock', source), [AHEAD]: seconds(ahead) };
};

const putLibrary = async (machine: Machine): Promise<void> => {
  for (const [file, content] of Object.entries(await clockFiles(0))) await put(machine, file, content);
};

/** Only for programs that start from now on; the answer sets their clock so many seconds ahead of the host's, or behind it. */
export const clockOfNewPrograms = async (machine: Machine): Promise<(ahead: number) => Promise<void>> => {
  await putLibrary(machine);
  await put(machine, '/etc/ld.so.preload', Buffer.from(`${CLOCK_LIBRARY}\n`));
  return (ahead) => put(machine, AHEAD, seconds(ahead));
};

/** Runs one program of the machine with a clock that is so many seconds ahead; all others, those that it starts as well as daemons, have the right time. */
export const clockOf = async (machine: Machine): Promise<(ahead: number, argv: Argv) => Promise<Output>> => {
  await putLibrary(machine);
  return async (ahead, argv) => {
    await put(machine, AHEAD, seconds(ahead));
    return machine.run(['env', `LD_PRELOAD=${CLOCK_LIBRARY}`, ...argv], { ms: 120_000 });
  };
};

/** Switches the machine off and on; the answer sets its clock so many seconds ahead of the host's, or behind it. */
export const ownClock = async (machine: Machine): Promise<(ahead: number) => Promise<void>> => {
  const set = await clockOfNewPrograms(machine);
  await machine.stop();
  await machine.start();
  return set;
};
