/** The service that calls `hauspost upkeep`, while a test wants nothing to happen by itself. */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import type { Machine } from './machine.ts';
import { succeeded, until } from './process.ts';

/** It goes on to run and calls Hauspost no more; a call that is under way comes to its end, and lets go of what it holds. */
export const holdUpkeep = async (machine: Machine): Promise<void> => {
  const argv = ['systemctl', 'kill', '--kill-whom=main', '--signal=STOP', 'hauspost-upkeep'];
  succeeded(argv, await machine.run(argv));
};

/** When the service calls Hauspost next, in seconds since 1970. A boot removes it, and then it does so a minute later. */
const DUE = '/run/hauspost/upkeep';
/** A time farther away than an hour is none to the service. */
const LATER_S = 3000;

/**
 * For a machine that has just been booted of an image that is in order: there is nothing to be done, and each call takes seconds of a processor. Who removes
 * the file hurries the service as ever; first-up, and machines in the private internet, are looked after a minute after their boot.
 */
export const notYetDue = async ({ root }: Pick<Machine, 'root'>): Promise<void> => {
  const file = `${root}${DUE}`;
  await until('the service has begun', () => existsSync(dirname(file)) || undefined, 60_000);
  if (!existsSync(file)) writeFileSync(file, `${Math.ceil(Date.now() / 1000) + LATER_S}\n`, { mode: 0o600 });
};
