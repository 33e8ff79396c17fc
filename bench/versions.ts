/** Which versions of the daemons a figure belongs to. */
import type { Machine } from '#lab';

const DAEMONS = ['postfix', 'dovecot-core', 'rspamd', 'mariadb-server', 'redis-server', 'unbound', 'nginx'];

export const versions = async (machine: Machine): Promise<string> => {
  const { stdout } = await machine.run(['dpkg-query', '-W', '-f', '${Package} ${Version}\n', ...DAEMONS]);
  return stdout.trim().split('\n').join(', ');
};
