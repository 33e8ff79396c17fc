/** Postfix's queue, as postqueue(1) -j shows it: one JSON object a line. */
import { z } from 'zod';
import { type Machine, must } from '#machine';

const message = z.object({ queue_name: z.string(), queue_id: z.string(), recipients: z.array(z.object({ address: z.string() })) });
export type Queued = z.output<typeof message>;

/** Undefined where it cannot be read: Postfix is not installed, or has no configuration. */
export const queued = async (machine: Machine): Promise<readonly Queued[] | undefined> => {
  const ran = await machine.run(['postqueue', '-j']).catch(() => undefined);
  if (ran?.code !== 0) return undefined;
  return ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => message.parse(JSON.parse(line)));
};

/** Takes out what is for nobody but the addresses that `isTheirs`. */
export const takeOut = async (machine: Machine, isTheirs: (address: string) => boolean): Promise<void> => {
  const ids = ((await queued(machine)) ?? []).filter(({ recipients }) => recipients.every(({ address }) => isTheirs(address)));
  for (const { queue_id: id } of ids) await must(machine, ['postsuper', '-d', id]);
};
