/** What waits in Postfix' queue. */
import { parsePostqueue, type Queued } from '#formats';
import { type Machine, must } from '#machine';

/** Undefined where it cannot be read: Postfix is not installed, or has no configuration. */
export const queued = async (machine: Machine): Promise<readonly Queued[] | undefined> => {
  const ran = await machine.run(['postqueue', '-j']).catch(() => undefined);
  return ran?.code === 0 ? parsePostqueue(ran.stdout) : undefined;
};

/** Takes out what is for nobody but the addresses that `isTheirs`. */
export const takeOut = async (machine: Machine, isTheirs: (address: string) => boolean): Promise<void> => {
  const ids = ((await queued(machine)) ?? []).filter(({ recipients }) => recipients.every(({ address }) => isTheirs(address)));
  for (const { queue_id: id } of ids) await must(machine, ['postsuper', '-d', id]);
};
