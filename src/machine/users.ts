/** System users that no package brings. */
import { type AbsPath, environmentError } from '#base';
import type { Machine } from './machine.ts';
import { must } from './real.ts';

const isThere = async (machine: Machine, database: 'passwd' | 'group', name: string): Promise<boolean> =>
  (await machine.run(['getent', database, name])).code === 0;

/** Throws `machine.user-without-group` (exit 4): which group its files have is for whoever made that user to say. */
export const refuseUserWithoutGroup = async (machine: Machine, name: string): Promise<void> => {
  if (!(await isThere(machine, 'passwd', name)) || (await isThere(machine, 'group', name))) return;
  throw environmentError({
    code: 'machine.user-without-group',
    message: `there is a user ${name}, and no group of that name, to which mail is to belong`,
    remedy: `Make the group that of the user: groupadd --system ${name} && usermod --gid ${name} ${name}.`,
  });
};

/** Makes the user and a group of the same name unless they exist; an existing one keeps its ids (useradd(8)). */
export const ensureSystemUser = async (machine: Machine, name: string, home: AbsPath): Promise<void> => {
  await refuseUserWithoutGroup(machine, name);
  if (await isThere(machine, 'passwd', name)) return;
  const group = (await isThere(machine, 'group', name)) ? ['--gid', name] : ['--user-group'];
  await must(machine, ['useradd', '--system', ...group, '--home-dir', home, '--no-create-home', '--shell', '/usr/sbin/nologin', name]);
};
