/** The service that calls `hauspost upkeep`, while a test wants nothing to happen by itself. */
import type { Machine } from './machine.ts';
import { succeeded } from './process.ts';

/** It goes on to run and calls Hauspost no more; a call that is under way comes to its end, and lets go of what it holds. */
export const holdUpkeep = async (machine: Machine): Promise<void> => {
  const argv = ['systemctl', 'kill', '--kill-whom=main', '--signal=STOP', 'hauspost-upkeep'];
  succeeded(argv, await machine.run(argv));
};
