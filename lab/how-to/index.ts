/** A machine as the original's text makes it, with mail flowing through it: what `up --replace` has to do with. */
import { launched } from '../served.ts';
import type { Release } from '../kinds.ts';
import { openPorts } from '../listening.ts';
import { derive, type Image, type Machine } from '../machine.ts';
import { succeeded, until } from '../process.ts';
import { ROWS, SCHEMA } from './database.ts';
import { AFTER, BEFORE, files } from './files.ts';

export { DOMAIN, ROWS, SCHEMA } from './database.ts';
export { HOST } from './files.ts';

const PACKAGES = [
  ...['mariadb-server', 'dovecot-core', 'dovecot-imapd', 'dovecot-lmtpd', 'dovecot-mysql', 'dovecot-sieve', 'dovecot-managesieved'],
  ...['postfix', 'postfix-mysql', 'rspamd', 'redis-server', 'nginx', 'openssl'],
];

/** Rspamd listens there once it has compiled its patterns; switched off before, each boot would do all of it anew. */
const FILTER = 11332;

const sh = async (machine: Machine, script: string, input = ''): Promise<void> => {
  const argv = ['sh', '-c', script];
  succeeded(argv, await machine.run(argv, { input, ms: 600_000 }));
};

/** No `sudo`-like tool and no file of Hauspost takes part but what the launcher made ready, for a checkout to be put on it. */
export const howTo = async (release: Release): Promise<Image> => {
  const written = files(release);
  const recipe = JSON.stringify([PACKAGES, SCHEMA, ROWS, BEFORE, written, AFTER, FILTER]);
  return derive(await launched({ release, init: 'systemd' }), 'how-to', recipe, async (machine) => {
    await sh(machine, `DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ${PACKAGES.join(' ')}`);
    await sh(machine, 'mariadb', SCHEMA);
    await sh(machine, 'mariadb', ROWS);
    await sh(machine, BEFORE);
    for (const [file, text] of Object.entries(written)) await sh(machine, `mkdir -p "$(dirname '${file}')" && cat >'${file}'`, text);
    await sh(machine, AFTER);
    await until('the filter listens', () => openPorts(machine).has(FILTER) || undefined, 300_000, 500);
  });
};
