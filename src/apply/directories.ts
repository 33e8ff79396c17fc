/** How a directory of ours stands on the machine. */
import { type FileState, followed, type Machine, strangeLink } from '#machine';
import type { Item, Manifest } from '#model';

/**
 * A link of root's to a directory on another disk is as good, unless what is inside is for us alone to decide. A daemon's user could have made one of its own in
 * its folder, such as /var/vmail/sieve, that leads to /etc.
 */
export const standsAs = async (machine: Machine, { path: target, exclusive }: Item & { kind: 'dir' }): Promise<FileState | undefined> => {
  const state = await machine.state(target);
  if (state?.kind !== 'link' || exclusive) return state;
  const behind = await machine.state(await followed(machine, target, 'root:'));
  return behind?.kind === 'dir' ? behind : state;
};

/**
 * Throws `machine.strange-link` (exit 4), before anything is changed: an empty folder in the place of such a link would hide the mail of whoever moved it to another disk and gave
 * all of /var/vmail, the link as well, to vmail (chown -R).
 */
export const refuseStrangeLinks = async (machine: Machine, { items }: Manifest): Promise<void> => {
  for (const item of items) {
    if (item.kind !== 'dir' || item.exclusive || (await standsAs(machine, item))?.kind !== 'link') continue;
    const target = await followed(machine, item.path);
    if ((await machine.state(target))?.kind !== 'dir') continue;
    const link = await followed(machine, item.path, 'root:');
    throw strangeLink(link, target, `that ${(await machine.state(link))?.owner.split(':')[0]} made`);
  }
};
