/** System users that no package brings. */
import type { AbsPath } from '#base';
import type { Machine } from './machine.ts';
import { must } from './real.ts';

/** Makes the user and a group of the same name unless they exist; an existing one keeps its ids (useradd(8)). */
export const ensureSystemUser = async (machine: Machine, name: string, home: AbsPath): Promise<void> => {
  if ((await machine.run(['getent', 'passwd', name])).code === 0) return;
  await must(machine, ['useradd', '--system', '--user-group', '--home-dir', home, '--no-create-home', '--shell', '/usr/sbin/nologin', name]);
};
