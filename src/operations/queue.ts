/** What waits in Postfix' queue. */
import { parsePostqueue, type Queued } from '#formats';
import { type Machine, must } from '#machine';

/** Undefined where it cannot be read: Postfix is not installed, or has no configuration. */
export const queued = async (machine: Machine): Promise<readonly Queued[] | undefined> => {
  const ran = await machine.run(['postqueue', '-j']).catch(() => undefined);
  return ran?.code === 0 ? parsePostqueue(ran.stdout) : undefined;
};

/** Takes out what is for nobody but the addresses that `isTheirs`. What is for nobody at all has failed, and its sender waits to hear so (docs/postfix.md). */
export const takeOut = async (machine: Machine, isTheirs: (address: string) => boolean): Promise<void> => {
  const isAllTheirs = ({ recipients }: Queued): boolean => recipients.length > 0 && recipients.every(({ address }) => isTheirs(address));
  const ids = ((await queued(machine)) ?? []).filter(isAllTheirs);
  for (const { queue_id: id } of ids) await must(machine, ['postsuper', '-d', id]);
};

interface Gone {
  /** Left out: everybody of the domain. */
  readonly local?: string;
  readonly domain: string;
}

const isFor =
  ({ local, domain }: Gone) =>
  (address: string): boolean => {
    const [name = '', at] = address.toLowerCase().split(/@(?=[^@]*$)/);
    return at === domain && (local === undefined || name.split('+')[0] === local);
  };

/** So many are tried, one by one, and for so long all of them together have. */
const [MOST, WITHIN_MS] = [1000, 10_000];

/**
 * What waits for somebody who is gone is tried at once, and comes back as mail to nobody does; later a successor of the name would get it. What the
 * operator holds stays. Answers how many messages still wait.
 */
export const settle = async (machine: Machine, gone: Gone): Promise<number> => {
  const isTheirs = isFor(gone);
  let left: readonly Queued[] = [];
  const none = async (): Promise<boolean> => {
    const all = (await queued(machine)) ?? [];
    left = all.filter(({ queue_name: queue, recipients }) => queue !== 'hold' && recipients.some(({ address }) => isTheirs(address)));
    return left.length === 0;
  };
  if (await none()) return 0;
  for (const { queue_id: id } of left.slice(0, MOST)) await machine.run(['postqueue', '-i', id]); // one that has just left is unknown, which is well
  await machine.waitFor(none, WITHIN_MS);
  return left.length;
};
